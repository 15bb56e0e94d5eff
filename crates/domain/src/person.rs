//! People, teams and roles.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::{RoleId, TeamId, UserId},
    permission::PermissionSet,
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
    /// What it allows.
    pub permissions: PermissionSet,
    /// Whether the program keeps it.
    pub is_system: bool,
}

/// The built-in roles (name, scope, permission names), repaired at every start. ContextForge's.
pub const BUILT_IN_ROLES: &[(&str, RoleScope, &str, &[&str])] = &[
    ("platform_admin", RoleScope::Global, "Platform administrator with all permissions", &["*"]),
    ("platform_viewer", RoleScope::Global, "Read-only access to resources and admin UI", PLATFORM_VIEWER),
    ("viewer", RoleScope::Team, "Read-only access to a team's resources", VIEWER),
    ("developer", RoleScope::Team, "Registers and changes a team's resources", DEVELOPER),
    ("team_admin", RoleScope::Team, "Runs a team: members and resources", TEAM_ADMIN),
];

const PLATFORM_VIEWER: &[&str] = &[
    "admin.dashboard",
    "admin.overview",
    "gateways.read",
    "servers.read",
    "servers.use",
    "teams.read",
    "teams.join",
    "tools.read",
    "resources.read",
    "prompts.read",
    "llm.read",
    "a2a.read",
    "metrics:read",
    "tokens.create",
    "tokens.read",
    "tokens.update",
    "tokens.revoke",
];

const VIEWER: &[&str] = &[
    "admin.dashboard",
    "admin.overview",
    "gateways.read",
    "servers.read",
    "servers.use",
    "teams.read",
    "teams.join",
    "tools.read",
    "tools.execute",
    "tools.preview",
    "resources.read",
    "prompts.read",
    "llm.read",
    "a2a.read",
    "tokens.create",
    "tokens.read",
    "tokens.update",
    "tokens.revoke",
];

const DEVELOPER: &[&str] = &[
    "admin.dashboard",
    "admin.overview",
    "gateways.read",
    "servers.read",
    "servers.use",
    "teams.read",
    "teams.join",
    "tools.read",
    "tools.execute",
    "tools.preview",
    "resources.read",
    "prompts.read",
    "llm.read",
    "a2a.read",
    "tokens.create",
    "tokens.read",
    "tokens.update",
    "tokens.revoke",
    "plugins.read",
    "llm.invoke",
    "gateways.create",
    "gateways.update",
    "gateways.delete",
    "servers.create",
    "servers.update",
    "servers.delete",
    "tools.create",
    "tools.update",
    "tools.delete",
    "resources.create",
    "resources.update",
    "resources.delete",
    "prompts.create",
    "prompts.update",
    "prompts.delete",
    "a2a.create",
    "a2a.update",
    "a2a.delete",
    "a2a.invoke",
];

const TEAM_ADMIN: &[&str] = &[
    "admin.dashboard",
    "admin.overview",
    "gateways.read",
    "servers.read",
    "servers.use",
    "teams.read",
    "teams.join",
    "tools.read",
    "tools.execute",
    "tools.preview",
    "resources.read",
    "prompts.read",
    "llm.read",
    "a2a.read",
    "tokens.create",
    "tokens.read",
    "tokens.update",
    "tokens.revoke",
    "plugins.read",
    "llm.invoke",
    "gateways.create",
    "gateways.update",
    "gateways.delete",
    "servers.create",
    "servers.update",
    "servers.delete",
    "tools.create",
    "tools.update",
    "tools.delete",
    "resources.create",
    "resources.update",
    "resources.delete",
    "prompts.create",
    "prompts.update",
    "prompts.delete",
    "a2a.create",
    "a2a.update",
    "a2a.delete",
    "a2a.invoke",
    "teams.update",
    "teams.delete",
    "teams.manage_members",
    "tools.manage_plugins",
];
