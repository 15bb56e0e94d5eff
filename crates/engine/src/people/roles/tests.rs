use std::collections::BTreeMap;

use domain::Scope;

use super::*;

fn actor(is_admin: bool, granted: PermissionSet, cap: PermissionSet) -> Arc<Actor> {
    Arc::new(Actor {
        email: "a@b.c".to_owned(),
        is_admin,
        granted,
        in_team: BTreeMap::new(),
        cap,
        scope: Scope::PublicOnly,
        server: None,
        token_id: None,
        expires_at: None,
    })
}

#[test]
fn nobody_gives_more_than_they_have() {
    let some = PermissionSet::from_names(["tools.read", "admin.user_management"]);
    let reads = PermissionSet::from_names(["tools.read"]);
    assert!(check_may_grant(&actor(false, some, PermissionSet::ALL), reads).is_ok());
    assert!(check_may_grant(&actor(false, some, PermissionSet::ALL), PermissionSet::ALL).is_err());
    assert!(
        check_may_grant(&actor(true, PermissionSet::NONE, PermissionSet::ALL), PermissionSet::ALL).is_ok()
    );
    assert!(
        check_may_grant(&actor(true, PermissionSet::NONE, some), PermissionSet::ALL).is_err(),
        "a limited token"
    );
}

#[test]
fn what_somebody_may_do_in_a_team_can_be_given_there_only() {
    let (mine, other) = (TeamId::random(), TeamId::random());
    let reads = PermissionSet::from_names(["tools.read"]);
    let mut bob = actor(false, PermissionSet::NONE, PermissionSet::ALL);
    if let Some(bob) = Arc::get_mut(&mut bob) {
        bob.scope = Scope::Teams { email: bob.email.clone(), teams: vec![mine.clone()] };
        bob.in_team.insert(mine.clone(), reads);
        bob.in_team.insert(other.clone(), reads);
    }
    assert!(check_may_grant_in(&bob, reads, Some(&mine)).is_ok());
    assert!(check_may_grant_in(&bob, reads, Some(&other)).is_err(), "outside the credential");
    assert!(check_may_grant(&bob, reads).is_err());
}

#[test]
fn a_name_means_the_role_of_the_scope() {
    let row = |scope| RoleRow {
        role: Role {
            id: RoleId::random(),
            name: "viewer".to_owned(),
            description: None,
            scope,
            permissions: PermissionSet::NONE,
            inherits_from: None,
            is_system: false,
            is_active: true,
        },
        permissions: vec![],
        created_by: String::new(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    let rows = [row(RoleScope::Global), row(RoleScope::Team)];
    let scope = |text: &str, scope| find(&rows, text, scope).map(|row| row.role.scope).ok();
    assert_eq!(scope("viewer", Some(RoleScope::Team)), Some(RoleScope::Team));
    assert_eq!(scope("viewer", None), Some(RoleScope::Global));
    assert_eq!(scope(rows[1].role.id.as_str(), Some(RoleScope::Global)), Some(RoleScope::Team));
    assert_eq!(scope("nope", None), None);
}
