//! The strings of a JSON text, with their places: the quotes and commas of JSON are no part of what it says.

use std::ops::Range;

/// Most strings that are read one by one; a text with more is read as a whole.
const MOST: usize = 20_000;

/// The places of the strings without their quotes, keys included; nothing when the text is not JSON.
pub(crate) fn strings(text: &str) -> Option<Vec<Range<usize>>> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let mut found = Vec::new();
    let mut start = None;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match (start, byte) {
            (None, b'"') => start = Some(at + 1),
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(from), b'"') => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    (found.len() <= MOST).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_with_escaped_quotes() {
        let text = r#"{"a": ["b\"c\\", 1, "é"]}"#;
        let parts: Vec<_> = strings(text).unwrap().into_iter().map(|range| &text[range]).collect();
        assert_eq!(parts, ["a", r#"b\"c\\"#, "é"]);
        assert_eq!(strings("{'a': 1}"), None);
    }
}
