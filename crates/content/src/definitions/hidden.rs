//! Text that a reader does not see and a model does: invisible characters, terminal escapes, comments.
//!
//! Joiners and variation selectors are kept where writing needs them: inside of emoji, and between letters of scripts
//! that join.

use std::ops::Range;

use crate::{
    text::invisible,
    verdict::{Family, Finding, Severity},
};

/// What is hidden in a text.
pub fn findings(text: &str) -> Vec<Finding> {
    let mut found = characters(text);
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("<!--")) {
        let start = at + open;
        let body = text.get(start + 4..).unwrap_or_default();
        let length = body.find("-->").map_or(body.len(), |end| end + 3);
        at = start + 4 + length;
        push(&mut found, "hidden/comment", start..at, "A comment that readers do not see");
    }
    found
}

/// The text without what is hidden, for showing it.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut found = every_character(text);
    found.sort_by_key(|(range, _)| range.start);
    for (range, _) in found {
        out.push_str(text.get(copied..range.start).unwrap_or_default());
        copied = range.end.max(copied);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

fn characters(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (range, rule) in every_character(text) {
        let message = match rule {
            "hidden/terminal_escape" => "A control character that terminals obey",
            "hidden/direction_control" => "A character that turns the direction of writing",
            "hidden/tag_character" => "A character that exists to carry hidden text",
            _ => "A character that nobody sees",
        };
        push(&mut found, rule, range, message);
    }
    found
}

/// One finding for each rule; the first place is enough to refuse and to look at.
fn push(found: &mut Vec<Finding>, rule: &'static str, span: Range<usize>, message: &'static str) {
    if !found.iter().any(|known| known.rule == rule) {
        let severity = Severity::Critical;
        found.push(Finding {
            family: Family::Hidden,
            rule: rule.into(),
            severity,
            span,
            message: message.into(),
        });
    }
}

fn every_character(text: &str) -> Vec<(Range<usize>, &'static str)> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) || matches!(b, b'\n' | b'\t' | b'\r')) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut before = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let after = rest.peek().map(|(_, next)| *next);
        if let Some(rule) = rule(c).filter(|_| !needed(before, c, after)) {
            found.push((at..at + c.len_utf8(), rule));
        }
        before = Some(c);
    }
    found
}

fn rule(c: char) -> Option<&'static str> {
    match c {
        '\n' | '\t' | '\r' => None,
        '\u{e0000}'..='\u{e007f}' => Some("hidden/tag_character"),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some("hidden/direction_control")
        }
        c if c.is_control() => Some("hidden/terminal_escape"),
        c if invisible(c) || matches!(c, '\u{2028}' | '\u{2029}') => Some("hidden/invisible_character"),
        _ => None,
    }
}

/// Whether writing needs the character where it stands.
fn needed(before: Option<char>, c: char, after: Option<char>) -> bool {
    let pictured = |c: Option<char>| {
        c.is_some_and(|c| matches!(c, '\u{a9}' | '\u{ae}' | '\u{2000}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}') && !matches!(c, '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'))
    };
    let keycap = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, '#' | '*'));
    // Arabic, Syriac, and the scripts of India and its neighbours join letters.
    let joins = |c: Option<char>| {
        c.is_some_and(
            |c| matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}'),
        )
    };
    match c {
        '\u{fe0e}' | '\u{fe0f}' => {
            (pictured(before) && before != Some('\u{fe0f}')) || (keycap(before) && after == Some('\u{20e3}'))
        }
        '\u{200d}' => (pictured(before) && pictured(after)) || (joins(before) && joins(after)),
        '\u{200c}' => joins(before) && joins(after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hidden_character_is_found_in_words() {
        let all = (0..=0x10_ffff_u32).filter_map(char::from_u32).filter(|c| rule(*c).is_some());
        for c in all {
            assert_eq!(findings(&format!("a{c}b")).len(), 1, "{:x}", u32::from(c));
            assert_eq!(visible(&format!("a{c}b")), "ab");
        }
    }

    #[test]
    fn writing_is_left_alone() {
        for text in ["⚠️ careful", "👩‍💻 👨‍👩‍👧", "1️⃣ #️⃣", "می‌خواهم", "क्‍ष", "naïve 世界 Привет\n\ttab", "™️ ❤️"]
        {
            assert!(findings(text).is_empty(), "{text}: {:?}", findings(text));
            assert_eq!(visible(text), text);
        }
        assert_eq!(findings("⚠️\u{fe0f}x").len(), 1, "a selector upon a selector carries data");
    }
}
