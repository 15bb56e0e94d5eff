//! What a role may do. The names are ContextForge's, in both of its spellings.

use std::{fmt, str::FromStr};

/// A type that stands for a permission, so that `Permit<ToolsRead>` can be written.
pub trait Grant: Send + Sync + 'static {
    /// The permission that the type stands for.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A permission.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Permission { $(#[doc = concat!("`", $text, "`")] $name),* }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];
            /// Its name on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text),* } }
        }

        impl FromStr for Permission {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($text => Ok(Self::$name),)* _ => Err(format!("unknown permission {text:?}")) }
            }
        }

        /// One type for each permission.
        pub mod grant {
            $(#[doc = concat!("`", $text, "`")] #[derive(Debug)] pub struct $name;
            impl super::Grant for $name { const PERMISSION: super::Permission = super::Permission::$name; })*
        }
    };
}

permissions! {
    UsersCreate = "users.create", UsersRead = "users.read", UsersUpdate = "users.update",
    UsersDelete = "users.delete", UsersInvite = "users.invite",
    TeamsCreate = "teams.create", TeamsRead = "teams.read", TeamsUpdate = "teams.update",
    TeamsDelete = "teams.delete", TeamsJoin = "teams.join", TeamsManageMembers = "teams.manage_members",
    ToolsCreate = "tools.create", ToolsRead = "tools.read", ToolsUpdate = "tools.update",
    ToolsDelete = "tools.delete", ToolsExecute = "tools.execute", ToolsPreview = "tools.preview",
    ToolsManagePlugins = "tools.manage_plugins", PluginsRead = "plugins.read",
    ResourcesCreate = "resources.create", ResourcesRead = "resources.read",
    ResourcesUpdate = "resources.update", ResourcesDelete = "resources.delete",
    ResourcesShare = "resources.share",
    PromptsCreate = "prompts.create", PromptsRead = "prompts.read", PromptsUpdate = "prompts.update",
    PromptsDelete = "prompts.delete", PromptsExecute = "prompts.execute",
    GatewaysCreate = "gateways.create", GatewaysRead = "gateways.read",
    GatewaysUpdate = "gateways.update", GatewaysDelete = "gateways.delete",
    ServersCreate = "servers.create", ServersRead = "servers.read", ServersUse = "servers.use",
    ServersUpdate = "servers.update", ServersDelete = "servers.delete", ServersManage = "servers.manage",
    A2aCreate = "a2a.create", A2aRead = "a2a.read", A2aUpdate = "a2a.update", A2aDelete = "a2a.delete",
    A2aInvoke = "a2a.invoke",
    TagsCreate = "tags.create", TagsRead = "tags.read", TagsUpdate = "tags.update",
    TagsDelete = "tags.delete",
    TokensCreate = "tokens.create", TokensRead = "tokens.read", TokensUpdate = "tokens.update",
    TokensRevoke = "tokens.revoke",
    LlmRead = "llm.read", LlmInvoke = "llm.invoke",
    AdminSystemConfig = "admin.system_config", AdminUserManagement = "admin.user_management",
    AdminSecurityAudit = "admin.security_audit", AdminCompliance = "admin.compliance",
    AdminOverview = "admin.overview", AdminDashboard = "admin.dashboard", AdminEvents = "admin.events",
    AdminGrpc = "admin.grpc", AdminPlugins = "admin.plugins", AdminMetrics = "admin.metrics",
    AdminExport = "admin.export", AdminImport = "admin.import",
    AdminSsoProvidersCreate = "admin.sso_providers:create", AdminSsoProvidersRead = "admin.sso_providers:read",
    AdminSsoProvidersUpdate = "admin.sso_providers:update", AdminSsoProvidersDelete = "admin.sso_providers:delete",
    AdminOauthClientsRead = "admin.oauth_clients:read", AdminOauthClientsDelete = "admin.oauth_clients:delete",
    LogsRead = "logs:read", MetricsRead = "metrics:read", AuditRead = "audit:read", SecurityRead = "security:read",
}

impl Permission {
    /// What the permission is about: the word before the first `.` or `:`.
    pub fn category(self) -> &'static str {
        self.as_str().split(['.', ':']).next().unwrap_or_default()
    }

    /// Whether a role in a team can give it. What is about people, the platform or its records comes from global and
    /// personal roles only: nobody becomes an administrator by what a team does.
    pub fn counts_in_a_team(self) -> bool {
        match self.category() {
            "users" | "logs" | "metrics" | "audit" | "security" => false,
            "admin" => matches!(self, Self::AdminDashboard | Self::AdminOverview),
            _ => self != Self::TeamsCreate,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of permissions, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// Every permission there is: what `*` means.
    pub const ALL: Self = Self(u128::MAX);
    /// None.
    pub const NONE: Self = Self(0);

    /// What a token that is limited to one virtual server can do at most: look at it and use it. With anything else it
    /// could give itself more, for example by choosing other tools for its server.
    pub const OF_ONE_SERVER: Self = Self::of(&[
        Permission::ServersRead,
        Permission::ServersUse,
        Permission::ToolsRead,
        Permission::ToolsExecute,
        Permission::ResourcesRead,
        Permission::PromptsRead,
        Permission::PromptsExecute,
        Permission::A2aRead,
        Permission::A2aInvoke,
    ]);

    const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut rest) = (0, permissions);
        while let [first, more @ ..] = rest {
            bits |= 1 << *first as u8;
            rest = more;
        }
        Self(bits)
    }

    /// Whether `permission` is in the set.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// The set with `permission` added.
    #[must_use]
    pub fn with(self, permission: Permission) -> Self {
        Self(self.0 | (1 << permission as u8))
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What of the set a role in a team can give.
    #[must_use]
    pub fn in_a_team(self) -> Self {
        let counts = |permission: &&Permission| self.has(**permission) && permission.counts_in_a_team();
        Permission::ALL.iter().filter(counts).copied().collect()
    }

    /// Whether every permission of the set is in `other`.
    pub fn within(self, other: Self) -> bool {
        Permission::ALL.iter().all(|permission| !self.has(*permission) || other.has(*permission))
    }

    /// Reads a list as role and token permissions are written: names, `*`, and `category.*`.
    /// Unknown names grant nothing. Any `tools.`, `resources.` or `prompts.` entry brings `servers.use`,
    /// because without it no such permission can be used over MCP.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self::NONE;
        for name in names {
            if name == "*" {
                return Self::ALL;
            }
            let category = name.strip_suffix('*').filter(|category| category.ends_with('.'));
            for permission in Permission::ALL {
                let text = permission.as_str();
                if text == name || category.is_some_and(|category| text.starts_with(category)) {
                    set = set.with(*permission);
                    if ["tools.", "resources.", "prompts."].iter().any(|prefix| text.starts_with(prefix)) {
                        set = set.with(Permission::ServersUse);
                    }
                }
            }
        }
        set
    }

    /// The names in the set; `*` alone for everything.
    pub fn names(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec!["*"];
        }
        Permission::ALL.iter().filter(|permission| self.has(**permission)).map(|p| p.as_str()).collect()
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_its_own_bit_and_reads_back() {
        assert!(Permission::ALL.len() <= 128, "the bit set holds 128");
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse::<Permission>(), Ok(*permission));
            assert!(PermissionSet::NONE.with(*permission).has(*permission));
        }
    }

    #[test]
    fn a_token_for_one_server_changes_nothing() {
        for permission in
            Permission::ALL.iter().filter(|permission| PermissionSet::OF_ONE_SERVER.has(**permission))
        {
            let deed = permission.as_str().rsplit(['.', ':']).next().unwrap();
            assert!(["read", "use", "execute", "invoke"].contains(&deed), "{permission}");
        }
        assert!(PermissionSet::OF_ONE_SERVER.has(Permission::ToolsExecute));
    }

    #[test]
    fn wildcards_cover_their_category_only() {
        let set = PermissionSet::from_names(["tools.*"]);
        assert!(set.has(Permission::ToolsExecute));
        assert!(set.has(Permission::ServersUse));
        assert!(!set.has(Permission::ResourcesRead));
        assert!(!set.has(Permission::ServersRead));
        assert_eq!(PermissionSet::from_names(["tool*", "nonsense"]), PermissionSet::NONE);
        assert_eq!(PermissionSet::from_names(["*"]), PermissionSet::ALL);
    }
}
