//! Who has which role. Nobody can give what they may not do themselves with the credential that they use.
//!
//! Giving a role again replaces what was given before, its end included. A role in a team is for the team's members
//! and goes with the membership. How roles are made is in `define`; what they come to is in `rights`.

mod define;
mod file;
mod rights;

use std::sync::Arc;

use domain::{
    Actor, Caller, Error, Permission, PermissionSet, Result, Timestamp,
    id::{RoleId, TeamId},
    permission::grant::AdminUserManagement,
    person::{Role, RoleScope, User},
};
use serde_json::json;
pub use store::roles::{Assignment, RoleRow};

pub use self::{
    define::{NewRole, RoleChange, create_role, delete_role, role, roles, update_role},
    file::prepare_roles,
    rights::{Given, assignments, available_permissions, holds, my_permissions, my_roles, permissions_of},
};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    policy::Permit,
};

type May = Permit<AdminUserManagement>;

/// A role that somebody is to have.
#[derive(Debug, Clone)]
pub struct NewAssignment {
    /// The role's id or name.
    pub role: String,
    /// Where it is to count; has to be the role's own scope.
    pub scope: RoleScope,
    /// The team, for roles in a team.
    pub team_id: Option<String>,
    /// Until when, if not for good.
    pub expires_at: Option<Timestamp>,
}

/// Gives somebody a role.
#[crate::boxed]
pub async fn assign(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    new: NewAssignment,
) -> Result<Given> {
    let user = person(engine, email).await?;
    let now = engine.clock().now();
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(Error::invalid("expires_at", "must be in the future"));
    }
    let roles = store::roles::all(engine.db()).await?;
    let role = find(&roles, &new.role, Some(new.scope))?;
    if role.role.scope != new.scope {
        return Err(Error::invalid("scope", "must be the scope of the role"));
    }
    if !role.role.is_active {
        return Err(Error::Refused(format!("Role {} is switched off", role.role.name)));
    }
    let team = team_of(engine, permit, &user, &new).await?;
    check_may_grant_in(permit.actor(), effective(role, &roles), team.as_ref())?;
    let by = permit.actor().email.as_str();
    let assignment = Assignment {
        expires_at: new.expires_at,
        ..assignment(&user.email, &role.role, team.as_ref(), (by, now))
    };
    let place = assignment.scope_id.as_deref();
    let mut tx = engine.db().begin().await?;
    record(engine, &mut tx, (by, caller), "role.assign", (&user, &role.role, &assignment)).await?;
    store::roles::revoke(&mut tx, &user.email, &role.role.id, role.role.scope, place).await?;
    store::roles::assign(&mut tx, &assignment).await?;
    super::commit(engine, tx).await?;
    Ok(Given { role_name: role.role.name.clone(), is_active: true, assignment })
}

/// Takes a role from somebody: the one that counts in `scope` where that is given, and in the team.
#[crate::boxed]
pub async fn revoke(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    (role, scope, team_id): (&str, Option<RoleScope>, Option<&str>),
) -> Result<()> {
    const NONE: Error = Error::NotFound { kind: "Role assignment", name: String::new() };
    let user = person(engine, email).await?;
    let roles = store::roles::all(engine.db()).await?;
    let role = find(&roles, role, scope)?;
    if scope.is_some_and(|scope| scope != role.role.scope) {
        return Err(NONE);
    }
    let team = team_id.filter(|id| !id.is_empty());
    let team = team.map(|id| in_scope(permit, id)).transpose()?;
    check_may_grant_in(permit.actor(), effective(role, &roles), team.as_ref())?;
    let by = permit.actor().email.as_str();
    let place = team.as_ref().map(TeamId::as_str);
    let mut tx = engine.db().begin().await?;
    if !store::roles::revoke(&mut tx, &user.email, &role.role.id, role.role.scope, place).await? {
        return Err(NONE);
    }
    let gone = assignment(&user.email, &role.role, team.as_ref(), (by, engine.clock().now()));
    record(engine, &mut tx, (by, caller), "role.revoke", (&user, &role.role, &gone)).await?;
    super::commit(engine, tx).await
}

/// Refuses to change the account of somebody who may do more than the actor: whoever can set a password can become
/// whose it is. What the person may do in teams counts as well, but for the personal team, which is everybody's own.
pub(super) async fn check_may_manage(
    engine: &Engine,
    permit: &May,
    user: &User,
    becomes_admin: bool,
) -> Result<()> {
    let actor = permit.actor();
    if user.is_admin || becomes_admin {
        return check_may_grant(actor, PermissionSet::ALL);
    }
    let rights = super::rights_of(engine, user).await?;
    check_may_grant(actor, rights.granted)?;
    let teams = store::teams::of_person(engine.db(), &user.email).await?;
    for team in teams.iter().filter(|team| !team.is_personal) {
        let held = rights.in_team.get(&team.id).copied().unwrap_or_default();
        check_may_grant_in(actor, held, Some(&team.id))?;
    }
    Ok(())
}

/// Refuses to hand out permissions that the actor, with this credential, has not got everywhere.
pub(super) fn check_may_grant(actor: &Arc<Actor>, permissions: PermissionSet) -> Result<()> {
    check_may_grant_in(actor, permissions, None)
}

/// The same for what counts in one team only: what the actor may do there can be given there.
pub(crate) fn check_may_grant_in(
    actor: &Arc<Actor>,
    permissions: PermissionSet,
    team: Option<&TeamId>,
) -> Result<()> {
    let lacks = |permission: &&Permission| permissions.has(**permission) && !actor.may_in(**permission, team);
    match Permission::ALL.iter().find(lacks) {
        None => Ok(()),
        Some(missing) => Err(Error::Forbidden { needs: Some(*missing) }),
    }
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
        (RoleScope::Team, Some(id)) => in_scope(permit, id)?,
    };
    let memberships = store::teams::memberships(engine.db(), &user.email).await?;
    if memberships.iter().any(|membership| membership.team_id == team) {
        Ok(Some(team))
    } else {
        Err(Error::invalid("scope_id", "must be a team that the person is a member of"))
    }
}

fn in_scope(permit: &May, id: &str) -> Result<TeamId> {
    let team = TeamId::parse(id).filter(|team| permit.scope().has_team(team));
    team.ok_or_else(|| Error::not_found("Team", ""))
}

async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    (user, role, given): (&User, &Role, &Assignment),
) -> Result<()> {
    let details = json!({
        "role": role.name, "scope": role.scope, "team": given.scope_id, "email": user.email,
        "expires_at": given.expires_at.map(|end| end.to_string()),
    });
    audit::record(engine, tx, by, caller, Deed::done(action, "user", user.id.as_str()).with(details)).await
}

fn assignment(email: &str, role: &Role, team: Option<&TeamId>, (by, at): (&str, Timestamp)) -> Assignment {
    Assignment {
        id: RoleId::random().as_str().to_owned(),
        role_id: role.id.clone(),
        email: email.to_owned(),
        scope: role.scope,
        scope_id: team.map(|team| team.as_str().to_owned()),
        granted_by: by.to_owned(),
        granted_at: at,
        expires_at: None,
    }
}

/// Gives a role for good, unless the person has it.
pub(crate) async fn grant(
    tx: &mut store::Tx,
    email: &str,
    role: &Role,
    team: Option<&TeamId>,
    made: (&str, Timestamp),
) -> Result<()> {
    store::roles::assign(tx, &assignment(email, role, team, made)).await
}

/// The global role of new administrators, or of everybody else.
pub(crate) async fn default_role(engine: &Engine, is_admin: bool) -> Result<Role> {
    let settings = &engine.settings().teams;
    let name = if is_admin { &settings.admin_role } else { &settings.user_role };
    built_in(engine, name, RoleScope::Global).await
}

/// A role that every start makes sure of: the program's own, and those that the settings name.
pub(crate) async fn built_in(engine: &Engine, name: &str, scope: RoleScope) -> Result<Role> {
    let row = store::roles::by_name(engine.db(), name, scope).await?;
    row.map(|row| row.role).ok_or_else(|| Error::Internal(format!("the role {name} is missing")))
}

/// What a role allows with everything that it inherits.
pub(crate) fn effective(row: &RoleRow, all: &[RoleRow]) -> PermissionSet {
    row.role.effective(|id| all.iter().map(|row| &row.role).find(|role| role.id == *id))
}

/// A role by its id or its name. Of several with the name, the one with the scope.
fn find<'a>(roles: &'a [RoleRow], id_or_name: &str, scope: Option<RoleScope>) -> Result<&'a RoleRow> {
    let id = RoleId::parse(id_or_name);
    let named = |row: &&RoleRow| row.role.name == id_or_name;
    let fits = |row: &&RoleRow| scope.is_none_or(|scope| row.role.scope == scope);
    let found = roles.iter().find(|row| Some(&row.role.id) == id.as_ref());
    let found = found.or_else(|| roles.iter().find(|row| named(row) && fits(row)));
    found.or_else(|| roles.iter().find(named)).ok_or_else(|| Error::not_found("Role", ""))
}

async fn person(engine: &Engine, email: &str) -> Result<User> {
    let user = store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?;
    user.ok_or_else(|| Error::not_found("User", ""))
}

#[cfg(test)]
mod tests;
