//! Ids: 32 lower-case hexadecimal digits (a version 4 UUID without dashes), typed by what they name.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new random id.
            pub fn random() -> Self { Self(uuid::Uuid::new_v4().simple().to_string()) }
            /// Takes an id that was stored by this program or is only compared with such ids.
            pub fn from_stored(text: impl Into<String>) -> Self { Self(text.into()) }
            /// Parses outside text: 32 hexadecimal digits, or a dashed UUID. `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().map(|id| Self(id.simple().to_string()))
            }
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl From<$name> for String { fn from(id: $name) -> Self { id.0 } }
        impl std::borrow::Borrow<str> for $name { fn borrow(&self) -> &str { &self.0 } }
    )* };
}

ids! {
    /// A registered upstream MCP server.
    GatewayId,
    /// A tool.
    ToolId,
    /// A prompt.
    PromptId,
    /// A resource or resource template.
    ResourceId,
    /// A virtual server.
    ServerId,
    /// A team.
    TeamId,
    /// A person.
    UserId,
    /// A role.
    RoleId,
    /// An API token of the catalogue; also its `jti`.
    TokenId,
}

impl GatewayId {
    /// The place of what is registered in this program itself and not offered by an upstream. No gateway has this id.
    pub fn here() -> Self {
        Self(String::new())
    }

    /// Whether it is that place.
    pub fn is_here(&self) -> bool {
        self.0.is_empty()
    }
}
