//! Prepared answers of both eras, and the little parsing that choosing one takes.
//!
//! Only the envelope and, for a call, the one argument `text` are read; everything else of an answer was written
//! when the server started. Lists come in pages of a thousand tools; a cursor is the number of the first one.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The revision without handshake.
pub(crate) const MODERN: &str = "2026-07-28";
/// The newest revision with a handshake.
const LEGACY: &str = "2025-11-25";
const PAGE: usize = 1000;

const SERVER_INFO: &str = r#"{"name":"bench-echo","version":"1"}"#;
const SCHEMA: &str = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}"#;

/// What goes back to the client.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A JSON-RPC response.
    Result(Bytes),
    /// A notification was taken.
    Accepted,
    /// A JSON-RPC error -32601.
    UnknownMethod(Bytes),
    /// The body is no JSON-RPC message.
    Malformed,
}

/// All answers that do not depend on the request.
pub(crate) struct Replies {
    legacy_only: bool,
    discover: String,
    initialize: String,
    /// Each page for the modern and for the legacy era.
    pages: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
    #[serde(borrow)]
    cursor: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl Replies {
    /// Prepares the answers of a server with `tools` tools: `echo`, `tool-0001`, and so on.
    pub(crate) fn new(tools: usize, legacy_only: bool) -> Self {
        let names: Vec<String> = (0..tools).map(tool).collect();
        let last = names.chunks(PAGE).count();
        let pages = names
            .chunks(PAGE)
            .zip(1..)
            .map(|(page, number)| list(page, (number < last).then_some(number * PAGE)));
        Self {
            legacy_only,
            discover: format!(
                r#"{{"resultType":"complete","supportedVersions":["{MODERN}","{LEGACY}"],"capabilities":{{"tools":{{}}}},"ttlMs":60000,"cacheScope":"public","_meta":{{"io.modelcontextprotocol/serverInfo":{SERVER_INFO}}}}}"#
            ),
            initialize: format!(
                r#"{{"protocolVersion":"{LEGACY}","capabilities":{{"tools":{{}}}},"serverInfo":{SERVER_INFO}}}"#
            ),
            pages: pages.collect(),
        }
    }

    /// The answer to one HTTP body.
    pub(crate) fn to(&self, body: &[u8], modern: bool) -> Reply {
        let Ok(message) = serde_json::from_slice::<Envelope<'_>>(body) else { return Reply::Malformed };
        let Some(id) = message.id else { return Reply::Accepted };
        let params = message.params.as_ref();
        let modern = modern && !self.legacy_only;
        match message.method.as_ref() {
            "tools/call" => result(id, &call(params, modern)),
            "tools/list" => self.page(id, params, modern),
            "server/discover" if !self.legacy_only => result(id, &self.discover),
            "initialize" if !modern => result(id, &self.initialize),
            "ping" if !modern => result(id, "{}"),
            _ => Reply::UnknownMethod(error(id, -32601, "Method not found")),
        }
    }

    fn page(&self, id: &RawValue, params: Option<&Params<'_>>, modern: bool) -> Reply {
        let first = match params.and_then(|params| params.cursor.as_deref()) {
            Some(cursor) => cursor.parse().unwrap_or(usize::MAX),
            None => 0,
        };
        match self.pages.get(first / PAGE) {
            Some((page, _)) if modern => result(id, page),
            Some((_, page)) => result(id, page),
            None => Reply::Result(error(id, -32602, "Unknown cursor")),
        }
    }
}

fn tool(number: usize) -> String {
    let name = if number == 0 { "echo".to_owned() } else { format!("tool-{number:04}") };
    format!(
        r#"{{"name":"{name}","description":"Gives back the text that it is given.","inputSchema":{SCHEMA}}}"#
    )
}

/// One page for both eras.
fn list(tools: &[String], next: Option<usize>) -> (String, String) {
    let tools = tools.join(",");
    let cursor = next.map(|next| format!(r#","nextCursor":"{next}""#)).unwrap_or_default();
    let modern = format!(
        r#"{{"resultType":"complete","tools":[{tools}],"ttlMs":60000,"cacheScope":"public"{cursor}}}"#
    );
    (modern, format!(r#"{{"tools":[{tools}]{cursor}}}"#))
}

fn call(params: Option<&Params<'_>>, modern: bool) -> String {
    let text = params.and_then(|params| params.arguments.as_ref()).and_then(|arguments| arguments.text);
    let text = text.map_or(r#""""#, RawValue::get);
    let discriminator = if modern { r#""resultType":"complete","# } else { "" };
    format!(r#"{{{discriminator}"content":[{{"type":"text","text":{text}}}],"isError":false}}"#)
}

fn result(id: &RawValue, result: &str) -> Reply {
    Reply::Result(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)))
}

fn error(id: &RawValue, code: i32, message: &str) -> Bytes {
    Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{message}"}}}}"#))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn ask(replies: &Replies, body: &str, modern: bool) -> Value {
        match replies.to(body.as_bytes(), modern) {
            Reply::Result(body) | Reply::UnknownMethod(body) => serde_json::from_slice(&body).unwrap(),
            other => panic!("no answer: {other:?}"),
        }
    }

    #[test]
    fn a_call_gives_back_its_text() {
        let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"h\"i"}}}"#;
        let modern = ask(&Replies::new(1, false), body, true);
        assert_eq!(modern["id"], "a");
        assert_eq!(modern["result"]["content"][0]["text"], "h\"i");
        assert_eq!(modern["result"]["resultType"], "complete");
        assert!(ask(&Replies::new(1, false), body, false)["result"].get("resultType").is_none());
    }

    #[test]
    fn lists_are_paged_to_the_end() {
        let replies = Replies::new(2500, false);
        let first = ask(&replies, r#"{"id":1,"method":"tools/list"}"#, true);
        assert_eq!(first["result"]["tools"].as_array().unwrap().len(), 1000);
        assert_eq!(first["result"]["nextCursor"], "1000");
        let last = ask(&replies, r#"{"id":1,"method":"tools/list","params":{"cursor":"2000"}}"#, true);
        assert_eq!(last["result"]["tools"].as_array().unwrap().len(), 500);
        assert!(last["result"].get("nextCursor").is_none());
        assert_eq!(
            ask(&replies, r#"{"id":1,"method":"tools/list","params":{"cursor":"x"}}"#, true)["error"]["code"],
            -32602
        );
    }

    #[test]
    fn each_era_has_its_own_greeting() {
        let both = Replies::new(1, false);
        assert_eq!(
            ask(&both, r#"{"id":1,"method":"server/discover"}"#, true)["result"]["supportedVersions"][0],
            MODERN
        );
        assert_eq!(
            ask(&both, r#"{"id":1,"method":"initialize"}"#, false)["result"]["protocolVersion"],
            LEGACY
        );
        let old = Replies::new(1, true);
        assert_eq!(ask(&old, r#"{"id":1,"method":"server/discover"}"#, true)["error"]["code"], -32601);
    }

    #[test]
    fn notifications_and_nonsense_are_told_apart() {
        let replies = Replies::new(1, false);
        assert!(matches!(replies.to(br#"{"method":"notifications/initialized"}"#, false), Reply::Accepted));
        assert!(matches!(replies.to(b"[", false), Reply::Malformed));
    }
}
