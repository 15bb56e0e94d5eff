//! What people may do, told to themselves and to auditors.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Actor, Error, Permission, Result,
    id::TeamId,
    permission::grant::AdminSecurityAudit,
    person::{RoleScope, User},
};

use super::{Assignment, May, person};
use crate::{engine::Engine, people, policy::Permit};

type Auditor = Permit<AdminSecurityAudit>;

/// A role that somebody has, with what is worth knowing about it.
#[derive(Debug, Clone)]
pub struct Given {
    /// The assignment.
    pub assignment: Assignment,
    /// The role's name.
    pub role_name: String,
    /// Whether it counts now: neither the assignment nor the role has ended.
    pub is_active: bool,
}

/// The roles that somebody has, of one scope if given; also those that do not count where `all` are wanted.
#[crate::boxed]
pub async fn assignments(
    engine: &Engine,
    _: &May,
    email: &str,
    (scope, all): (Option<RoleScope>, bool),
) -> Result<Vec<Given>> {
    let user = person(engine, email).await?;
    let given = given_to(engine, &user.email).await?;
    let wanted =
        |given: &Given| scope.is_none_or(|scope| given.assignment.scope == scope) && (all || given.is_active);
    Ok(given.into_iter().filter(wanted).collect())
}

/// The actor's own roles that count.
#[crate::boxed]
pub async fn my_roles(engine: &Engine, actor: &Arc<Actor>) -> Result<Vec<Given>> {
    let given = given_to(engine, &actor.email).await?;
    Ok(given.into_iter().filter(|given| given.is_active).collect())
}

async fn given_to(engine: &Engine, email: &str) -> Result<Vec<Given>> {
    let roles = store::roles::all(engine.db()).await?;
    let now = engine.clock().now();
    let told = |assignment: Assignment| {
        let role = roles.iter().map(|row| &row.role).find(|role| role.id == assignment.role_id)?;
        let is_active = role.is_active && assignment.expires_at.is_none_or(|end| end > now);
        Some(Given { role_name: role.name.clone(), is_active, assignment })
    };
    Ok(store::roles::of_person(engine.db(), email).await?.into_iter().filter_map(told).collect())
}

/// What the actor may do with this credential: everywhere, or in a team as well.
pub fn my_permissions(actor: &Arc<Actor>, team: Option<&str>) -> Result<Vec<&'static str>> {
    let team = team.map(|id| {
        let team = TeamId::parse(id).filter(|team| actor.scope.has_team(team));
        team.ok_or_else(|| Error::not_found("Team", ""))
    });
    let team = team.transpose()?;
    Ok(names(|permission| actor.may_in(permission, team.as_ref())))
}

/// What somebody may do through their roles: everywhere, or in a team as well.
#[crate::boxed]
pub async fn permissions_of(
    engine: &Engine,
    _: &Auditor,
    email: &str,
    team: Option<&str>,
) -> Result<Vec<&'static str>> {
    let holdings = Holdings::of(engine, person(engine, email).await?, team).await?;
    Ok(names(|permission| holdings.has(permission)))
}

/// Whether somebody may do something through their roles: everywhere, or in a team as well.
#[crate::boxed]
pub async fn holds(
    engine: &Engine,
    _: &Auditor,
    email: &str,
    (permission, team): (&str, Option<&str>),
) -> Result<bool> {
    let permission: Permission = permission.parse().map_err(Error::Refused)?;
    Ok(Holdings::of(engine, person(engine, email).await?, team).await?.has(permission))
}

/// Every permission there is, by what it is about.
pub fn available_permissions() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for permission in Permission::ALL {
        groups.entry(permission.category()).or_default().push(permission.as_str());
    }
    for group in groups.values_mut() {
        group.sort_unstable();
    }
    groups
}

/// Somebody's rights, with no credential in between.
struct Holdings {
    user: User,
    rights: people::Rights,
    team: Option<TeamId>,
}

impl Holdings {
    async fn of(engine: &Engine, user: User, team: Option<&str>) -> Result<Self> {
        let team = team.filter(|id| !id.is_empty());
        let team =
            team.map(|id| TeamId::parse(id).ok_or_else(|| Error::not_found("Team", ""))).transpose()?;
        Ok(Self { rights: people::rights_of(engine, &user).await?, user, team })
    }

    fn has(&self, permission: Permission) -> bool {
        let in_team = self.team.as_ref().and_then(|team| self.rights.in_team.get(team));
        self.user.is_active
            && (self.user.is_admin
                || self.rights.granted.has(permission)
                || in_team.is_some_and(|set| set.has(permission)))
    }
}

/// The names of the permissions that are held, in order; `*` alone for all of them.
fn names(held: impl Fn(Permission) -> bool) -> Vec<&'static str> {
    let mut names: Vec<&str> =
        Permission::ALL.iter().filter(|permission| held(**permission)).map(|p| p.as_str()).collect();
    if names.len() == Permission::ALL.len() {
        return vec!["*"];
    }
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_offered_once() {
        let groups = available_permissions();
        assert_eq!(groups.values().map(Vec::len).sum::<usize>(), Permission::ALL.len());
        assert_eq!(groups["metrics"], ["metrics:read"]);
        assert!(groups["admin"].contains(&"admin.sso_providers:read"));
    }

    #[test]
    fn everything_is_a_star() {
        assert_eq!(names(|_| true), ["*"]);
        assert_eq!(names(|p| p != Permission::ToolsRead).len(), Permission::ALL.len() - 1);
        assert!(names(|_| false).is_empty());
    }
}
