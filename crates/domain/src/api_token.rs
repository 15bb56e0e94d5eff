//! API tokens as the catalogue keeps them: never the token itself, only its SHA-256.

use serde_json::{Map, Value};

use crate::{
    clock::Timestamp,
    id::{ServerId, TeamId, TokenId},
};

/// What a token is limited to, beside what its owner may do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenLimits {
    /// The only virtual server that it is for.
    pub server_id: Option<ServerId>,
    /// Permission names; none for no further limit.
    pub permissions: Vec<String>,
    /// Addresses and networks that it may come from; none for any.
    pub ip_restrictions: Vec<String>,
    /// When it may be used; empty for always.
    pub time_restrictions: Map<String, Value>,
    /// How often it may be used; empty for no limit.
    pub usage_limits: Map<String, Value>,
}

/// A token of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiToken {
    /// Its id, which is the `jti` of the token.
    pub id: TokenId,
    /// Whose it is: it is never more than this person.
    pub email: String,
    /// The team that it is for.
    pub team_id: Option<TeamId>,
    /// Its name, unique among the owner's tokens for the team that are not over.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// SHA-256 of the token, in hexadecimal digits.
    pub token_hash: String,
    /// What it is limited to. An issued token holds limits of its own as well, and both count.
    pub limits: TokenLimits,
    /// Labels.
    pub tags: Vec<String>,
    /// Who made it: the owner, or an administrator for the owner.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, up to a few seconds ago.
    pub last_used: Option<Timestamp>,
    /// Whether it may be used; can be switched off and on again.
    pub is_active: bool,
    /// Whether, when, by whom and why it was revoked, which is for good.
    pub revoked: Option<TokenRevocation>,
}

/// The end of a token before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRevocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why, where that was said.
    pub reason: Option<String>,
}

/// How a token was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Requests that were served.
    pub served: i64,
    /// Requests that were refused because of what the token or its owner may not do.
    pub blocked: i64,
    /// Microseconds that the served requests took together.
    pub micros: i64,
}
