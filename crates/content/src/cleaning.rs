//! What passes through at call time, without what a reader does not see: invisible characters and what terminals obey.
//!
//! For answers of upstreams, where the operator wants it. Only values of JSON strings change, and only those that have
//! something to take out; names of members, numbers and everything else stay the bytes that they were.

use std::borrow::Cow;

use crate::definitions::hidden::visible;

/// The JSON text with its strings cleaned; nothing where there is nothing to take out.
pub fn json(raw: &str) -> Option<String> {
    let bytes = raw.as_bytes();
    let mut out = String::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(open) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'"')) {
        let start = at + open;
        let end = literal_end(bytes, start);
        let literal = raw.get(start..end).unwrap_or_default();
        if could_hide(literal)
            && !is_name(bytes, end)
            && let Ok(text) = serde_json::from_str::<String>(literal)
            && let Cow::Owned(clean) = text_of(&text)
            && let Ok(written) = serde_json::to_string(&clean)
        {
            out.push_str(raw.get(copied..start).unwrap_or_default());
            out.push_str(&written);
            copied = end;
        }
        at = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(raw.get(copied..).unwrap_or_default());
    Some(out)
}

/// A text without terminal sequences and hidden characters; borrowed where it has none.
fn text_of(text: &str) -> Cow<'_, str> {
    let clean = visible(&without_sequences(text));
    if clean == text { Cow::Borrowed(text) } else { Cow::Owned(clean) }
}

/// Behind the quote that closes a literal.
fn literal_end(bytes: &[u8], start: usize) -> usize {
    let mut escaped = false;
    let body = bytes.get(start + 1..).unwrap_or_default();
    let end = body.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    end.map_or(bytes.len(), |end| start + 1 + end + 1)
}

/// Whether a literal has a character that is not plain ASCII, or an escape that may stand for one.
fn could_hide(literal: &str) -> bool {
    !literal.bytes().all(|b| (0x20..0x7f).contains(&b))
        || literal.contains("\\u")
        || literal.contains("\\b")
        || literal.contains("\\f")
}

fn is_name(bytes: &[u8], end: usize) -> bool {
    bytes.get(end..).unwrap_or_default().iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':')
}

/// What a terminal reads as one command, from the escape to its end.
fn without_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains(['\u{1b}', '\u{9b}', '\u{9d}', '\u{90}']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let kind = match c {
            '\u{1b}' => rest.next(),
            '\u{9b}' => Some('['),
            '\u{9d}' | '\u{90}' => Some(']'),
            _ => {
                out.push(c);
                continue;
            }
        };
        match kind {
            // Parameters, then the letter that ends them.
            Some('[') => drop(rest.find(|c| ('@'..='~').contains(c))),
            // A text for the terminal, up to a bell or the escape that ends it; of that, one more character is left.
            Some(']' | 'P' | 'X' | '^' | '_')
                if rest.find(|c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}')) == Some('\u{1b}') =>
            {
                rest.next();
            }
            _ => {}
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cleaned_and_everything_else_stays() {
        let raw = "{\"a\\u200b\": \"red \\u001b[31;1mtext\\u001b[0m \\u001b]8;;http://x\\u0007link\", \"n\": 1e400, \"b\": \"x\u{200b}y\\u202ez\"}";
        let clean = json(raw).unwrap();
        assert_eq!(clean, "{\"a\\u200b\": \"red text link\", \"n\": 1e400, \"b\": \"xyz\"}");
        assert_eq!(json(&clean), None);
    }

    #[test]
    fn writing_is_left_as_it_was() {
        for raw in [
            r#"{"content":[{"type":"text","text":"caf\u00e9 \ud83d\udc69\u200d\ud83d\udcbb \n\t\"q\""}]}"#,
            "{\"text\":\"naïve 世界 👩‍💻\"}",
            r#"["\\u200b", "\\"]"#,
            "[1, true, null]",
            "\"",
        ] {
            assert_eq!(json(raw), None, "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_json_stays_json_and_is_clean(text in "(\\PC|[\0-\x1f]|\u{1b}\\[|\u{200b}|\u{e0041}|\"|\\\\){0,40}") {
            let raw = serde_json::json!({ "a": [text], "b": 1 }).to_string();
            let clean = json(&raw).unwrap_or_else(|| raw.clone());
            let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
            let left = value["a"][0].as_str().unwrap();
            proptest::prop_assert_eq!(&visible(left), left);
            proptest::prop_assert_eq!(json(&clean), None);
        }
    }
}
