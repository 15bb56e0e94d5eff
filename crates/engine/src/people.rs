//! People: who they are, what they may do, and how they come in.
//!
//! Every change is one transaction with its audit record and ends in [`commit`], which forgets remembered tokens on
//! every replica before the caller is answered. Functions without a permit are those that permits are made from
//! ([`user_of`], [`rights_of`]), [`login`], what people do with their own account, and the start of the program.

mod accounts;
mod bootstrap;
mod login;
mod password_rules;
mod roles;
mod standing;

use std::collections::BTreeMap;

use domain::{
    PermissionSet, Result,
    id::{TeamId, UserId},
    person::{RoleScope, User},
};

pub(crate) use self::roles::{built_in, grant};
pub use self::{
    accounts::{AccountChange, NewAccount, create, delete, get, list, unlock, update},
    bootstrap::bootstrap,
    login::{Session, change_password, login, logout, myself},
    roles::{Assignment, NewAssignment, RoleRow, assign, assignments, revoke, role, roles},
    standing::token_stands,
};
use crate::{authn::token::Claims, engine::Engine};

/// What a person may do.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    /// From global and personal roles.
    pub granted: PermissionSet,
    /// From roles in teams that the person is a member of.
    pub in_team: BTreeMap<TeamId, PermissionSet>,
    /// The teams that the person is a member of.
    pub teams: Vec<TeamId>,
}

impl Rights {
    /// Adds what a role allows. A role left behind in a team that the person is no member of counts for nothing.
    fn add(&mut self, scope: RoleScope, scope_id: Option<String>, permissions: PermissionSet) {
        match (scope, scope_id.map(TeamId::from_stored)) {
            (RoleScope::Global | RoleScope::Personal, _) => self.granted = self.granted.or(permissions),
            (RoleScope::Team, Some(team)) if self.teams.contains(&team) => {
                let set = self.in_team.entry(team).or_default();
                *set = set.or(permissions);
            }
            (RoleScope::Team, _) => {}
        }
    }
}

/// The person that a verified token names: by e-mail address where the token has one, else by `sub`.
///
/// A `sub` that is an id has to be the id of that person. Sessions, and tokens that name an address alone, have to
/// be younger than the last change of the password and the last deletion of an account with the address: a session
/// does not survive a new password, and whoever is given the address later does not inherit tokens.
pub async fn user_of(engine: &Engine, claims: &Claims) -> Result<Option<User>> {
    let id = UserId::parse(&claims.sub);
    let email = claims.user.as_ref().map(|user| user.email.as_str()).or(claims.email.as_deref());
    let email = email.or_else(|| id.is_none().then_some(claims.sub.as_str()));
    let user = match (email, &id) {
        (Some(email), _) => store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?,
        (None, Some(id)) => store::users::by_id(engine.db(), id).await?,
        (None, None) => None,
    };
    let Some(user) = user else { return Ok(None) };
    if id.as_ref().is_some_and(|id| *id != user.id) {
        return Ok(None);
    }
    if id.is_some() && claims.token_use.as_deref() != Some("session") {
        return Ok(Some(user));
    }
    let since = store::tokens::valid_after(engine.db(), &user.email).await?;
    let young = since.is_none_or(|since| claims.iat.is_some_and(|issued| issued >= since.seconds()));
    Ok(young.then_some(user))
}

/// What a person may do, from their roles and memberships.
pub async fn rights_of(engine: &Engine, user: &User) -> Result<Rights> {
    let memberships = store::teams::memberships(engine.db(), &user.email).await?;
    let teams = memberships.into_iter().map(|membership| membership.team_id).collect();
    let roles = store::roles::all(engine.db()).await?;
    let assignments = store::roles::of_person(engine.db(), &user.email).await?;
    let now = engine.clock().now();
    let mut rights = Rights { teams, ..Rights::default() };
    for assignment in assignments.into_iter().filter(|given| given.expires_at.is_none_or(|end| end > now)) {
        if let Some(row) = roles.iter().find(|row| row.role.id == assignment.role_id) {
            rights.add(assignment.scope, assignment.scope_id, row.role.permissions);
        }
    }
    Ok(rights)
}

/// Ends a transaction that changed identities: tokens remembered before it count no longer, here and elsewhere.
pub(crate) async fn commit(engine: &Engine, mut tx: store::Tx) -> Result<()> {
    let sequence = store::sequences::bump(&mut tx, "identity").await?;
    tx.commit().await?;
    engine.identities_changed(sequence);
    engine.bus().publish("identity", &sequence.to_string()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::Permission;

    use super::*;

    #[test]
    fn team_roles_count_for_members_only() {
        let (mine, other) = (TeamId::random(), TeamId::random());
        let mut rights = Rights { teams: vec![mine.clone()], ..Rights::default() };
        let reads = PermissionSet::NONE.with(Permission::ToolsRead);
        rights.add(RoleScope::Team, Some(mine.as_str().to_owned()), reads);
        rights.add(RoleScope::Team, Some(other.as_str().to_owned()), reads);
        rights.add(RoleScope::Team, None, PermissionSet::ALL);
        rights.add(RoleScope::Global, None, PermissionSet::NONE.with(Permission::PromptsRead));
        assert_eq!(rights.in_team.keys().collect::<Vec<_>>(), [&mine]);
        assert!(rights.granted.has(Permission::PromptsRead) && !rights.granted.has(Permission::ToolsRead));
    }
}
