//! Text as a header value: plain where that is safe, else base64 between markers.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";

/// The header value of a text. Visible ASCII with inner spaces or tabs stays as it is, unless it looks encoded.
pub fn encode(text: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    let padded = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    if plain && !padded && encoded(text).is_none() {
        return text.to_owned();
    }
    format!("{OPEN}{}{CLOSE}", BASE64_STANDARD.encode(text))
}

/// The text of a header value; says what is wrong with an encoded one that cannot be read.
pub fn decode(value: &str) -> Result<Cow<'_, str>, &'static str> {
    let Some(inner) = encoded(value) else { return Ok(Cow::Borrowed(value)) };
    let bytes = BASE64_STANDARD.decode(inner).map_err(|_| "has invalid base64 between its markers")?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| "is not UTF-8 between its markers")
}

/// What stands between the markers, which are case-sensitive.
fn encoded(text: &str) -> Option<&str> {
    text.strip_prefix(OPEN)?.strip_suffix(CLOSE)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_needs_it_is_encoded() {
        for plain in ["", "eu-west-1", "a b\tc", "=?base64?", "=?BASE64?YQ==?=", "=?base64?x", "~!\"'"] {
            assert_eq!(encode(plain), plain);
        }
        assert_eq!(encode("é"), "=?base64?w6k=?=");
        assert_eq!(encode(" a"), "=?base64?IGE=?=");
        assert_eq!(encode("a\n"), "=?base64?YQo=?=");
        assert_eq!(encode("=?base64?YQ==?="), "=?base64?PT9iYXNlNjQ/WVE9PT89?=");
    }

    #[test]
    fn broken_encodings_are_refused() {
        for broken in
            ["=?base64?YQ?=", "=?base64?Y Q==?=", "=?base64?_w==?=", "=?base64?/w==?=", "=?base64?YR==?="]
        {
            assert!(decode(broken).is_err(), "{broken}");
        }
        assert_eq!(decode("=?base64??=").unwrap(), "");
        assert_eq!(decode("=?base64?=").unwrap(), "=?base64?=", "markers must not overlap");
    }

    proptest! {
        #[test]
        fn every_text_survives(text in any::<String>()) {
            let value = encode(&text);
            prop_assert!(HeaderValue::from_str(&value).is_ok_and(|value| value.to_str().is_ok()));
            prop_assert_eq!(value.trim(), value.as_str());
            prop_assert_eq!(decode(&value).unwrap(), text);
        }

        #[test]
        fn texts_near_the_markers_survive(text in "(=\\?base64\\?)?[A-Za-z=? \\t]{0,8}(\\?=)?") {
            let value = encode(&text);
            prop_assert_eq!(decode(&value).unwrap(), text);
        }
    }
}
