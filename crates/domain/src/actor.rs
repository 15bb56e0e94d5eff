//! Who is asking, and how far their credential reaches.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    clock::Timestamp,
    id::{ServerId, TeamId},
    permission::{Permission, PermissionSet},
    visibility::{Owned, Visibility},
};

/// Which rows a credential reaches. *May you* is the permissions' business; this is *which*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Public rows only; not even the actor's own private ones.
    PublicOnly,
    /// Public rows, the `team` rows of these teams, and the actor's own private rows.
    Teams {
        /// The actor's e-mail address.
        email: String,
        /// Teams whose rows are seen.
        teams: Vec<TeamId>,
    },
    /// An administrator's: public rows, every team's rows, the actor's own private rows; never those of others.
    Unrestricted {
        /// The actor's e-mail address.
        email: String,
    },
}

impl Scope {
    /// Whether a row is seen. `store`'s `Sql::visible_to` says the same in SQL; a test compares the two.
    pub fn sees(&self, row: &Owned) -> bool {
        match row.visibility {
            Visibility::Public => true,
            Visibility::Team => match self {
                Self::PublicOnly => false,
                Self::Teams { teams, .. } => row.team_id.as_ref().is_some_and(|team| teams.contains(team)),
                Self::Unrestricted { .. } => true,
            },
            Visibility::Private => match self {
                Self::PublicOnly => false,
                Self::Teams { email, .. } | Self::Unrestricted { email } => *email == row.owner_email,
            },
        }
    }

    /// Whether `team` is in the scope.
    pub fn has_team(&self, team: &TeamId) -> bool {
        match self {
            Self::PublicOnly => false,
            Self::Teams { teams, .. } => teams.contains(team),
            Self::Unrestricted { .. } => true,
        }
    }
}

/// An authenticated caller. Made by authentication only; cheap to share.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The e-mail address, in lower case; `anonymous` where anonymous access is switched on.
    pub email: String,
    /// Whether the administrator's bypass of roles applies: an administrator whose scope is not public-only.
    /// It never reaches rows outside the scope.
    pub is_admin: bool,
    /// Permissions from global and personal roles.
    pub granted: PermissionSet,
    /// Permissions from roles in a team.
    pub in_team: BTreeMap<TeamId, PermissionSet>,
    /// What the token itself is limited to; every decision is also capped by it.
    pub cap: PermissionSet,
    /// The rows that the credential reaches.
    pub scope: Scope,
    /// The only virtual server that the token may be used for, if it is limited to one.
    pub server: Option<ServerId>,
    /// The token's `jti`, for revocation and the audit record.
    pub token_id: Option<String>,
    /// When the credential ends.
    pub expires_at: Option<Timestamp>,
}

impl Actor {
    /// Whether the actor may do `permission` anywhere at all.
    pub fn may(&self, permission: Permission) -> bool {
        self.cap.has(permission) && self.role(permission).is_some()
    }

    /// Whether the actor may do `permission` to rows of `team`, or to rows of no team.
    pub fn may_in(&self, permission: Permission, team: Option<&TeamId>) -> bool {
        self.cap.has(permission) && self.role_in(permission, team).is_some()
    }

    /// Whether the actor looks after what others own in `team`, or in no team: an administrator, and whoever runs the
    /// team, which is whoever may say who is in it. What the token is limited to does not matter here: it limits what
    /// may be done, and not whose things they are.
    pub fn manages(&self, team: Option<&TeamId>) -> bool {
        const RUNS: Permission = Permission::TeamsManageMembers;
        let runs = |team: &TeamId| {
            self.scope.has_team(team) && self.in_team.get(team).is_some_and(|set| set.has(RUNS))
        };
        self.is_admin || self.granted.has(RUNS) || team.is_some_and(runs)
    }

    /// What gives the actor `permission` somewhere, whatever the token is limited to.
    pub fn role(&self, permission: Permission) -> Option<GivenBy> {
        self.everywhere(permission).or_else(|| {
            let in_a_team =
                |(team, set): (&TeamId, &PermissionSet)| set.has(permission) && self.scope.has_team(team);
            self.in_team.iter().any(in_a_team).then_some(GivenBy::TeamRole)
        })
    }

    /// What gives the actor `permission` for rows of `team`, or for rows of no team.
    pub fn role_in(&self, permission: Permission, team: Option<&TeamId>) -> Option<GivenBy> {
        self.everywhere(permission).or_else(|| {
            let team = team.filter(|team| self.scope.has_team(team))?;
            self.in_team.get(team)?.has(permission).then_some(GivenBy::TeamRole)
        })
    }

    fn everywhere(&self, permission: Permission) -> Option<GivenBy> {
        if self.is_admin {
            Some(GivenBy::Administrator)
        } else {
            self.granted.has(permission).then_some(GivenBy::Role)
        }
    }
}

/// Where a permission comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenBy {
    /// The account is an administrator's, and the credential is not public-only.
    Administrator,
    /// A global or personal role.
    Role,
    /// A role in a team that the credential reaches.
    TeamRole,
}

/// Where a request came from: what audit records and `createdFromIp` fields need.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The client's address after trusted proxies are taken into account; nothing where they do not tell it.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to 255 characters.
    pub user_agent: Option<Arc<str>>,
    /// The request id that the gateway gave out.
    pub request_id: Arc<str>,
    /// `api`, `ui`, `mcp`, `cli` or `federation`.
    pub via: &'static str,
}

impl Caller {
    /// What a client's tries are counted by. Those whose address is not known are counted together.
    #[must_use]
    pub fn client_key(&self) -> String {
        self.ip.map_or_else(|| "ip:unknown".to_owned(), |ip| format!("ip:{ip}"))
    }
}
