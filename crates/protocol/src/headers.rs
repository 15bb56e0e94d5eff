//! The HTTP headers that are part of the protocol and must say what the body says.
//!
//! Header values are untrusted: they are compared with the body and never decide anything by themselves. Repeated
//! lines are refused, because intermediaries differ in which one they read.

mod media;
mod param;
mod value;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    era::Era,
    ladder::{Refusal, excerpt},
    meta,
    params::{self, Params},
};

pub use media::{accepts, check_media};
pub use param::{ParamHeader, ParamKind, check_params, declared, param_headers, param_values};
pub use value::{decode, encode};

/// The revision of the request.
pub static PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method of the request.
pub static METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The tool, prompt, resource or task the request is about.
pub static NAME: HeaderName = HeaderName::from_static("mcp-name");
/// The session of a legacy client.
pub static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// Where a legacy client wants an event stream resumed.
pub static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What the name of a header that mirrors an argument begins with, in lower case.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The only value of a header, as text.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Refusal> {
    let mut lines = headers.get_all(name).iter();
    let Some(first) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Refusal::HeaderMismatch(format!("{name} is repeated")));
    }
    let text = first.to_str().map_err(|_| Refusal::HeaderMismatch(format!("{name} is not ASCII text")))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

/// Whether the standard headers of a modern request equal its body; legacy requests have none to check.
///
/// A header the body has no counterpart for is a mismatch too. Parameters that are missing from both are left to
/// the check of the parameters themselves.
pub fn check(era: Era, headers: &HeaderMap, method: &str, params: &Params<'_>) -> Result<(), Refusal> {
    if !era.is_modern() {
        return Ok(());
    }
    let version = single(headers, &PROTOCOL_VERSION)?
        .ok_or_else(|| Refusal::HeaderMismatch(format!("{PROTOCOL_VERSION} is missing")))?;
    // A revision missing from the body is reported as such by the next check of the ladder.
    if params.meta_value(meta::PROTOCOL_VERSION).is_some()
        && params.version().is_none_or(|body| body != version)
    {
        return Err(differs(&PROTOCOL_VERSION, version));
    }
    match single(headers, &METHOD)? {
        None => return Err(Refusal::HeaderMismatch(format!("{METHOD} is missing"))),
        Some(header) if header != method => return Err(differs(&METHOD, header)),
        Some(_) => {}
    }
    if params::target_member(method).is_none() {
        return Ok(());
    }
    match (single(headers, &NAME)?, params.target(method)) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::HeaderMismatch(format!("{NAME} is missing"))),
        (Some(header), target) => {
            let name = decode(header).map_err(|why| Refusal::HeaderMismatch(format!("{NAME} {why}")))?;
            if target.is_some_and(|target| target == name) { Ok(()) } else { Err(differs(&NAME, header)) }
        }
    }
}

fn differs(name: &HeaderName, value: &str) -> Refusal {
    Refusal::HeaderMismatch(format!("{name} is \"{}\", which is not what the body says", excerpt(value)))
}

/// The standard headers of a modern request to an upstream.
pub fn standard(version: &str, method: &str, target: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
    let mut lines = vec![(&PROTOCOL_VERSION, version.to_owned()), (&METHOD, encode(method))];
    if let Some(target) = target {
        lines.push((&NAME, encode(target)));
    }
    // Encoded texts are always valid header values, so nothing is lost here.
    lines
        .into_iter()
        .filter_map(|(name, text)| Some((name.clone(), HeaderValue::try_from(text).ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn verdict(method: &str, params: &str, lines: &[(&'static str, &'static str)]) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let raw: Box<RawValue> = serde_json::from_str(params).unwrap();
        let params = Params::parse(Some(&raw)).unwrap();
        check(Era::Modern, &headers, method, &params).map_err(|refusal| {
            assert_eq!((refusal.status(), refusal.rpc().unwrap().code), (400, -32020));
            refusal.message()
        })
    }

    const VERSION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");
    const CALL: (&str, &str) = ("mcp-method", "tools/call");
    const BODY: &str = r#"{"name":"a-b","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;

    #[test]
    fn headers_equal_to_the_body_pass() {
        let version = ("mcp-protocol-version", VERSION.1);
        assert_eq!(verdict("tools/call", BODY, &[version, CALL, ("mcp-name", "a-b")]), Ok(()));
        assert_eq!(verdict("tools/call", BODY, &[version, CALL, ("mcp-name", "=?base64?YS1i?=")]), Ok(()));
        assert_eq!(verdict("tools/list", "{}", &[version, ("mcp-method", "tools/list")]), Ok(()));
        assert_eq!(
            verdict(
                "resources/read",
                r#"{"uri":"a:é"}"#,
                &[version, ("mcp-method", "resources/read"), ("mcp-name", "=?base64?YTrDqQ==?=")]
            ),
            Ok(())
        );
    }

    #[test]
    fn missing_repeated_and_different_headers_are_named() {
        let version = ("mcp-protocol-version", VERSION.1);
        for (lines, named) in [
            (vec![CALL, ("mcp-name", "a-b")], "mcp-protocol-version is missing"),
            (vec![version, ("mcp-name", "a-b")], "mcp-method is missing"),
            (vec![version, CALL], "mcp-name is missing"),
            (vec![version, CALL, ("mcp-name", "a-b"), ("mcp-name", "a-b")], "mcp-name is repeated"),
            (vec![version, CALL, CALL, ("mcp-name", "a-b")], "mcp-method is repeated"),
            (vec![version, CALL, ("mcp-name", "A-b")], "mcp-name is \"A-b\""),
            (
                vec![version, ("mcp-method", "Tools/Call"), ("mcp-name", "a-b")],
                "mcp-method is \"Tools/Call\"",
            ),
            (
                vec![("mcp-protocol-version", "2026-07-29"), CALL, ("mcp-name", "a-b")],
                "mcp-protocol-version is",
            ),
            (vec![version, CALL, ("mcp-name", "=?base64?!?=")], "mcp-name"),
        ] {
            let message = verdict("tools/call", BODY, &lines).unwrap_err();
            assert!(message.contains(named), "{message}");
        }
        let message = verdict("tools/call", "{}", &[version, CALL, ("mcp-name", "x")]).unwrap_err();
        assert!(message.contains("mcp-name"), "a header without a body counterpart: {message}");
    }

    #[test]
    fn legacy_requests_are_not_checked() {
        let params = Params::default();
        assert!(
            check(Era::Legacy { version: "2025-11-25" }, &HeaderMap::new(), "tools/call", &params).is_ok()
        );
    }

    #[test]
    fn standard_headers_pass_their_own_check() {
        let headers: HeaderMap = standard("2026-07-28", "tools/call", Some("a-b")).into_iter().collect();
        let raw: Box<RawValue> = serde_json::from_str(BODY).unwrap();
        check(Era::Modern, &headers, "tools/call", &Params::parse(Some(&raw)).unwrap()).unwrap();
    }
}
