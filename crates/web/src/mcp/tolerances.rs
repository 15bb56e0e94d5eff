//! Where clients in the field are loose and the gateway bends: one table, which the doors consult.
//!
//! Whatever is not in it is refused: a header that is repeated, a session id that is not good, a revision that nobody
//! knows. A request that is served by a tolerance says so in the log (`debug`), so that an operator finds the client.
//! Invariant: no tolerance decides who may do what.

use http::{HeaderMap, header};
use protocol::{
    headers,
    jsonrpc::{self, Message},
    ladder::Refusal,
    version,
};

/// One thing that is let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerance {
    /// Scripts and early SDKs send no `Accept`: it counts as `*/*`.
    AcceptMissing,
    /// Copilot and plain HTTP clients take only one of the two forms: whoever takes no stream gets one JSON answer,
    /// without progress, and cannot be asked anything on the way.
    AcceptOneForm,
    /// Clients before 2025-06-18, and some after it, send no `MCP-Protocol-Version`: it counts as 2025-03-26.
    VersionMissing,
    /// Clients send the revision that they hope for with `initialize` already: the body settles it.
    VersionHoped,
    /// Clients that lost or never had a session go on without: what needs no session is served statelessly.
    SessionMissing,
    /// Clients name a session that has ended, or one of their own choice, while they open a new one: its id is made here.
    SessionOfInitialize,
    /// Clients of both eras (Cursor speaks to many servers at once) send a session id with modern requests: it is not
    /// looked at.
    SessionOfModern,
}

impl Tolerance {
    /// Notes that a request is served by this tolerance.
    pub(crate) fn bend(self) {
        tracing::debug!(tolerance = ?self, "a client is loose with the protocol");
    }
}

/// Whether a request whose session is unknown opens one.
pub(crate) fn opens_a_session(body: &[u8]) -> bool {
    let opens =
        matches!(jsonrpc::parse(body), Ok(Message::Request { method, .. }) if &*method == "initialize");
    if opens {
        Tolerance::SessionOfInitialize.bend();
    }
    opens
}

/// Whether the content type is JSON, and whether the client takes event streams.
pub(crate) fn accepted(lines: &HeaderMap) -> Result<bool, Refusal> {
    let content_type =
        lines.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::UnsupportedMediaType);
    }
    if !lines.contains_key(header::ACCEPT) {
        Tolerance::AcceptMissing.bend();
        return Ok(true);
    }
    let (mut json, mut streams, mut any) = (false, false, false);
    for value in lines.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            any = true;
            let range = range.split(';').next().unwrap_or_default().trim();
            let is = |wanted: &str| range.eq_ignore_ascii_case(wanted);
            json |= is("application/json") || is("application/*") || is("*/*");
            streams |= is("text/event-stream") || is("text/*") || is("*/*");
        }
    }
    if any && !json && !streams {
        return Err(Refusal::NotAcceptable);
    }
    if json != streams {
        Tolerance::AcceptOneForm.bend();
    }
    Ok(streams || !any)
}

/// Notes how a legacy request is loose; `session` says whether it has one.
pub(crate) fn legacy(lines: &HeaderMap, method: &str, session: bool) {
    let named = lines.get(&headers::PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    let hoped = method == "initialize" && named.is_some_and(|named| version::legacy(named).is_none());
    if hoped {
        Tolerance::VersionHoped.bend();
    }
    if named.is_none() && !session && method != "initialize" {
        Tolerance::VersionMissing.bend();
    }
    if !session && method != "initialize" {
        Tolerance::SessionMissing.bend();
    }
}
