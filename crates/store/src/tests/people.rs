//! People, teams, roles and tokens, also where several writers meet.

use domain::{
    Error, PermissionSet, Timestamp,
    id::{RoleId, TeamId},
    person::{Membership, Role, RoleScope, Team, TeamRole},
};

use super::{ANN, BOB, databases, user};
use crate::{
    roles,
    roles::{Assignment, RoleRow},
    sequences, teams, tokens,
    tokens::Revocation,
    users,
};

fn team(slug: &str, at: i64) -> Team {
    Team {
        id: TeamId::random(),
        name: slug.to_uppercase(),
        slug: slug.to_owned(),
        description: Some("d".to_owned()),
        created_by: ANN.to_owned(),
        is_personal: false,
        visibility: "private".to_owned(),
        max_members: Some(9),
        created_at: Timestamp(at),
        updated_at: Timestamp(at),
        is_active: true,
    }
}

fn member(team: &Team, email: &str, role: TeamRole) -> Membership {
    let (team_id, email) = (team.id.clone(), email.to_owned());
    Membership { team_id, email, role, joined_at: Timestamp(3), invited_by: Some(ANN.to_owned()) }
}

fn assignment(email: &str, role: &RoleRow, team: Option<&Team>) -> Assignment {
    Assignment {
        id: RoleId::random().as_str().to_owned(),
        email: email.to_owned(),
        role_id: role.role.id.clone(),
        scope: role.role.scope,
        scope_id: team.map(|team| team.id.as_str().to_owned()),
        granted_by: ANN.to_owned(),
        granted_at: Timestamp(4),
        expires_at: None,
    }
}

fn role(name: &str, scope: RoleScope, permissions: &[&str]) -> RoleRow {
    let role = Role {
        id: RoleId::random(),
        name: name.to_owned(),
        description: None,
        scope,
        permissions: PermissionSet::from_names(permissions.iter().copied()),
        inherits_from: None,
        is_system: true,
        is_active: true,
    };
    let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
    RoleRow {
        role,
        permissions,
        created_by: ANN.to_owned(),
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

#[tokio::test]
async fn people_come_back_and_their_addresses_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let (ann, bob) = (user(ANN, true), user(BOB, false));
        let mut tx = db.begin().await.unwrap();
        users::insert(&mut tx, &ann).await.unwrap();
        users::insert(&mut tx, &bob).await.unwrap();
        assert_eq!(users::by_email_in(&mut tx, ANN).await.unwrap().unwrap().id, ann.id);
        tx.commit().await.unwrap();
        let back = users::by_id(&db, &ann.id).await.unwrap().unwrap();
        assert_eq!(format!("{back:?}"), format!("{ann:?}"));
        assert_eq!(back.password_hash.expose(), "$argon2id$");
        let listed = users::list(&db, None, None, Some(1)).await.unwrap();
        assert_eq!((listed.len(), listed[0].email.as_str()), (1, ANN));
        assert_eq!(users::list(&db, Some(ANN), None, None).await.unwrap()[0].email, BOB);
        let found = async |words: &str| users::list(&db, None, Some(words), None).await.unwrap().len();
        let (local, _) = BOB.split_once('@').unwrap();
        assert_eq!(
            (found("ANN").await, found(local).await, found("%").await, found("_").await),
            (2, 1, 0, 0)
        );
        let mut tx = db.begin().await.unwrap();
        let twice = users::insert(&mut tx, &user(ANN, false)).await;
        assert!(matches!(twice, Err(Error::AlreadyExists { kind, name }) if kind == "User" && name == ANN));
        drop(tx);
        let mut tx = db.begin().await.unwrap();
        let nobody = users::update(&mut tx, &user("nobody@example.com", false)).await;
        assert!(matches!(nobody, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn failed_logins_are_counted_and_a_login_clears_them() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let ann = user(ANN, true);
        let mut tx = db.begin().await.unwrap();
        users::insert(&mut tx, &ann).await.unwrap();
        tx.commit().await.unwrap();
        let tries = (0..5).map(|_| {
            let (db, id) = (db.clone(), ann.id.clone());
            tokio::spawn(async move {
                let mut tx = db.begin().await.unwrap();
                users::note_failed_login(&mut tx, &id).await.unwrap();
                tx.commit().await.unwrap();
            })
        });
        for one in tries.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert_eq!(users::by_email(&db, ANN).await.unwrap().unwrap().failed_login_attempts, 7);
        let mut tx = db.begin().await.unwrap();
        users::set_lock(&mut tx, &ann.id, Some(Timestamp(9))).await.unwrap();
        tx.commit().await.unwrap();
        let locked = users::by_email(&db, ANN).await.unwrap().unwrap();
        assert_eq!((locked.failed_login_attempts, locked.locked_until), (0, Some(Timestamp(9))));
        let mut tx = db.begin().await.unwrap();
        users::note_login(&mut tx, &ann.id, Timestamp(11)).await.unwrap();
        tx.commit().await.unwrap();
        let back = users::by_email(&db, ANN).await.unwrap().unwrap();
        assert_eq!((back.locked_until, back.last_login), (None, Some(Timestamp(11))));
    }
}

/// Writers take turns, so that a rule that is checked in a transaction holds when it commits.
#[tokio::test]
async fn two_administrators_cannot_demote_each_other() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let both = [user(ANN, true), user(BOB, true)];
        let mut tx = db.begin().await.unwrap();
        for one in &both {
            users::insert(&mut tx, one).await.unwrap();
        }
        tx.commit().await.unwrap();
        let demotions = both.map(|mut one| {
            let db = db.clone();
            tokio::spawn(async move {
                one.is_admin = false;
                let mut tx = db.begin().await.unwrap();
                users::update(&mut tx, &one).await.unwrap();
                tokio::task::yield_now().await;
                if users::count_admins(&mut tx).await.unwrap() > 0 {
                    tx.commit().await.unwrap();
                }
            })
        });
        for demotion in demotions {
            demotion.await.unwrap();
        }
        let mut tx = db.begin().await.unwrap();
        assert_eq!(users::count_admins(&mut tx).await.unwrap(), 1);
    }
}

/// However many write, those who read inside and beside a transaction are served.
#[tokio::test]
async fn writers_that_wait_leave_connections_to_readers() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let writers = (0..20).map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.unwrap();
                sequences::bump(&mut tx, "catalogue").await.unwrap();
                sequences::read(&db, "identity").await.unwrap();
                tx.commit().await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(sequences::read(&db, "catalogue").await.unwrap(), 21);
    }
}

#[tokio::test]
async fn teams_have_members_until_they_go() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let (red, blue) = (team("red", 1), team("blue", 2));
        let mut tx = db.begin().await.unwrap();
        users::insert(&mut tx, &user(ANN, true)).await.unwrap();
        let bob = user(BOB, false);
        users::insert(&mut tx, &bob).await.unwrap();
        for one in [&red, &blue] {
            teams::insert(&mut tx, one).await.unwrap();
        }
        teams::add_member(&mut tx, &member(&red, ANN, TeamRole::Owner)).await.unwrap();
        teams::add_member(&mut tx, &member(&red, BOB, TeamRole::Member)).await.unwrap();
        teams::add_member(&mut tx, &member(&blue, BOB, TeamRole::Owner)).await.unwrap();
        assert_eq!(teams::count_in(&mut tx, &red.id, TeamRole::Owner).await.unwrap(), 1);
        assert_eq!(teams::member_in(&mut tx, &red.id, BOB).await.unwrap().unwrap().role, TeamRole::Member);
        assert!(teams::set_member_role(&mut tx, &red.id, BOB, TeamRole::Owner).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(format!("{:?}", teams::get(&db, &red.id).await.unwrap()), format!("{:?}", Some(&red)));
        assert_eq!(teams::by_slug(&db, "blue").await.unwrap().unwrap().id, blue.id);
        let newest = teams::list(&db, teams::Which::All, &teams::Page::default()).await.unwrap();
        let newest: Vec<_> = newest.into_iter().map(|(team, members)| (team.slug, members)).collect();
        assert_eq!(newest, [("blue".to_owned(), 1), ("red".to_owned(), 2)]);
        assert_eq!(teams::members(&db, &red.id).await.unwrap()[1].role, TeamRole::Owner);
        assert_eq!(teams::of_person(&db, BOB).await.unwrap().len(), 2);
        let mut tx = db.begin().await.unwrap();
        teams::update(&mut tx, &Team { is_active: false, ..blue.clone() }).await.unwrap();
        tx.commit().await.unwrap();
        let counting = teams::memberships(&db, BOB).await.unwrap();
        assert_eq!(counting.len(), 1, "a team that is not in use does not count");
        let mut tx = db.begin().await.unwrap();
        users::delete(&mut tx, &bob.id).await.unwrap();
        teams::delete(&mut tx, &red.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(teams::members(&db, &blue.id).await.unwrap().is_empty(), "memberships go with the person");
        assert!(teams::of_person(&db, ANN).await.unwrap().is_empty(), "and with the team");
        let mut tx = db.begin().await.unwrap();
        let taken = teams::insert(&mut tx, &team("blue", 9)).await;
        assert!(matches!(taken, Err(Error::AlreadyExists { kind, .. }) if kind == "Team"));
    }
}

#[tokio::test]
async fn roles_are_repaired_given_and_taken() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let red = team("red", 1);
        let viewer = role("viewer", RoleScope::Team, &["tools.read", "a.name.of.later"]);
        let global = role("viewer", RoleScope::Global, &["*"]);
        let mut tx = db.begin().await.unwrap();
        users::insert(&mut tx, &user(ANN, true)).await.unwrap();
        teams::insert(&mut tx, &red).await.unwrap();
        roles::upsert(&mut tx, &viewer).await.unwrap();
        roles::upsert(&mut tx, &global).await.unwrap();
        let given = assignment(ANN, &viewer, Some(&red));
        roles::assign(&mut tx, &given).await.unwrap();
        roles::assign(&mut tx, &assignment(ANN, &viewer, Some(&red))).await.unwrap();
        roles::assign(&mut tx, &assignment(ANN, &global, None)).await.unwrap();
        roles::assign(&mut tx, &assignment(ANN, &global, None)).await.unwrap();
        roles::upsert(&mut tx, &role("viewer", RoleScope::Team, &["tools.read"])).await.unwrap();
        tx.commit().await.unwrap();
        let back = roles::by_name(&db, "viewer", RoleScope::Team).await.unwrap().unwrap();
        assert_eq!(
            (back.role.id.clone(), back.permissions),
            (viewer.role.id.clone(), vec!["tools.read".to_owned()])
        );
        assert_eq!(
            roles::get(&db, &global.role.id).await.unwrap().unwrap().role.permissions,
            PermissionSet::ALL
        );
        assert_eq!(roles::all(&db).await.unwrap().len(), 2);
        let held = roles::of_person(&db, ANN).await.unwrap();
        assert_eq!(held.len(), 2, "what somebody has stays as it is");
        assert!(held.iter().any(|one| one.id == given.id && one.scope_id == given.scope_id));
        let mut tx = db.begin().await.unwrap();
        let gone = roles::revoke(&mut tx, ANN, &global.role.id, RoleScope::Global, None).await.unwrap();
        let again = roles::revoke(&mut tx, ANN, &global.role.id, RoleScope::Global, None).await.unwrap();
        assert_eq!((gone, again), (true, false));
        roles::revoke_in_team(&mut tx, ANN, red.id.as_str()).await.unwrap();
        tx.commit().await.unwrap();
        assert!(roles::of_person(&db, ANN).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn revoked_tokens_stay_revoked_until_their_end() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let revoked =
            |jti, end| Revocation { jti, email: ANN, at: Timestamp(5), expires_at: end, reason: None };
        let mut tx = db.begin().await.unwrap();
        tokens::revoke(&mut tx, &revoked("short", Some(Timestamp(10)))).await.unwrap();
        tokens::revoke(&mut tx, &revoked("long", None)).await.unwrap();
        tokens::revoke(&mut tx, &revoked("long", Some(Timestamp(1)))).await.unwrap();
        let whole = Timestamp::from_seconds(20);
        let after = tokens::set_valid_after(&mut tx, ANN, Timestamp(19_000_001)).await.unwrap();
        assert_eq!(after, whole, "up to the next second");
        assert_eq!(tokens::set_valid_after(&mut tx, ANN, whole).await.unwrap(), whole);
        tokens::set_valid_after(&mut tx, ANN, Timestamp::from_seconds(15)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(tokens::is_revoked(&db, "short").await.unwrap());
        assert!(!tokens::is_revoked(&db, "other").await.unwrap());
        assert_eq!(tokens::revoked(&db, Timestamp(9)).await.unwrap(), ["long", "short"]);
        assert_eq!(tokens::revoked(&db, Timestamp(10)).await.unwrap(), ["long"]);
        assert_eq!(tokens::valid_after(&db, ANN).await.unwrap(), Some(whole), "never moves back");
        assert_eq!(tokens::valid_after(&db, BOB).await.unwrap(), None);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tokens::forget_expired(&mut tx, Timestamp(10)).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert!(tokens::is_revoked(&db, "long").await.unwrap(), "a token without an end stays revoked");
    }
}

#[tokio::test]
async fn sequences_grow_with_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    for db in databases(folder.path()).await {
        let before = sequences::read(&db, "catalogue").await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(sequences::bump(&mut tx, "catalogue").await.unwrap(), before + 1);
        assert_eq!(sequences::read(&db, "catalogue").await.unwrap(), before, "not before the commit");
        drop(tx);
        assert_eq!(sequences::read(&db, "catalogue").await.unwrap(), before);
        let mut tx = db.begin().await.unwrap();
        sequences::bump(&mut tx, "catalogue").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(sequences::read(&db, "catalogue").await.unwrap(), before + 1);
        assert!(sequences::read(&db, "nonsense").await.is_err());
    }
}
