//! Every way a request can be refused on the wire, with its HTTP status and JSON-RPC error.
//!
//! The variants stand in the order in which the checks are made: the first one that applies is the answer. Legacy
//! clients read 404 as "session gone", so they get JSON-RPC errors about a request with status 200. A refusal never
//! says whether a hidden thing exists: hidden and unknown are both `Unknown`.

use std::fmt;

use serde_json::value::RawValue;

use crate::{
    era::Era,
    json::{JsonError, RawObject, raw_text, to_raw},
    jsonrpc::{Id, RpcError},
    version,
};

/// The text is not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// The text is not a JSON-RPC message.
pub const INVALID_REQUEST: i64 = -32600;
/// The method does not exist here.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters name something that does not exist, or are wrong.
pub const INVALID_PARAMS: i64 = -32602;
/// The gateway or an upstream failed.
pub const INTERNAL_ERROR: i64 = -32603;
/// A header does not agree with the body.
pub const HEADER_MISMATCH: i64 = -32020;
/// The client did not declare a capability the request needs.
pub const MISSING_CAPABILITY: i64 = -32021;
/// The revision is not supported.
pub const UNSUPPORTED_VERSION: i64 = -32022;
/// How legacy servers say that a resource does not exist.
pub const LEGACY_RESOURCE_NOT_FOUND: i64 = -32002;
/// How legacy servers ask for a URL elicitation.
pub const LEGACY_URL_ELICITATION: i64 = -32042;

/// A request that is not served.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// `Origin` or `Host` is not allowed.
    ForeignOrigin(String),
    /// No valid credentials; the transport adds `WWW-Authenticate`.
    Unauthenticated,
    /// Valid credentials without the needed scope; the transport adds `WWW-Authenticate`.
    InsufficientScope,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The header section is larger than the limit.
    HeadersTooLarge,
    /// `Accept` excludes what the gateway can answer with.
    NotAcceptable,
    /// `Content-Type` is not JSON.
    UnsupportedMediaType,
    /// Not JSON, or nested too deeply.
    Malformed(String),
    /// JSON, but not one JSON-RPC message.
    InvalidRequest {
        /// What is wrong, naming the field.
        message: String,
        /// The id, where it could be read.
        id: Option<Id>,
    },
    /// A required header is missing, repeated, unreadable or differs from the body.
    HeaderMismatch(String),
    /// A required key of `_meta` is missing or of the wrong type.
    InvalidMeta(String),
    /// The revision is unknown or disabled.
    UnsupportedVersion(String),
    /// The method is unknown, removed in this era, or not advertised.
    MethodNotFound(String),
    /// The client did not declare these capabilities (`ClientCapabilities` shape).
    MissingCapability(Box<RawValue>),
    /// An unknown or hidden tool, prompt, resource, cursor or task, or wrong parameters.
    Unknown(String),
    /// The upstream is down or too slow, or the gateway failed.
    Internal(String),
    /// The HTTP method means nothing at this address; the transport adds `Allow`.
    HttpMethod,
    /// A legacy request that needs a session came without one.
    SessionRequired,
    /// The legacy session is unknown, ended, or another principal's.
    SessionUnknown,
}

impl Refusal {
    /// The HTTP status towards a modern client, or before the era is known.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::ForeignOrigin(_) | Self::InsufficientScope => 403,
            Self::MethodNotFound(_) | Self::SessionUnknown => 404,
            Self::HttpMethod => 405,
            Self::NotAcceptable => 406,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::HeadersTooLarge => 431,
            Self::Unknown(_) | Self::Internal(_) => 200,
            Self::Malformed(_)
            | Self::InvalidRequest { .. }
            | Self::HeaderMismatch(_)
            | Self::InvalidMeta(_)
            | Self::UnsupportedVersion(_)
            | Self::MissingCapability(_)
            | Self::SessionRequired => 400,
        }
    }

    /// The HTTP status towards a client of this era.
    pub fn status_in(&self, era: Era) -> u16 {
        match (era, self) {
            (
                Era::Legacy { .. },
                Self::HeaderMismatch(_)
                | Self::InvalidMeta(_)
                | Self::MethodNotFound(_)
                | Self::MissingCapability(_)
                | Self::Unknown(_)
                | Self::Internal(_),
            ) => 200,
            _ => self.status(),
        }
    }

    /// The JSON-RPC error, for refusals of a message; the others are HTTP alone.
    pub fn rpc(&self) -> Option<RpcError> {
        let (code, message) = match self {
            Self::Malformed(why) => (PARSE_ERROR, format!("Parse error: {why}")),
            Self::InvalidRequest { message, .. } => (INVALID_REQUEST, format!("Invalid request: {message}")),
            Self::HeaderMismatch(why) => (HEADER_MISMATCH, format!("Header mismatch: {why}")),
            Self::InvalidMeta(why) => (INVALID_PARAMS, format!("Invalid params: {why}")),
            Self::UnsupportedVersion(requested) => return Some(unsupported(requested)),
            Self::MethodNotFound(method) => {
                (METHOD_NOT_FOUND, format!("Method not found: {}", excerpt(method)))
            }
            Self::MissingCapability(required) => return Some(missing_capability(required)),
            Self::Unknown(what) => (INVALID_PARAMS, what.clone()),
            Self::Internal(why) => (INTERNAL_ERROR, why.clone()),
            _ => return None,
        };
        Some(RpcError::new(code, message))
    }

    /// The id to echo, where the refusal itself knows it.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::InvalidRequest { id, .. } => id.as_ref(),
            _ => None,
        }
    }

    /// One sentence for an answer without a JSON-RPC body, and for logs.
    pub fn message(&self) -> String {
        let text = match self {
            Self::ForeignOrigin(why) => return why.clone(),
            Self::Unauthenticated => "authentication is required",
            Self::InsufficientScope => "the credentials lack the needed scope",
            Self::BodyTooLarge => "the body is too large",
            Self::HeadersTooLarge => "the headers are too large",
            Self::NotAcceptable => "Accept must allow application/json and text/event-stream",
            Self::UnsupportedMediaType => "Content-Type must be application/json",
            Self::HttpMethod => "this address takes POST",
            Self::SessionRequired => "Mcp-Session-Id is missing",
            Self::SessionUnknown => "the session is unknown or has ended",
            other => return other.rpc().map(|error| error.message).unwrap_or_default(),
        };
        text.to_owned()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Refusal {}

/// A text of the client's shortened for a message, so that an answer never mirrors megabytes.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 128;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn unsupported(requested: &str) -> RpcError {
    // A handshake revision cannot be used without a handshake, so offering it again would mislead.
    let supported: &[&str] =
        if version::legacy(requested).is_some() { &[version::MODERN] } else { &version::SUPPORTED };
    let mut data = RawObject::new();
    data.set("supported", to_raw(supported));
    data.set("requested", raw_text(requested));
    RpcError::new(UNSUPPORTED_VERSION, "Unsupported protocol version").with_data(data.to_raw())
}

fn missing_capability(required: &RawValue) -> RpcError {
    let mut data = RawObject::new();
    data.set("requiredCapabilities", required);
    RpcError::new(MISSING_CAPABILITY, "Missing required client capability").with_data(data.to_raw())
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed(why) => Self::Malformed(why),
            JsonError::TooDeep => Self::Malformed(JsonError::TooDeep.to_string()),
            JsonError::NotAnObject => {
                Self::InvalidRequest { message: "the message must be an object".to_owned(), id: None }
            }
            JsonError::Duplicate(name) => {
                Self::InvalidRequest { message: format!("duplicate member \"{}\"", excerpt(&name)), id: None }
            }
            other @ JsonError::Variant { .. } => {
                Self::InvalidRequest { message: other.to_string(), id: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_has_the_specified_statuses_and_codes() {
        let legacy = Era::Legacy { version: "2025-11-25" };
        let text = || "x".to_owned();
        let caps = || RawObject::new().to_raw();
        let rows: [(Refusal, u16, u16, Option<i64>); 19] = [
            (Refusal::ForeignOrigin(text()), 403, 403, None),
            (Refusal::Unauthenticated, 401, 401, None),
            (Refusal::InsufficientScope, 403, 403, None),
            (Refusal::BodyTooLarge, 413, 413, None),
            (Refusal::HeadersTooLarge, 431, 431, None),
            (Refusal::NotAcceptable, 406, 406, None),
            (Refusal::UnsupportedMediaType, 415, 415, None),
            (Refusal::Malformed(text()), 400, 400, Some(-32700)),
            (Refusal::InvalidRequest { message: text(), id: None }, 400, 400, Some(-32600)),
            (Refusal::HeaderMismatch(text()), 400, 200, Some(-32020)),
            (Refusal::InvalidMeta(text()), 400, 200, Some(-32602)),
            (Refusal::UnsupportedVersion(text()), 400, 400, Some(-32022)),
            (Refusal::MethodNotFound(text()), 404, 200, Some(-32601)),
            (Refusal::MissingCapability(caps()), 400, 200, Some(-32021)),
            (Refusal::Unknown(text()), 200, 200, Some(-32602)),
            (Refusal::Internal(text()), 200, 200, Some(-32603)),
            (Refusal::HttpMethod, 405, 405, None),
            (Refusal::SessionRequired, 400, 400, None),
            (Refusal::SessionUnknown, 404, 404, None),
        ];
        for (refusal, modern, old, code) in rows {
            assert_eq!(refusal.status(), modern, "{refusal:?}");
            assert_eq!(refusal.status_in(Era::Modern), modern, "{refusal:?}");
            assert_eq!(refusal.status_in(legacy), old, "{refusal:?}");
            assert_eq!(refusal.rpc().map(|error| error.code), code, "{refusal:?}");
            assert!(!refusal.message().is_empty(), "{refusal:?}");
        }
    }

    #[test]
    fn an_unsupported_version_is_echoed_with_what_would_work() {
        let data = |v: &str| Refusal::UnsupportedVersion(v.to_owned()).rpc().unwrap().data.unwrap();
        let future = r#"{"supported":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"requested":"2099-01-01"}"#;
        assert_eq!(data("2099-01-01").get(), future);
        assert_eq!(data("2025-11-25").get(), r#"{"supported":["2026-07-28"],"requested":"2025-11-25"}"#);
    }

    #[test]
    fn a_long_method_is_not_mirrored() {
        let message = Refusal::MethodNotFound("é".repeat(100_000)).message();
        assert!(message.len() < 400, "{}", message.len());
    }
}
