//! The fingerprint of a definition: a hash of its canonical JSON, so that order and spelling of numbers do not count and
//! everything else does.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

/// SHA-256 in hexadecimal over the canonical form.
pub fn fingerprint(definition: &Value) -> String {
    let mut text = String::new();
    put(definition, &mut text);
    digest(&SHA256, text.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The canonical form of RFC 8785: members in the order of their UTF-16, no white space. Whole numbers have no fraction.
pub fn canonical(definition: &Value) -> String {
    let mut text = String::new();
    put(definition, &mut text);
    text
}

fn put(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put(&Value::String(name.clone()), out);
                out.push(':');
                put(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                put(item, out);
            }
            out.push(']');
        }
        Value::Number(number) => out.push_str(&plain(number)),
        other => out.push_str(&other.to_string()),
    }
}

/// `1.0` and `1` are one number to every reader of JSON.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < 9e15 => format!("{value:.0}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        fingerprint(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn order_and_spelling_do_not_count() {
        assert_eq!(of(r#"{"a": 1, "b": [true, null]}"#), of(r#"{ "b":[true,null], "a":1.0 }"#));
        assert_eq!(of(r#"{"a": "\u00e9"}"#), of("{\"a\": \"é\"}"));
        assert_eq!(canonical(&serde_json::json!({"b": 1, "a": "x"})), r#"{"a":"x","b":1}"#);
    }

    #[test]
    fn everything_else_counts() {
        let base = r#"{"a": 1, "b": ["x", "y"]}"#;
        for other in [
            r#"{"a": 2, "b": ["x", "y"]}"#,
            r#"{"a": 1, "b": ["y", "x"]}"#,
            r#"{"a": 1}"#,
            r#"{"a": "1", "b": ["x", "y"]}"#,
            r#"{"a": 1, "b": ["x", "y "]}"#,
        ] {
            assert_ne!(of(base), of(other), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn changing_one_text_changes_the_fingerprint(name in "\\PC{0,12}", other in "\\PC{0,12}", field in 0_usize..6) {
            let definition = |text: &str| {
                let mut value = serde_json::json!({"name": "n", "title": "t", "description": "d", "inputSchema": {"p": "q"}, "annotations": {"a": "b"}, "_meta": {"m": "x"}});
                let place = ["/name", "/title", "/description", "/inputSchema/p", "/annotations/a", "/_meta/m"][field];
                *value.pointer_mut(place).unwrap() = Value::String(text.to_owned());
                value
            };
            proptest::prop_assert_eq!(fingerprint(&definition(&name)) == fingerprint(&definition(&other)), name == other);
        }
    }
}
