//! Results on their way between eras: what the modern one requires is added, what a strict legacy client would
//! reject is taken out. Content stays as the upstream wrote it, and a result that is right already is not written anew.

use serde_json::value::RawValue;

use crate::{
    json::{self, JsonError, RawObject, raw_number, raw_text},
    meta::{self, MetaEdit},
};

/// A cache that any client may share.
pub const PUBLIC: &str = "public";
/// A cache for one authorization context.
pub const PRIVATE: &str = "private";

/// A result as a modern client expects it.
///
/// `cache` is the gateway's policy for the six cacheable methods (milliseconds and scope): a shorter time and a
/// narrower scope of the upstream win, and an answer that asks for input carries no cache hints at all.
pub fn to_modern(
    result: Box<RawValue>,
    cache: Option<(u64, &str)>,
    server_info: Option<&RawValue>,
) -> Result<Box<RawValue>, JsonError> {
    Ok(modernised(&result, cache, server_info)?.unwrap_or(result))
}

fn modernised(
    result: &RawValue,
    cache: Option<(u64, &str)>,
    server_info: Option<&RawValue>,
) -> Result<Option<Box<RawValue>>, JsonError> {
    let mut object = RawObject::parse(result)?;
    let kind = object.text("resultType");
    let (complete, unnamed) = (kind.as_ref().is_none_or(|kind| kind == "complete"), kind.is_none());
    if unnamed {
        object.set_text("resultType", "complete");
    } else if cache.is_none() && server_info.is_none() {
        return Ok(None);
    }
    match cache {
        Some(policy) if complete => narrow(&mut object, policy),
        Some(_) => {
            object.remove("ttlMs");
            object.remove("cacheScope");
        }
        None => {}
    }
    if let Some(info) = server_info {
        add_server_info(&mut object, info)?;
    }
    Ok(Some(object.to_raw()))
}

fn narrow(object: &mut RawObject<'_>, (ttl, scope): (u64, &str)) {
    let own: Option<u64> = object.get("ttlMs").and_then(|value| value.get().parse().ok());
    let ttl = own.map_or(ttl, |own| own.min(ttl));
    object.set("ttlMs", raw_number(i64::try_from(ttl).unwrap_or(i64::MAX)));
    let public = scope == PUBLIC && object.text("cacheScope").is_none_or(|own| own == PUBLIC);
    object.set("cacheScope", raw_text(if public { PUBLIC } else { PRIVATE }));
}

fn add_server_info(object: &mut RawObject<'_>, info: &RawValue) -> Result<(), JsonError> {
    let present = match object.get("_meta").filter(|meta| !json::is_null(meta)) {
        Some(meta) => RawObject::parse(meta)?.contains(meta::SERVER_INFO),
        None => false,
    };
    if present {
        return Ok(());
    }
    MetaEdit::new().set(meta::SERVER_INFO, info.to_owned()).apply(object)
}

/// A result of a modern upstream as a legacy client expects it.
///
/// Structured content of legacy revisions is always an object; another value is left out, its text block remains.
pub fn to_legacy(result: Box<RawValue>) -> Result<Box<RawValue>, JsonError> {
    Ok(without_modern(&result)?.unwrap_or(result))
}

fn without_modern(result: &RawValue) -> Result<Option<Box<RawValue>>, JsonError> {
    let mut object = RawObject::parse(result)?;
    let before = object.len();
    for member in ["resultType", "ttlMs", "cacheScope"] {
        object.remove(member);
    }
    if object.get("structuredContent").is_some_and(|content| !json::is_object(content)) {
        object.remove("structuredContent");
    }
    let about = object.contains("_meta");
    if about {
        MetaEdit::new().remove(meta::SERVER_INFO).apply(&mut object)?;
    }
    Ok((about || object.len() != before).then(|| object.to_raw()))
}

/// A tool definition as a legacy client expects it: without an output schema that does not describe an object.
pub fn tool_to_legacy(definition: &RawValue) -> Result<Box<RawValue>, JsonError> {
    let mut object = RawObject::parse(definition)?;
    if let Some(schema) = object.get("outputSchema") {
        let describes_object =
            RawObject::parse(schema).is_ok_and(|s| s.text("type").is_some_and(|t| t == "object"));
        if !describes_object {
            object.remove("outputSchema");
        }
    }
    Ok(object.to_raw())
}

/// Whether a modern result asks for input, so that the call is not over.
pub fn asks_for_input(result: &RawValue) -> bool {
    // The word is looked for first because most results are long and do not hold it.
    result.get().contains("input_required")
        && RawObject::parse(result)
            .is_ok_and(|object| object.text("resultType").is_some_and(|kind| kind == "input_required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    fn modern(text: &str, cache: Option<(u64, &str)>, info: Option<&str>) -> String {
        let info = info.map(raw);
        to_modern(raw(text), cache, info.as_deref()).unwrap().get().to_owned()
    }

    #[test]
    fn a_legacy_result_gains_what_is_required() {
        let text = modern(r#"{"tools":[ ],"x":1e400}"#, Some((0, PRIVATE)), Some(r#"{"name":"s"}"#));
        let expected = r#"{"tools":[ ],"x":1e400,"resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s"}}}"#;
        assert_eq!(text, expected);
        assert_eq!(modern(r#"{"content":[]}"#, None, None), r#"{"content":[],"resultType":"complete"}"#);
    }

    #[test]
    fn what_the_upstream_says_stays_unless_it_is_wider() {
        let own = r#"{"resultType":"complete","ttlMs":500,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#;
        assert_eq!(modern(own, None, Some(r#"{"name":"s"}"#)), own);
        assert_eq!(modern(own, Some((900, PUBLIC)), None), own);
        assert!(modern(own, Some((100, PRIVATE)), None).contains(r#""ttlMs":100,"cacheScope":"private""#));
        let private = r#"{"resultType":"complete","ttlMs":-1,"cacheScope":"private"}"#;
        assert!(modern(private, Some((7, PUBLIC)), None).contains(r#""ttlMs":7,"cacheScope":"private""#));
    }

    #[test]
    fn an_answer_that_asks_for_input_is_never_cached() {
        let text = modern(
            r#"{"resultType":"input_required","ttlMs":5,"requestState":"s"}"#,
            Some((9, PUBLIC)),
            None,
        );
        assert_eq!(text, r#"{"resultType":"input_required","requestState":"s"}"#);
        assert!(asks_for_input(&raw(&text)));
        assert!(!asks_for_input(&raw(r#"{"resultType":"complete"}"#)));
    }

    #[test]
    fn a_modern_result_loses_what_legacy_clients_reject() {
        let text = r#"{"resultType":"complete","content":[{"type":"text","text":"1e400"}],"structuredContent":[1],"ttlMs":1,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{},"v":1}}"#;
        let expected = r#"{"content":[{"type":"text","text":"1e400"}],"_meta":{"v":1}}"#;
        assert_eq!(to_legacy(raw(text)).unwrap().get(), expected);
        let bare = r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#;
        assert_eq!(to_legacy(raw(bare)).unwrap().get(), "{}");
        let object = r#"{"structuredContent":{ "a":1 }}"#;
        assert_eq!(to_legacy(raw(object)).unwrap().get(), object);
    }

    #[test]
    fn output_schemas_of_other_values_are_left_out_for_legacy_clients() {
        let kept = r#"{"name":"a","outputSchema":{ "type":"object" }}"#;
        assert_eq!(tool_to_legacy(&raw(kept)).unwrap().get(), kept);
        for schema in [r#"{"type":"array"}"#, "true", "{}"] {
            let tool = raw(&format!(r#"{{"name":"a","outputSchema":{schema}}}"#));
            assert_eq!(tool_to_legacy(&tool).unwrap().get(), r#"{"name":"a"}"#);
        }
    }

    #[test]
    fn a_result_that_is_no_object_is_reported() {
        assert_eq!(to_modern(raw("[]"), None, None).unwrap_err(), JsonError::NotAnObject);
        assert_eq!(to_legacy(raw("null")).unwrap_err(), JsonError::NotAnObject);
    }
}
