//! What the gateway says about itself: `initialize` for legacy clients, `server/discover` for modern ones.
//!
//! Capabilities are those of what the place can serve for this caller. Changes are pushed (`push`), so `listChanged` is
//! claimed; a client without a session hears of them when it asks.

use engine::{catalogue::Kind, push::updates};
use http::HeaderValue;
use protocol::{
    abilities::Abilities,
    era::Era,
    headers,
    json::{self, RawObject},
    meta::{self, MetaEdit},
    result, version,
};
use serde_json::{json, value::RawValue};

use super::{dispatch::Incoming, endpoint::Request, reply::Reply, session::Session, tasks};

/// Milliseconds that a client may keep lists and `server/discover`: changes show after at most this time.
const TTL_MS: i64 = 5_000;

/// Answers `initialize` and opens a session.
pub(crate) fn initialize(request: &Request, incoming: Incoming<'_>) -> Reply {
    let Some(requested) = incoming.params.text("protocolVersion") else {
        let error = domain::Error::invalid("protocolVersion", "is required");
        return Reply::failed(incoming.id, error, incoming.era);
    };
    let version = version::negotiate(&requested);
    let mut object = RawObject::new();
    object.set_text("protocolVersion", version);
    object.set("capabilities", capabilities(request, version));
    object.set("serverInfo", server_info());
    if let Some(instructions) = instructions(request) {
        object.set_text("instructions", instructions);
    }
    let declared = incoming.params.object().get("capabilities");
    let abilities = declared.map_or(Abilities::NONE, |declared| Abilities::read(declared, version));
    let session = request.auth.app.sessions().open(request.auth.actor(), &request.at, version, abilities);
    let session = session.and_then(|id| HeaderValue::try_from(id).map_err(domain::Error::internal));
    match session {
        Ok(session) => Reply::Answer {
            id: incoming.id,
            outcome: Ok(object.to_raw()),
            status: http::StatusCode::OK,
            session: Some(session),
        },
        Err(error) => Reply::failed(incoming.id, error, Era::Legacy { version }),
    }
}

/// What `initialize` settled, for doors whose connection is the session: it goes on under the key that it has.
pub(crate) fn settled(request: &Request, reply: &Reply) -> Option<Session> {
    let Reply::Answer { session: Some(id), .. } = reply else { return None };
    request.auth.app.sessions().find(request.auth.actor(), &request.at, id.to_str().ok()?)
}

/// Answers `server/discover`.
pub(crate) fn discover(request: &Request, incoming: Incoming<'_>) -> Reply {
    if !incoming.era.is_modern() {
        let refusal = protocol::ladder::Refusal::MethodNotFound(incoming.method.to_owned());
        return Reply::Refused { id: Some(incoming.id), refusal, era: Some(incoming.era) };
    }
    let mut object = RawObject::new();
    object.set("supportedVersions", raw(&json!(version::SUPPORTED)));
    object.set("capabilities", capabilities(request, version::MODERN));
    if let Some(instructions) = instructions(request) {
        object.set_text("instructions", instructions);
    }
    cacheable(&mut object);
    Reply::done(incoming.id, Ok(object.to_raw()))
}

/// Adds what a modern result that may be cached has to say.
pub(crate) fn cacheable(object: &mut RawObject<'_>) {
    object.set_text("resultType", "complete");
    object.set("ttlMs", json::raw_number(TTL_MS));
    object.set_text("cacheScope", result::PRIVATE);
    // An empty object takes an edit without failing.
    let edit = MetaEdit::new().set(meta::SERVER_INFO, server_info());
    if let Err(error) = edit.apply(object) {
        tracing::error!(%error, "serverInfo could not be added");
    }
}

fn instructions(request: &Request) -> Option<&str> {
    request.place.server()?.description.as_deref()
}

fn server_info() -> Box<RawValue> {
    raw(&json!({ "name": "ContextForge", "version": env!("CARGO_PKG_VERSION") }))
}

fn capabilities(request: &Request, version: &str) -> Box<RawValue> {
    let mut object = RawObject::new();
    let has = |kind| request.place.has(&request.auth, kind);
    let told = pushes(request);
    object.set("logging", raw(&json!({})));
    object.set("tools", raw(&json!({ "listChanged": told })));
    if has(Kind::Prompt) {
        object.set("prompts", raw(&json!({ "listChanged": told })));
        object.set("completions", raw(&json!({})));
    }
    if has(Kind::Resource) || has(Kind::Template) {
        let subscribe = told && updates::offered(&request.auth, &request.place);
        object.set("resources", raw(&json!({ "listChanged": told, "subscribe": subscribe })));
    }
    if let Some((name, value)) = tasks::capability(request, version) {
        object.set(name, value);
    }
    object.to_raw()
}

/// Whether there is a stream on which this client can be told of changes.
fn pushes(request: &Request) -> bool {
    let modern = request.headers.get(&headers::PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    modern.is_some_and(version::is_modern_or_later) || request.auth.app.settings().streams.get_enabled
}

fn raw(value: &serde_json::Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawObject::new().to_raw())
}
