//! What a request asks for, as a short text: a retry that brings sealed state along has to ask for the same.
//!
//! Clients may write the members of their arguments in another order when they ask again, so objects are put in
//! order first. Numbers and texts stay as they are written. The depth was limited when the message was read.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::value::RawValue;

use crate::{
    json::{self, RawObject},
    params::Params,
};

/// The digest of a request: its method, what it is about, and its arguments.
pub fn of(method: &str, params: &Params<'_>) -> String {
    let target = params.target(method).unwrap_or_default();
    let mut text = Vec::new();
    for part in [method, &*target] {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    if let Some(arguments) = params.arguments() {
        write_in_order(arguments, &mut text);
    }
    // Sixteen bytes are enough to tell requests of one client apart, and keep the sealed text short.
    let short: Vec<u8> = digest(&SHA256, &text).as_ref().iter().take(16).copied().collect();
    BASE64_URL_SAFE_NO_PAD.encode(short)
}

fn write_in_order(value: &RawValue, out: &mut Vec<u8>) {
    if json::is_object(value)
        && let Ok(object) = RawObject::parse(value)
    {
        let mut members: Vec<_> = object.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        out.push(b'{');
        for (name, value) in members {
            json::write_text(out, name);
            out.push(b':');
            write_in_order(value, out);
            out.push(b',');
        }
        out.push(b'}');
    } else if let Some(elements) = json::elements(value) {
        out.push(b'[');
        for element in elements {
            write_in_order(element, out);
            out.push(b',');
        }
        out.push(b']');
    } else {
        out.extend_from_slice(value.get().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(method: &str, params: &str) -> String {
        let raw: Box<RawValue> = serde_json::from_str(params).unwrap();
        of(method, &Params::parse(Some(&raw)).unwrap())
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let base = digest_of("tools/call", r#"{"name":"a","arguments":{"x":1,"y":[{"p":1,"q":2}]}}"#);
        assert_eq!(base.len(), 22);
        let same = r#"{"requestState":"s","arguments":{"y":[ {"q":2, "p":1} ],"x":1},"name":"a"}"#;
        assert_eq!(digest_of("tools/call", same), base);
        for other in [
            r#"{"name":"b","arguments":{"x":1,"y":[{"p":1,"q":2}]}}"#,
            r#"{"name":"a","arguments":{"x":2,"y":[{"p":1,"q":2}]}}"#,
            r#"{"name":"a","arguments":{"x":"1","y":[{"p":1,"q":2}]}}"#,
            r#"{"name":"a","arguments":{"x":1,"y":[{"p":1},{"q":2}]}}"#,
            r#"{"name":"a"}"#,
        ] {
            assert_ne!(digest_of("tools/call", other), base, "{other}");
        }
        assert_ne!(digest_of("prompts/get", r#"{"name":"a"}"#), digest_of("tools/call", r#"{"name":"a"}"#));
    }
}
