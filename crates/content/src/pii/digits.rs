//! Runs of digits with separators, which cards, social security and telephone numbers are made of.

use std::ops::Range;

use crate::text::seek;

/// A run of digits with at most two separators between two of them.
#[derive(Debug)]
pub(super) struct Run {
    /// Digits only.
    pub(super) digits: String,
    /// Lengths of the groups between separators.
    pub(super) groups: Vec<usize>,
    /// Separators, in order, without repeats next to each other.
    pub(super) separators: String,
    /// From the first digit (or the `+` or `(` before it) to the last digit.
    pub(super) span: Range<usize>,
}

/// Longest run that is looked at; nothing that is looked for has more digits.
const MOST: usize = 24;

/// The runs of a text whose separators are of `allowed`, not attached to letters.
pub(super) fn runs(text: &str, allowed: &[u8]) -> Vec<Run> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(digit) = seek(bytes, at, |b| b.is_ascii_digit()) {
        let run = run(text, digit, allowed);
        at = run.span.end;
        found.extend((run.digits.len() <= MOST && apart(text, &run.span)).then_some(run));
    }
    found
}

fn run(text: &str, start: usize, allowed: &[u8]) -> Run {
    let bytes = text.as_bytes();
    let mut run =
        Run { digits: String::new(), groups: vec![0], separators: String::new(), span: start..start };
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            run.digits.push(char::from(byte));
            if let Some(group) = run.groups.last_mut() {
                *group += 1;
            }
            at += 1;
            run.span.end = at;
        } else {
            let gap = bytes.iter().skip(at).take_while(|b| allowed.contains(b)).count();
            let digit = bytes.get(at + gap).is_some_and(u8::is_ascii_digit);
            if gap == 0 || gap > 2 || !digit {
                break;
            }
            run.separators.extend(bytes.iter().skip(at).take(gap).map(|b| char::from(*b)));
            run.groups.push(0);
            at += gap;
        }
    }
    run
}

/// Whether the run is a word of its own: no letter, and no part of a decimal or a longer code.
fn apart(text: &str, span: &Range<usize>) -> bool {
    let before = text.get(..span.start).and_then(|part| part.chars().next_back());
    let after = text.get(span.end..).unwrap_or_default();
    let mut following = after.chars();
    let next = following.next();
    let glued = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let extension =
        after.strip_prefix('x').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let joined =
        matches!(next, Some('-' | '.' | '/' | ':')) && following.next().is_some_and(char::is_alphanumeric);
    let word = matches!(after.as_bytes(), [b'-', b, ..] if b.is_ascii_alphabetic());
    let led = before.is_some_and(|c| matches!(c, '.' | '-' | '/' | '#' | '='))
        && text
            .get(..span.start.saturating_sub(1))
            .and_then(|part| part.chars().next_back())
            .is_some_and(char::is_alphanumeric);
    !glued(before) && (extension || !glued(next)) && (!joined || word) && !led
}
