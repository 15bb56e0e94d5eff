//! A definition from the upstream's bytes, whatever numbers it has.
//!
//! JSON allows numbers that no float holds (`1e400`), and a definition with one must not escape being read: such numbers
//! are read as texts. What is nested deeper than any schema may be is not read at all.

use serde_json::Value;

/// The definition as a value; nothing where it is no JSON or nested without end.
pub fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&with_quoted_numbers(text))).ok()
}

/// The text with every number beyond a float in quotes.
fn with_quoted_numbers(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + 16);
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let length = match byte {
            b'"' => {
                quoted = !quoted;
                1
            }
            b'\\' if quoted => 2,
            b'-' | b'0'..=b'9' if !quoted => number(bytes, at),
            _ => 1,
        };
        // An escape or a number is ASCII; a letter of several bytes is copied byte by byte, in whole runs.
        let end = (at + length).min(bytes.len());
        let part = text.get(at..end);
        match part {
            Some(part) if length > 1 && part.parse::<f64>().is_ok_and(f64::is_infinite) => {
                out.push('"');
                out.push_str(part);
                out.push('"');
            }
            Some(part) => out.push_str(part),
            None => {
                let end = (end..=bytes.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(bytes.len());
                out.push_str(text.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
        }
        at = end;
    }
    out
}

fn number(bytes: &[u8], at: usize) -> usize {
    let of_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    bytes.iter().skip(at).take_while(of_number).count().max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_beyond_floats_hide_nothing() {
        let text = r#"{"x":[-1e400,2.5],"é\"1e999":"é 1e400 \\","description":"\u0041"}"#;
        let expected = json!({"x": ["-1e400", 2.5], "é\"1e999": "é 1e400 \\", "description": "A"});
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse(r#"{"a":1}"#), Some(json!({"a": 1})));
        assert_eq!(parse("{"), None);
        assert_eq!(parse(&"[".repeat(10_000)), None);
    }
}
