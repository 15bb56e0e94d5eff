//! Matches that are no attack where they stand: sentences about commands, pipes into filters, chains of build programs,
//! comparisons of quoted words, code of documents that no parser takes for code.
//!
//! Only what the text around a match says counts, and in a short field that may be a value nothing but sentences does.
//! Each of these lets something pass, so that each asks for everything that makes it harmless; `attacks` has what was
//! written to abuse them.

#[cfg(test)]
mod attacks;
mod commands;

use std::ops::Range;

use self::commands::{builds, filters, named_together, shown, spoken_of};
use super::{
    Mime,
    fingerprint::speaks,
    rule::{Place, Rule},
};

/// How far around a match is looked.
const NEAR: usize = 160;
/// How far a line goes back at most for whoever counts its quotes; a longer one is no sentence.
const LONGEST_LINE: usize = 2_000;

/// Whether a match of a rule is harmless.
pub(super) fn harmless(rule: &Rule, (place, mime): (Place, Mime), text: &str, hit: &Range<usize>) -> bool {
    // A line that is called Markdown is read as a value might be, and may be prose all the same.
    let document = place != Place::Field || mime == Mime::Markdown;
    match rule.id {
        "command/chained" => {
            let shows = || mime == Mime::Markdown && shown(text, hit);
            let names = || place != Place::Field && named_together(text, hit);
            spoken_of(text, hit)
                || document && (filters(text, hit) || builds(text, hit) || names() || shows())
        }
        "sql/tautology" => document && (compares(text, hit) || ends_at_tag(text, hit)),
        "sql/statement" => document && marked_as_code(text, hit),
        "sql/comment_end" => dashed(text, hit),
        "command/read_secrets" | "command/call" => document && spoken_of(text, hit),
        _ => false,
    }
}

/// What stands on the line before a place; nothing where that is further than lines of documents go.
fn line_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let least = before.len().saturating_sub(LONGEST_LINE);
    let near = before.as_bytes().get(least..)?;
    let start = near.iter().rposition(|b| *b == b'\n').map(|end| least + end + 1);
    let start = start.or_else(|| (least == 0).then_some(0))?;
    before.get(start..)
}

/// What stands on the line behind a place, as far as it is looked at.
fn line_after(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let mut end = rest.len().min(NEAR);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    rest.get(..end).unwrap_or_default().lines().next().unwrap_or_default()
}

/// `a = "x" and b = "y"`: the quote that a condition goes on from closes a word that the text itself opened, and the
/// condition compares a name with another quoted word. Who breaks out of a value has no quote before it that a name is
/// compared with.
fn compares(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(quote) = found.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
    let operand = found.get(1..).unwrap_or_default().trim_start();
    let named = ["and ", "or "].iter().find_map(|word| operand.strip_prefix(word)).is_some_and(|rest| {
        rest.trim_start().starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.contains(['(', '"', '\''])
    });
    let before = text.as_bytes().get(hit.start.saturating_sub(NEAR)..hit.start).unwrap_or_default();
    // JSON writes a backslash before a quote.
    let mut before = before.iter().rev().filter(|b| **b != b'\\').peekable();
    let word = before.peek().is_some_and(|b| b.is_ascii_alphanumeric());
    let mut outside = before.skip_while(|b| b.is_ascii_alphanumeric() || b"_.- ".contains(b));
    let opened = outside.next().is_some_and(|b| char::from(*b) == quote);
    let mut outside = outside.skip_while(|b| **b == b' ');
    let assigned = opened && outside.next() == Some(&b'=');
    let name =
        outside.find(|b| **b != b' ').is_some_and(|b| b.is_ascii_alphanumeric() || b"_.)]".contains(b));
    let other = line_after(text, hit.end).trim_start_matches([' ', '\\', '=']);
    let closed = other.strip_prefix(quote).is_some_and(|rest| rest.contains(quote));
    named && word && assigned && name && closed
}

/// What stands before the quotes that the quote at a place closes, if the text itself opened them around a word.
fn quoted_after(text: &str, at: usize, quote: char) -> Option<&str> {
    let (before, word) = line_before(text, at)?.rsplit_once(quote)?;
    let opens =
        before.is_empty() || before.ends_with(|c: char| c.is_whitespace() || matches!(c, '(' | ',' | '='));
    let whole = word.starts_with(|c: char| c.is_alphanumeric() || "{<$%/._#@[".contains(c));
    (opens && whole && before.matches(quote).count().is_multiple_of(2)).then_some(before)
}

/// Elements that a word of a sentence or of a table can end at.
const TAGS: [&str; 20] = [
    "br", "p", "td", "th", "tr", "li", "ul", "ol", "b", "i", "em", "strong", "code", "a", "span", "div",
    "dd", "dt", "sup", "small",
];

/// `'user' or 'cloud'<br>`: what would be a comparison is the next tag.
fn ends_at_tag(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(quote) = found.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
    let inside = line_after(text, hit.end).split_once('>').map(|(inside, _)| inside);
    let name = inside.map(|tag| tag.trim_matches(['/', ' ']).split(' ').next().unwrap_or_default());
    found.ends_with('<')
        && name.is_some_and(|name| TAGS.contains(&name))
        && quoted_after(text, hit.start, quote).is_some()
}

/// A statement that begins where an element for code does.
fn marked_as_code(text: &str, hit: &Range<usize>) -> bool {
    let before = line_before(text, hit.start).unwrap_or_default();
    let tag = before.strip_suffix('>').and_then(|before| before.rsplit('<').next()).unwrap_or_default();
    ["code", "pre", "samp"]
        .iter()
        .any(|name| tag == *name || tag.strip_prefix(name).is_some_and(|r| r.starts_with(' ')))
}

/// Words of SQL that an operand follows.
const OPERATORS: [&str; 11] =
    ["like", "or", "and", "where", "select", "in", "by", "is", "not", "regexp", "having"];

/// `"no" -- which is rare`: a dash in a sentence, behind a word that the sentence put into quotes.
fn dashed(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let at = hit.start + found.find(['"', '\'']).unwrap_or(0);
    let Some(quote) = text.get(at..).and_then(|rest| rest.chars().next()).filter(|c| matches!(c, '"' | '\''))
    else {
        return false;
    };
    let rest = line_after(text, hit.end);
    let compared = |before: &str| {
        let last = before.trim_end().rsplit(' ').next().unwrap_or_default();
        before.trim_end().ends_with(['=', '<', '>', '!', '~', '|', '&'])
            || OPERATORS.contains(&last) && !speaks(before)
    };
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '\''));
    found.ends_with("--")
        && rest.strip_prefix(' ').is_some_and(goes_on)
        && quoted_after(text, at, quote)
            .is_some_and(|before| (speaks(before) || speaks(rest)) && !compared(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn statements_that_are_shown_are_no_attack() {
        let page = "use <code>select * from t</code> or <pre class=a>select * from u";
        assert!(marked_as_code(page, &at(page, "select * from t")));
        assert!(marked_as_code(page, &at(page, "select * from u")));
        assert!(!marked_as_code("<b>select * from t", &at("<b>select * from t", "select")));
    }

    #[test]
    fn quotes_that_a_sentence_closes_end_no_value() {
        let said = "he said \"yes\" or \"no\" -- i do not recall which";
        assert!(dashed(said, &at(said, "\" --")));
        let asked = "ask the user at first: \"really?\" -- 'yes' or 'no'";
        assert!(dashed(asked, &at(asked, "\" --")));
        for text in
            ["admin\" -- i do not recall which", "x \"a\" --", "x \"a\" -- -", "\" or \"a\"=\"a\" -- b"]
        {
            assert!(!dashed(text, &at(text, "\" --")), "{text}");
        }
        let list = "can be 'user' or 'cloud'<br/>";
        assert!(ends_at_tag(list, &at(list, "' or 'cloud'<")));
        assert!(!ends_at_tag("x' or 'cloud'<br/>", &at("x' or 'cloud'<br/>", "' or 'cloud'<")));
    }

    #[test]
    fn comparisons_of_quoted_words_are_prose() {
        let hit = "\" and b =";
        for (text, expected) in [
            ("If a = \"12 x\" and b = \"y\", then", true),
            (r#"a = \"12\" and b = \"y\""#, true),
            ("x\" and b = \"y", false),
            ("say \"x\" and b = 3", false),
            ("a = \"\" and b = 3", false),
        ] {
            assert_eq!(compares(text, &at(text, hit)), expected, "{text}");
        }
    }
}
