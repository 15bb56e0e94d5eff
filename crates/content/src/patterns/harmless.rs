//! Matches that are no attack where they stand: sentences about commands, pipes into filters, comparisons of quoted words.
//!
//! Only what the text around a match says counts, and in a short field that may be a value nothing but sentences does.

use std::ops::Range;

use super::rule::{Place, Rule};
use crate::verdict::Family;

/// How far around a match is looked.
const NEAR: usize = 160;

/// Whether a match of a rule is harmless.
pub(super) fn harmless(rule: &Rule, place: Place, text: &str, hit: &Range<usize>) -> bool {
    let document = place != Place::Field;
    match rule.family {
        Family::Command => {
            spoken_of(text, hit.end) || document && rule.id == "command/chained" && filters(text, hit)
        }
        Family::Sql => document && rule.id == "sql/tautology" && compares(text, hit),
        _ => false,
    }
}

/// Words that follow the name of a program when a sentence speaks of it: "; ls is a command".
const SPOKEN: [&str; 18] = [
    "is", "are", "was", "were", "and", "or", "can", "will", "does", "has", "of", "that", "which", "command",
    "commands", "would", "should", "may",
];

fn spoken_of(text: &str, end: usize) -> bool {
    let rest = text.get(end..).unwrap_or_default();
    let word =
        rest.trim_start_matches(' ').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    rest.len() > word.len() && SPOKEN.contains(&word)
}

/// Programs that do nothing but give on what comes in, changed, as long as they are given no file.
const FILTERS: [&str; 12] =
    ["uniq", "sort", "wc", "cut", "tr", "nl", "column", "jq", "grep", "egrep", "fgrep", "tac"];

/// `| uniq -c`: a pipe into a filter without a file, a redirection or anything that a shell would expand.
fn filters(text: &str, hit: &Range<usize>) -> bool {
    let found = text.get(hit.clone()).unwrap_or_default();
    let Some(program) = found.strip_prefix('|').filter(|rest| !rest.starts_with('|')) else { return false };
    let name = program.trim_start_matches(' ');
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if !name.get(..length).is_some_and(|name| FILTERS.contains(&name)) {
        return false;
    }
    let from = hit.end - (name.len() - length);
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b" -_,:.[]".contains(b);
    let arguments = rest.iter().take(NEAR).take_while(|b| plain(b)).count();
    let glued = arguments == 0 || rest.get(arguments - 1) != Some(&b' ');
    match rest.get(arguments..).unwrap_or_default() {
        [] | [b'\n' | b'|' | b')', ..] => true,
        // The end of the quotes that the whole command stands in, also as JSON writes it.
        [b'"' | b'\'' | b'`', ..] | [b'\\', b'"' | b'n' | b'r', ..] => glued,
        _ => false,
    }
}

/// `a = "x" and b = "y"`: the quote that a condition goes on from closes a word that the text itself opened, and the
/// condition compares a name. Who breaks out of a value has no quote before it.
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
    let assigned = opened && matches!(outside.find(|b| **b != b' '), Some(b'='));
    named && word && assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text.find(part).unwrap();
        start..start + part.len()
    }

    #[test]
    fn pipes_into_filters_do_nothing() {
        for (text, expected) in [
            ("cut -f1 a.csv | sort | uniq -c", true),
            ("run(\"x | uniq -c\") gives lines", true),
            (r#"run(\"x | uniq -c\")"#, true),
            ("x | uniq /etc/passwd", false),
            ("x | uniq \"/etc/passwd\"", false),
            ("x | uniq \\/etc", false),
            ("x | uniq \\ /etc", false),
            ("x | uniq > a", false),
            ("x | uniq $(id)", false),
            ("x || uniq ", false),
        ] {
            assert_eq!(
                filters(text, &at(text, if text.contains("||") { "|| uniq " } else { "| uniq " })),
                expected,
                "{text}"
            );
        }
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
