//! Gateways: registered upstream MCP servers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    id::GatewayId,
    record::{Record, Tag},
    secret::Secret,
    visibility::Owned,
};

/// How an upstream is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Streamable HTTP, any revision.
    #[serde(rename = "STREAMABLEHTTP")]
    StreamableHttp,
    /// HTTP with server-sent events, revision 2024-11-05.
    #[serde(rename = "SSE")]
    Sse,
    /// A child process; only from the operator's file.
    #[serde(rename = "STDIO")]
    Stdio,
    /// The demonstration server inside this process.
    #[serde(rename = "BUILTIN")]
    Builtin,
}

impl Transport {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamableHttp => "STREAMABLEHTTP",
            Self::Sse => "SSE",
            Self::Stdio => "STDIO",
            Self::Builtin => "BUILTIN",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
    type Err = String;
    /// Accepts what the API and stored rows hold, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().as_str() {
            "STREAMABLEHTTP" | "STREAMABLE_HTTP" | "STREAMABLE-HTTP" | "HTTP" => Ok(Self::StreamableHttp),
            "SSE" => Ok(Self::Sse),
            "STDIO" => Ok(Self::Stdio),
            "BUILTIN" => Ok(Self::Builtin),
            _ => Err("must be STREAMABLEHTTP or SSE".to_owned()),
        }
    }
}

/// The protocol era that an upstream was found to speak. A property of the hop, never of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// The protocol revision, for example `2026-07-28` or `2025-11-25`.
    pub version: String,
    /// Whether the revision is stateless (2026-07-28 and later).
    pub modern: bool,
}

/// What the operator wants of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolChoice {
    /// Probe and remember.
    #[default]
    Auto,
    /// Always shake hands as revisions up to 2025-11-25 do.
    Legacy,
    /// Always 2026-07-28.
    Modern,
}

/// Credentials that the gateway presents upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamAuth {
    /// None.
    None,
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: Secret<String>,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// The token.
        token: Secret<String>,
    },
    /// Given headers.
    Headers(Vec<(String, Secret<String>)>),
}

impl UpstreamAuth {
    /// The `authType` of the API; `None` where no authentication is set.
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Basic { .. } => Some("basic"),
            Self::Bearer { .. } => Some("bearer"),
            Self::Headers(_) => Some("authheaders"),
        }
    }
}

/// A registered upstream.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Its id.
    pub id: GatewayId,
    /// Its name.
    pub name: String,
    /// The prefix of its tools' names.
    pub slug: String,
    /// Where it is; `stdio:NAME` or `builtin:NAME` where it is no URL.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// How it is spoken to.
    pub transport: Transport,
    /// Credentials, decrypted.
    pub auth: UpstreamAuth,
    /// What the operator wants of the era probe.
    pub protocol: ProtocolChoice,
    /// What the probe found.
    pub dialect: Option<Dialect>,
    /// The upstream's `capabilities`, as JSON text.
    pub capabilities: String,
    /// The upstream's `serverInfo`, as JSON text.
    pub server_info: Option<String>,
    /// The upstream's `instructions`.
    pub instructions: Option<String>,
    /// Whether the operator has it switched on.
    pub enabled: bool,
    /// Whether it answered last time.
    pub reachable: bool,
    /// When it last answered.
    pub last_seen: Option<Timestamp>,
    /// When discovery last succeeded.
    pub last_refresh_at: Option<Timestamp>,
    /// Why it did not answer last time.
    pub last_error: Option<String>,
    /// Names of tools that discovery left out, with the reason.
    pub skipped_tools: Vec<String>,
    /// Names of client headers to pass on.
    pub passthrough_headers: Vec<String>,
    /// Seconds between discoveries; the general setting where absent.
    pub refresh_interval_seconds: Option<i64>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Who may know of it.
    pub owned: Owned,
    /// Who made and changed it.
    pub record: Record,
}
