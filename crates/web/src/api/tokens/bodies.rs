//! What is sent to make or change a token.
//!
//! Unknown fields are ignored, as ContextForge does, but for those that would limit the token: a limit which is
//! misspelt, or stands beside `scope` and not in it, makes a token that can do more than whoever sent it believes. It
//! is refused by name.

use engine::tokens::{NewToken, TokenChange, WishedLimits};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::api::given::Tags;

/// What a token is limited to.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TokenScopeRequest {
    server_id: Option<String>,
    permissions: Vec<String>,
    ip_restrictions: Vec<String>,
    time_restrictions: Option<Map<String, Value>>,
    usage_limits: Option<Map<String, Value>>,
}

impl From<TokenScopeRequest> for WishedLimits {
    fn from(scope: TokenScopeRequest) -> Self {
        Self {
            server_id: scope.server_id,
            permissions: scope.permissions,
            ip_restrictions: scope.ip_restrictions,
            time_restrictions: scope.time_restrictions.unwrap_or_default(),
            usage_limits: scope.usage_limits.unwrap_or_default(),
        }
    }
}

/// A limit where none is read.
#[derive(Default)]
struct Misplaced;

impl<'de> Deserialize<'de> for Misplaced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self),
            Value::Array(none) if none.is_empty() => Ok(Self),
            Value::Object(none) if none.is_empty() => Ok(Self),
            _ => Err(D::Error::custom("limits of a token stand in `scope`, and nowhere else")),
        }
    }
}

/// A body with the names under which limits are looked for in vain: those of `scope`, of the answers and of the claims.
macro_rules! body {
    ($(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$about])*
        #[derive(Deserialize)]
        pub(super) struct $name {
            $($(#[$attribute])* $field: $kind,)+
            #[serde(default, rename = "server_id")]
            _server_id: Misplaced,
            #[serde(default, rename = "permissions")]
            _permissions: Misplaced,
            #[serde(default, rename = "resource_scopes")]
            _resource_scopes: Misplaced,
            #[serde(default, rename = "scopes")]
            _scopes: Misplaced,
            #[serde(default, rename = "ip_restrictions")]
            _ip_restrictions: Misplaced,
            #[serde(default, rename = "time_restrictions")]
            _time_restrictions: Misplaced,
            #[serde(default, rename = "usage_limits")]
            _usage_limits: Misplaced,
        }
    };
}

body! {
    /// A new token.
    TokenCreateRequest {
        name: String,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        expires_in_days: Option<i64>,
        #[serde(default)]
        scope: Option<TokenScopeRequest>,
        #[serde(default)]
        tags: Option<Tags>,
        #[serde(default)]
        team_id: Option<String>,
        #[serde(default = "yes")]
        is_active: bool,
        #[serde(default)]
        user_email: Option<String>,
    }
}

body! {
    /// Changes of a token; what is absent stays.
    TokenUpdateRequest {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        scope: Option<TokenScopeRequest>,
        #[serde(default)]
        tags: Option<Tags>,
        #[serde(default)]
        is_active: Option<bool>,
    }
}

fn yes() -> bool {
    true
}

impl TokenCreateRequest {
    /// The same for the team that the path names, whatever the body says.
    pub(super) fn of_team(self, team: String) -> Self {
        Self { team_id: Some(team), ..self }
    }
}

impl From<TokenCreateRequest> for NewToken {
    fn from(body: TokenCreateRequest) -> Self {
        Self {
            name: body.name,
            description: body.description,
            expires_in_days: body.expires_in_days,
            limits: body.scope.unwrap_or_default().into(),
            tags: body.tags.unwrap_or_default().0,
            team_id: body.team_id,
            email: body.user_email,
            is_active: body.is_active,
        }
    }
}

impl From<TokenUpdateRequest> for TokenChange {
    fn from(body: TokenUpdateRequest) -> Self {
        Self {
            name: body.name,
            description: body.description,
            limits: body.scope.map(WishedLimits::from),
            tags: body.tags.map(|tags| tags.0),
            is_active: body.is_active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_would_be_ignored_is_refused() {
        for wrong in [
            r#"{"name":"a","permissions":["tools.read"]}"#,
            r#"{"name":"a","server_id":"x"}"#,
            r#"{"name":"a","resource_scopes":7}"#,
            r#"{"name":"a","scopes":{"permissions":[]}}"#,
            r#"{"name":"a","ip_restrictions":"10.0.0.0/8"}"#,
            r#"{"name":"a","scope":{"permission":["tools.read"]}}"#,
            r#"{"name":"a","scope":{"ip_restriction":[]}}"#,
        ] {
            assert!(serde_json::from_str::<TokenCreateRequest>(wrong).is_err(), "{wrong}");
            assert!(serde_json::from_str::<TokenUpdateRequest>(wrong).is_err(), "{wrong}");
        }
        for good in [
            r#"{"name":"a","resource_scopes":[],"ip_restrictions":null,"usage_limits":{},"colour":"red"}"#,
            r#"{"name":"a","scope":{"permissions":["tools.read"]},"is_admin":true}"#,
        ] {
            assert!(serde_json::from_str::<TokenCreateRequest>(good).is_ok(), "{good}");
            assert!(serde_json::from_str::<TokenUpdateRequest>(good).is_ok(), "{good}");
        }
    }
}
