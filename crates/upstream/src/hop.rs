//! What the gateway says on the hop to an upstream: parameters for the hop's era, and what it says about itself.

use std::{borrow::Cow, sync::OnceLock};

use domain::{Error, gateway::Dialect};
use protocol::{
    abilities::Abilities,
    json::{self, JsonError, RawObject, raw_number, raw_text},
    jsonrpc::{self, Id, Outcome, RpcError},
    ladder, meta,
    params::target_member,
    rounds, version,
};
use serde_json::value::RawValue;

use crate::{
    call::{CallContext, Connected, empty_object},
    fault::Fault,
};

/// The gateway as an `Implementation`.
pub(crate) fn gateway_info() -> &'static RawValue {
    static INFO: OnceLock<Box<RawValue>> = OnceLock::new();
    INFO.get_or_init(|| {
        let mut info = RawObject::new();
        info.set_text("name", "contextforge");
        info.set_text("version", env!("CARGO_PKG_VERSION"));
        info.to_raw()
    })
}

/// The parameters of a request, and what the request is about. The request's id serves as its progress token too,
/// because both are the gateway's own.
pub(crate) fn params<'a>(
    method: &str,
    given: &'a RawValue,
    context: &CallContext,
    (modern, id): (bool, i64),
) -> Result<(RawObject<'a>, Option<String>), Fault> {
    // A server that has no rounds must not see what belongs to them.
    let object = if modern { RawObject::parse(given) } else { rounds::without_input(given) };
    let mut object = object.map_err(|error| refused(&error))?;
    let target = target_member(method).and_then(|member| object.text(member)).map(Cow::into_owned);
    let about = match object.borrowed("_meta").filter(|about| !json::is_null(about)) {
        Some(about) => RawObject::parse(about).map_err(|error| refused(&error))?,
        None => RawObject::new(),
    };
    let about = described(about, context, (modern, id));
    if about.is_empty() {
        object.remove("_meta");
    } else {
        object.set("_meta", about.to_raw());
    }
    Ok((object, target))
}

/// `_meta` with what it says of the caller's hop replaced by what holds for this one.
fn described<'a>(
    mut about: RawObject<'a>,
    context: &'a CallContext,
    (modern, id): (bool, i64),
) -> RawObject<'a> {
    for key in meta::HOP_KEYS {
        about.remove(key);
    }
    if modern {
        about.set(meta::PROTOCOL_VERSION, modern_version());
        about.set(meta::CLIENT_CAPABILITIES, &*context.capabilities);
        about.set(meta::CLIENT_INFO, context.client_info.as_deref().unwrap_or_else(|| gateway_info()));
        if let Some(level) = &context.log_level {
            about.set_text(meta::LOG_LEVEL, level);
        }
        if let Some(parent) = &context.traceparent {
            about.set_text(meta::TRACEPARENT, parent);
        }
    }
    if context.progress {
        about.set(meta::PROGRESS_TOKEN, raw_number(id));
    }
    about
}

fn refused(error: &JsonError) -> Fault {
    Fault::Own(Error::Refused(format!("Invalid params: {error}")))
}

fn modern_version() -> &'static RawValue {
    static VERSION: OnceLock<Box<RawValue>> = OnceLock::new();
    VERSION.get_or_init(|| raw_text(version::MODERN))
}

/// The parameters of `initialize`. What is declared is what every caller of this session can be asked.
pub(crate) fn initialize(abilities: Abilities) -> Box<RawValue> {
    let mut params = RawObject::new();
    params.set_text("protocolVersion", version::negotiate(""));
    params.set("capabilities", abilities.for_handshake());
    params.set("clientInfo", gateway_info());
    params.to_raw()
}

/// The notification that nobody waits for a request any more.
pub(crate) fn cancelled(id: i64) -> Vec<u8> {
    let mut params = RawObject::new();
    params.set("requestId", raw_number(id));
    params.set_text("reason", "The client does not wait for the answer any more");
    jsonrpc::write_notification("notifications/cancelled", Some(&params.to_raw()))
}

/// The answer to a question of a server's.
pub(crate) fn answer(id: &Id, outcome: &Outcome) -> Vec<u8> {
    match outcome {
        Ok(result) => jsonrpc::write_result(id, result),
        Err(error) => jsonrpc::write_error(Some(id), error),
    }
}

/// The answer to a request of a server's that is none for a caller: it may ask whether we live, and nothing else.
pub(crate) fn response(id: &Id, ping: bool) -> Vec<u8> {
    if ping {
        return jsonrpc::write_result(id, &empty_object());
    }
    refusal(id, "No client can be asked through this gateway")
}

/// The refusal of a request of a server's, with the reason.
pub(crate) fn refusal(id: &Id, why: &str) -> Vec<u8> {
    jsonrpc::write_error(Some(id), &RpcError::new(ladder::METHOD_NOT_FOUND, why))
}

/// What a server says about itself in the result of `initialize`.
pub(crate) fn initialized(result: &RawValue) -> Result<(&'static str, Connected), Fault> {
    let object = RawObject::parse(result)
        .map_err(|_| Fault::Useless("answered initialize with nonsense".to_owned()))?;
    let spoken = object.text("protocolVersion").unwrap_or_default();
    let version = version::legacy(&spoken).ok_or_else(|| {
        let spoken: String = spoken.chars().filter(char::is_ascii_graphic).take(20).collect();
        Fault::Useless(format!("speaks protocol version {spoken:?}, which the gateway does not"))
    })?;
    let server_info = object.get("serverInfo").map(ToOwned::to_owned);
    let dialect = Dialect { version: version.to_owned(), modern: false };
    Ok((version, connected(&object, dialect, server_info)))
}

/// What a server says about itself in the result of `server/discover`.
pub(crate) fn discovered(object: &RawObject<'_>) -> Connected {
    let about = object.get("_meta").and_then(|about| RawObject::parse(about).ok());
    let server_info = about.as_ref().and_then(|about| about.get(meta::SERVER_INFO)).map(ToOwned::to_owned);
    connected(object, Dialect { version: version::MODERN.to_owned(), modern: true }, server_info)
}

fn connected(object: &RawObject<'_>, dialect: Dialect, server_info: Option<Box<RawValue>>) -> Connected {
    let capabilities = object.get("capabilities").filter(|given| json::is_object(given));
    Connected {
        dialect,
        capabilities: capabilities.map_or_else(empty_object, ToOwned::to_owned),
        server_info,
        instructions: object.text("instructions").map(Cow::into_owned),
    }
}

/// Whether capabilities hold a member, and whether that member promises `listChanged`.
pub(crate) fn capability(capabilities: &RawValue, name: &str) -> (bool, bool) {
    let Ok(object) = RawObject::parse(capabilities) else { return (false, false) };
    let Some(member) = object.get(name) else { return (false, false) };
    let promised = RawObject::parse(member).ok();
    let told = promised.as_ref().and_then(|promised| promised.get("listChanged")).map(RawValue::get);
    (true, told == Some("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_modern_hop_says_who_asks_and_keeps_every_byte_of_the_rest() {
        let given =
            raw(r#"{"name":"a","arguments":{"x":1e400},"_meta":{"vendor":1,"progressToken":"theirs"}}"#);
        let mut context = CallContext::plain("p");
        context.progress = true;
        context.log_level = Some("info".to_owned());
        context.client_info = Some(raw(r#"{"name":"desk"}"#));
        let (params, target) = params("tools/call", &given, &context, (true, 7)).unwrap();
        assert_eq!(target.as_deref(), Some("a"));
        assert_eq!(
            params.to_raw().get(),
            r#"{"name":"a","arguments":{"x":1e400},"_meta":{"vendor":1,"#.to_owned()
                + r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#
                + r#""io.modelcontextprotocol/clientCapabilities":{},"#
                + r#""io.modelcontextprotocol/clientInfo":{"name":"desk"},"#
                + r#""io.modelcontextprotocol/logLevel":"info","progressToken":7}}"#
        );
    }

    #[test]
    fn a_legacy_hop_has_nothing_of_the_modern_keys() {
        let given = raw(r#"{"uri":"a:b","_meta":{"io.modelcontextprotocol/logLevel":"info"}}"#);
        let (params, target) =
            params("resources/read", &given, &CallContext::plain("p"), (false, 7)).unwrap();
        assert_eq!((params.to_raw().get(), target.as_deref()), (r#"{"uri":"a:b"}"#, Some("a:b")));
    }

    #[test]
    fn a_handshake_must_end_in_a_known_revision() {
        let result = r#"{"protocolVersion":"2025-03-26","capabilities":{"tools":{"listChanged":true}},
            "serverInfo":{"name":"s"},"instructions":"read \"me\""}"#;
        let (version, connected) = initialized(&raw(result)).unwrap();
        assert_eq!((version, connected.instructions.as_deref()), ("2025-03-26", Some("read \"me\"")));
        assert_eq!(capability(&connected.capabilities, "tools"), (true, true));
        assert_eq!(capability(&connected.capabilities, "prompts"), (false, false));
        for unknown in [r#"{"protocolVersion":"2026-07-28"}"#, r#"{"protocolVersion":"x\n"}"#, "{}", "7"] {
            assert!(initialized(&raw(unknown)).is_err(), "{unknown}");
        }
    }
}
