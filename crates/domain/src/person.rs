//! People, teams and roles.

mod built_in;
mod joining;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{RoleId, TeamId, UserId},
    permission::PermissionSet,
};

pub use self::{
    built_in::BUILT_IN_ROLES,
    joining::{Invitation, JoinRequest, JoinStatus},
};

/// A person with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id; the `sub` of session tokens.
    pub id: UserId,
    /// The e-mail address, in lower case.
    pub email: String,
    /// For people.
    pub full_name: Option<String>,
    /// The Argon2id hash in PHC text form.
    pub password_hash: crate::Secret<String>,
    /// Whether the person administers the platform.
    pub is_admin: bool,
    /// Whether the account may be used.
    pub is_active: bool,
    /// Whether the next login has to change the password.
    pub password_change_required: bool,
    /// When the password was last changed.
    pub password_changed_at: Timestamp,
    /// When somebody vouched for the address: an administrator, or a reset link that reached it.
    pub email_verified_at: Option<Timestamp>,
    /// Failed logins in a row.
    pub failed_login_attempts: i64,
    /// Until when logins are refused.
    pub locked_until: Option<Timestamp>,
    /// When the person last logged in.
    pub last_login: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A team.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// Unique, `^[a-z0-9-]+$`.
    pub slug: String,
    /// For people.
    pub description: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// Whether it is somebody's personal team.
    pub is_personal: bool,
    /// `private` or `public`: whether others may discover it.
    pub visibility: String,
    /// The most members it may have.
    pub max_members: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whether it is in use.
    pub is_active: bool,
}

/// A person's place in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Runs the team.
    Owner,
    /// Takes part.
    Member,
}

/// Membership of a team.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The team.
    pub team_id: TeamId,
    /// The member.
    pub email: String,
    /// Owner or member.
    pub role: TeamRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Who asked them in.
    pub invited_by: Option<String>,
}

/// Where a role counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleScope {
    /// Everywhere.
    Global,
    /// In one team.
    Team,
    /// For the person's own things.
    Personal,
}

/// A role: a named set of permissions.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name, for example `developer`.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Where it counts.
    pub scope: RoleScope,
    /// What it allows by itself.
    pub permissions: PermissionSet,
    /// The role that it takes further permissions from.
    pub inherits_from: Option<RoleId>,
    /// Whether the program keeps it.
    pub is_system: bool,
    /// Whether it counts; one that does not allows nothing, and passes nothing on.
    pub is_active: bool,
}

impl Role {
    /// What the role allows with everything that it inherits. `find` gives a role by its id.
    ///
    /// A circle, which nothing lets anybody make, ends where it closes; what has a role in a team allows there only
    /// what can be allowed in a team.
    pub fn effective<'a>(&'a self, find: impl Fn(&RoleId) -> Option<&'a Self>) -> PermissionSet {
        let mut seen: Vec<&RoleId> = Vec::new();
        let mut set = PermissionSet::NONE;
        let mut next = Some(self);
        while let Some(role) = next.filter(|role| role.is_active && !seen.contains(&&role.id)) {
            seen.push(&role.id);
            set = set.or(role.permissions);
            next = role.inherits_from.as_ref().and_then(&find);
        }
        if self.scope == RoleScope::Team { set.in_a_team() } else { set }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::Permission;

    fn role(name: &str, scope: RoleScope, permission: &str, parent: Option<&Role>) -> Role {
        Role {
            id: RoleId::random(),
            name: name.to_owned(),
            description: None,
            scope,
            permissions: PermissionSet::from_names([permission]),
            inherits_from: parent.map(|parent| parent.id.clone()),
            is_system: false,
            is_active: true,
        }
    }

    fn effective(role: &Role, all: &[Role]) -> PermissionSet {
        role.effective(|id| all.iter().find(|role| role.id == *id))
    }

    #[test]
    fn what_is_inherited_counts_unless_a_role_between_is_off() {
        let top = role("top", RoleScope::Global, "logs:read", None);
        let middle = role("middle", RoleScope::Global, "tools.read", Some(&top));
        let low = role("low", RoleScope::Global, "prompts.read", Some(&middle));
        let mut all = vec![top, middle, low];
        let set = effective(&all[2], &all);
        for permission in [Permission::LogsRead, Permission::ToolsRead, Permission::PromptsRead] {
            assert!(set.has(permission), "{permission}");
        }
        all[1].is_active = false;
        let set = effective(&all[2], &all);
        assert!(set.has(Permission::PromptsRead) && !set.has(Permission::ToolsRead));
        assert!(!set.has(Permission::LogsRead), "nor what comes from behind it");
        all[2].is_active = false;
        assert_eq!(effective(&all[2], &all), PermissionSet::NONE);
    }

    #[test]
    fn a_circle_ends() {
        let mut one = role("one", RoleScope::Global, "tools.read", None);
        let two = role("two", RoleScope::Global, "prompts.read", Some(&one));
        one.inherits_from = Some(two.id.clone());
        let all = [one, two];
        assert_eq!(effective(&all[0], &all), effective(&all[1], &all));
    }

    #[test]
    fn a_role_in_a_team_rules_no_platform() {
        let boss = role("boss", RoleScope::Global, "*", None);
        let lead = role("lead", RoleScope::Team, "tools.read", Some(&boss));
        let all = [boss, lead];
        let set = effective(&all[1], &all);
        assert!(set.has(Permission::TeamsDelete) && set.has(Permission::GatewaysCreate));
        assert!(!set.has(Permission::AdminUserManagement) && !set.has(Permission::AuditRead));
    }
}
