//! Base64 islands: long runs that decode to readable text are read like the text around them. A text that is nothing but
//! base64 is read as what it stands for, however long and on however many lines.
//!
//! Bounded: at most [`MOST`] islands of at most [`LONGEST`] bytes, one whole text; pictures and keys decode to bytes that
//! are no text.

use std::ops::Range;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const SHORTEST: usize = 16;
const LONGEST: usize = 16 * 1024;
const MOST: usize = 16;
const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// The readable texts that are hidden in a text, and where.
pub(crate) fn islands(text: &str) -> Vec<(Range<usize>, String)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    // An island that is long enough has its sixteenth byte in the alphabet: most of a text is passed by that alone.
    while found.len() < MOST && at + SHORTEST <= bytes.len() {
        let ahead = bytes.get(at..at + SHORTEST).unwrap_or_default();
        let foreign = ahead.iter().rposition(|b| !of_alphabet(*b));
        if let Some(foreign) = foreign {
            at += foreign + 1;
            continue;
        }
        let length = bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| of_alphabet(**b)).count());
        if (SHORTEST..=LONGEST).contains(&length) {
            let run = text.get(at..at + length).unwrap_or_default();
            found.extend(readable(run).map(|decoded| (at..at + length, decoded)));
        }
        at += length.max(1);
    }
    found
}

/// What a text stands for that is base64 from its beginning to its end, as contents are sent that are no text.
pub(crate) fn whole(text: &str) -> Option<String> {
    let body = match text.trim_start().strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    let foreign = body.bytes().any(|b| !of_alphabet(b) && !b.is_ascii_whitespace());
    if foreign || body.len() < SHORTEST {
        return None;
    }
    let run: String = body.split_ascii_whitespace().collect();
    let engine = if run.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    String::from_utf8(engine.decode(run).ok()?).ok()
}

fn of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn readable(run: &str) -> Option<String> {
    // Words and identifiers are of the alphabet too; encoded text mixes large, small and digits.
    let mixed = run.bytes().any(|b| b.is_ascii_uppercase()) && run.bytes().any(|b| b.is_ascii_lowercase());
    if !mixed {
        return None;
    }
    let engine = if run.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let text = String::from_utf8(engine.decode(run.trim_start_matches('=')).ok()?).ok()?;
    let printable = text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace());
    (printable && text.is_ascii()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_islands_are_found_and_nothing_else() {
        let text = "see data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg== here";
        let found = islands(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, "<script>alert(1)</script>");
        assert!(text[found[0].0.clone()].ends_with("Pg=="));
        assert!(
            islands("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ internationalization-of-names").is_empty()
        );
        assert!(islands(&"QUFB".repeat(1 << 16)).is_empty(), "too long to be looked at");
    }

    #[test]
    fn what_is_base64_as_a_whole_is_decoded_whatever_it_says() {
        let said = format!("é{}<script>alert(1)</script>", " of words".repeat(4_000));
        let encoded = STANDARD.encode(&said);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(70).map(|l| std::str::from_utf8(l).unwrap()).collect();
        for text in [encoded.clone(), lines.join("\r\n"), format!("data:text/html;base64,{encoded}")] {
            assert_eq!(whole(&text).as_deref(), Some(&*said));
        }
        for text in ["", "short", "words of a sentence, with a comma", "data:text/html,x"] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(whole(&STANDARD.encode([0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0xff, 0, 1, 2, 3])), None);
    }
}
