//! Roles and who has them. Nobody can give what they may not do themselves.

use std::sync::Arc;

use domain::{
    Actor, Caller, Error, PermissionSet, Result, Timestamp,
    id::{RoleId, TeamId},
    permission::grant::AdminUserManagement,
    person::{Role, RoleScope, User},
};
use serde_json::json;

use crate::{
    audit::{self, Deed},
    engine::Engine,
    policy::Permit,
};

type May = Permit<AdminUserManagement>;

pub use store::roles::{Assignment, RoleRow};

/// A role that somebody is to have.
#[derive(Debug, Clone)]
pub struct NewAssignment {
    /// The role's id or name.
    pub role: String,
    /// Where it is to count; has to be the role's own scope.
    pub scope: RoleScope,
    /// The team, for roles in a team.
    pub team_id: Option<String>,
    /// Whether an end was asked for, which is not supported.
    pub expires: bool,
}

/// Every role, of one scope if given.
pub async fn roles(engine: &Engine, _: &May, scope: Option<RoleScope>) -> Result<Vec<RoleRow>> {
    let roles = store::roles::all(engine.db()).await?;
    Ok(roles.into_iter().filter(|row| scope.is_none_or(|scope| row.role.scope == scope)).collect())
}

/// One role.
pub async fn role(engine: &Engine, _: &May, id: &str) -> Result<RoleRow> {
    find(engine, id).await
}

/// The roles that somebody has.
pub async fn assignments(engine: &Engine, _: &May, email: &str) -> Result<Vec<Assignment>> {
    let user = person(engine, email).await?;
    store::roles::of_person(engine.db(), &user.email).await
}

/// Gives somebody a role.
pub async fn assign(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    new: NewAssignment,
) -> Result<Assignment> {
    let user = person(engine, email).await?;
    if new.expires {
        // A limit that is not enforced must not look as if it were.
        return Err(Error::invalid(
            "expires_at",
            "is not supported; take the role away when its time has come",
        ));
    }
    let role = find(engine, &new.role).await?.role;
    if role.scope != new.scope {
        return Err(Error::invalid("scope", "must be the scope of the role"));
    }
    check_may_grant(permit.actor(), role.permissions)?;
    let team = team_of(engine, permit, &user, &new).await?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    grant(&mut tx, &user.email, &role, team.as_ref(), (by, engine.clock().now())).await?;
    record(engine, &mut tx, (by, caller), "role.assign", (&user, &role, team.as_ref())).await?;
    super::commit(engine, tx).await?;
    let given = store::roles::of_person(engine.db(), &user.email).await?;
    let team = team.map(String::from);
    let mut made = given.into_iter().filter(|given| given.role_id == role.id && given.scope_id == team);
    made.next().ok_or_else(|| Error::not_found("Role assignment", ""))
}

/// Takes a role from somebody.
pub async fn revoke(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    (role, team_id): (&str, Option<&str>),
) -> Result<()> {
    let user = person(engine, email).await?;
    let role = find(engine, role).await?.role;
    let team = team_id.map(|id| TeamId::parse(id).ok_or_else(|| Error::not_found("Team", ""))).transpose()?;
    check_may_grant(permit.actor(), role.permissions)?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    if !store::roles::revoke(&mut tx, &user.email, &role.id, role.scope, team.as_ref().map(TeamId::as_str))
        .await?
    {
        return Err(Error::not_found("Role assignment", ""));
    }
    record(engine, &mut tx, (by, caller), "role.revoke", (&user, &role, team.as_ref())).await?;
    super::commit(engine, tx).await
}

/// Refuses to hand out permissions that the actor, with this credential, has not got everywhere.
pub(super) fn check_may_grant(actor: &Arc<Actor>, permissions: PermissionSet) -> Result<()> {
    let has = if actor.is_admin { PermissionSet::ALL } else { actor.granted };
    if permissions.within(has.and(actor.cap)) { Ok(()) } else { Err(Error::Forbidden { needs: None }) }
}

/// The team of a new assignment. A role in a team is for its members.
async fn team_of(engine: &Engine, permit: &May, user: &User, new: &NewAssignment) -> Result<Option<TeamId>> {
    let given = new.team_id.as_deref().filter(|id| !id.is_empty());
    let team = match (new.scope, given) {
        (RoleScope::Team, None) => return Err(Error::invalid("scope_id", "must name the team")),
        (RoleScope::Global | RoleScope::Personal, Some(_)) => {
            return Err(Error::invalid("scope_id", "belongs to roles in a team only"));
        }
        (RoleScope::Global | RoleScope::Personal, None) => return Ok(None),
        (RoleScope::Team, Some(id)) => TeamId::parse(id).filter(|team| permit.scope().has_team(team)),
    };
    let team = team.ok_or_else(|| Error::not_found("Team", ""))?;
    let memberships = store::teams::memberships(engine.db(), &user.email).await?;
    if memberships.iter().any(|membership| membership.team_id == team) {
        Ok(Some(team))
    } else {
        Err(Error::invalid("scope_id", "must be a team that the person is a member of"))
    }
}

async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    (user, role, team): (&User, &Role, Option<&TeamId>),
) -> Result<()> {
    let details = json!({ "role": role.name, "team": team.map(TeamId::as_str), "email": user.email });
    audit::record(engine, tx, by, caller, Deed::done(action, "user", user.id.as_str()).with(details)).await
}

/// Gives a role, unless the person has it.
pub(crate) async fn grant(
    tx: &mut store::Tx,
    email: &str,
    role: &Role,
    team: Option<&TeamId>,
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let assignment = Assignment {
        id: RoleId::random().as_str().to_owned(),
        role_id: role.id.clone(),
        email: email.to_owned(),
        scope: role.scope,
        scope_id: team.map(|team| team.as_str().to_owned()),
        granted_by: by.to_owned(),
        granted_at: at,
        expires_at: None,
    };
    store::roles::assign(tx, &assignment).await
}

/// A role that every start makes sure of.
pub(crate) async fn built_in(engine: &Engine, name: &str, scope: RoleScope) -> Result<Role> {
    let row = store::roles::by_name(engine.db(), name, scope).await?;
    row.map(|row| row.role).ok_or_else(|| Error::Internal(format!("the built-in role {name} is missing")))
}

async fn find(engine: &Engine, id_or_name: &str) -> Result<RoleRow> {
    let id = RoleId::parse(id_or_name);
    let roles = store::roles::all(engine.db()).await?;
    let mut found =
        roles.into_iter().filter(|row| Some(&row.role.id) == id.as_ref() || row.role.name == id_or_name);
    found.next().ok_or_else(|| Error::not_found("Role", ""))
}

async fn person(engine: &Engine, email: &str) -> Result<User> {
    let user = store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?;
    user.ok_or_else(|| Error::not_found("User", ""))
}

#[cfg(test)]
mod tests {
    use domain::Scope;

    use super::*;

    fn actor(is_admin: bool, granted: PermissionSet, cap: PermissionSet) -> Arc<Actor> {
        Arc::new(Actor {
            email: "a@b.c".to_owned(),
            is_admin,
            granted,
            in_team: std::collections::BTreeMap::new(),
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
            check_may_grant(&actor(true, PermissionSet::NONE, PermissionSet::ALL), PermissionSet::ALL)
                .is_ok()
        );
        assert!(
            check_may_grant(&actor(true, PermissionSet::NONE, some), PermissionSet::ALL).is_err(),
            "a limited token"
        );
    }
}
