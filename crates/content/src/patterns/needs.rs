//! What a text must have in it for a rule to match at all, so that most rules need not read most texts.
//!
//! Worked out from the expression itself: every match of it has one of a few texts in it, for each part that it cannot do
//! without. One pass looks for all of them; a rule runs where each of its parts has something. That a rule is spared is
//! therefore never a matter of judgement.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

/// One of these must be there.
type Clause = Vec<Vec<u8>>;

/// Clauses with more alternatives say little and cost the pass its speed.
const WIDEST: usize = 64;
/// Clauses of one rule.
const MOST: usize = 6;

/// The needs of all rules.
#[derive(Debug)]
pub(super) struct Needs {
    /// For each rule, its clauses as numbers of texts.
    rules: Vec<Vec<Vec<usize>>>,
    /// Texts of one byte, by their byte.
    bytes: Vec<Option<usize>>,
    /// Longer texts, by their number in the automaton.
    longer: Vec<usize>,
    automaton: Option<AhoCorasick>,
    texts: usize,
}

/// Which texts there are in a place.
#[derive(Debug)]
pub(super) struct Present<'a> {
    needs: &'a Needs,
    found: Vec<bool>,
}

impl Needs {
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut number = |text: Vec<u8>| {
            let next = numbers.len();
            *numbers.entry(text).or_insert(next)
        };
        let rules = patterns
            .map(|pattern| {
                let clauses = clauses_of(pattern);
                clauses.into_iter().map(|clause| clause.into_iter().map(&mut number).collect()).collect()
            })
            .collect();
        let (mut bytes, mut longer, mut texts) = (vec![None; 256], Vec::new(), Vec::new());
        for (text, number) in &numbers {
            if let [byte] = text.as_slice() {
                if let Some(slot) = bytes.get_mut(usize::from(*byte)) {
                    *slot = Some(*number);
                }
            } else {
                longer.push(*number);
                texts.push(text.clone());
            }
        }
        // Without an automaton nothing is found and, see `allows`, nothing is spared.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts)
            .ok();
        Self { rules, bytes, longer, automaton, texts: numbers.len() }
    }

    /// Looks once for everything that any rule needs.
    pub(super) fn look(&self, text: &str) -> Present<'_> {
        let mut found = vec![false; self.texts];
        let mut seen = [false; 256];
        for byte in text.bytes() {
            if let Some(slot) = seen.get_mut(usize::from(byte)) {
                *slot = true;
            }
        }
        for number in self.bytes.iter().zip(seen).filter(|(_, seen)| *seen).filter_map(|(number, _)| *number)
        {
            if let Some(slot) = found.get_mut(number) {
                *slot = true;
            }
        }
        for hit in self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(text)) {
            let number = self.longer.get(hit.pattern().as_usize());
            if let Some(slot) = number.and_then(|number| found.get_mut(*number)) {
                *slot = true;
            }
        }
        Present { needs: self, found }
    }
}

impl Present<'_> {
    /// Whether a rule could match.
    pub(super) fn allows(&self, rule: usize) -> bool {
        let has = |number: &usize| self.found.get(*number).copied().unwrap_or(true);
        let clauses = self.needs.rules.get(rule).map_or(&[][..], Vec::as_slice);
        self.needs.automaton.is_none() || clauses.iter().all(|clause| clause.iter().any(has))
    }
}

fn clauses_of(pattern: &str) -> Vec<Clause> {
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    let mut clauses = parsed.map(|hir| clauses(&hir)).unwrap_or_default();
    clauses.retain(|clause| clause.len() <= WIDEST);
    clauses.sort_by_key(worth);
    clauses.truncate(MOST);
    clauses
}

/// The best clause comes first: long texts, and few.
fn worth(clause: &Clause) -> (std::cmp::Reverse<usize>, usize) {
    (std::cmp::Reverse(clause.iter().map(Vec::len).min().unwrap_or(0)), clause.len())
}

/// What every match of an expression has in it.
fn clauses(hir: &Hir) -> Vec<Clause> {
    match hir.kind() {
        HirKind::Literal(literal) => vec![vec![literal.0.to_vec()]],
        HirKind::Class(class) => letters(class).into_iter().collect(),
        HirKind::Repetition(repetition) if repetition.min > 0 => clauses(&repetition.sub),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => Vec::new(),
        HirKind::Capture(capture) => clauses(&capture.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(clauses).collect(),
        HirKind::Alternation(branches) => either(branches).into_iter().collect(),
    }
}

/// Each branch brings its best clause; one of them all is there.
fn either(branches: &[Hir]) -> Option<Clause> {
    let mut all = Clause::new();
    for branch in branches {
        all.extend(clauses(branch).into_iter().min_by_key(worth)?);
    }
    all.sort();
    all.dedup();
    Some(all)
}

fn letters(class: &Class) -> Option<Clause> {
    let Class::Bytes(class) = class else { return None };
    let ranges = class.ranges();
    let size: usize = ranges.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum();
    let bytes = ranges.iter().flat_map(|range| range.start()..=range.end());
    (size <= 16).then(|| bytes.map(|byte| vec![byte]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, text: &str) -> bool {
        let needs = Needs::new([pattern].into_iter());
        let present = needs.look(text);
        present.allows(0)
    }

    #[test]
    fn what_a_match_needs_is_known() {
        assert!(allows(r"\bunion\b[\s(]+(?:all\s+)?select\b", "a union of selected"));
        assert!(!allows(r"\bunion\b[\s(]+(?:all\s+)?select\b", "a union of people"));
        assert!(!allows(r"(?:curl|wget)\s+[|;]", "curl it"));
        assert!(allows(r"(?:curl|wget)\s+[|;]", "wget it; now"));
        assert!(allows(r"x*", ""), "what needs nothing is never spared");
        assert!(allows(r"(?:a|b*)c?", "zzz"));
    }

    static COMPILED: std::sync::LazyLock<Vec<(&str, &str, regex::bytes::Regex)>> =
        std::sync::LazyLock::new(|| {
            let rules = super::super::structural::every_rule();
            let compiled = |pattern| {
                regex::bytes::RegexBuilder::new(pattern).unicode(false).size_limit(4 << 20).build().unwrap()
            };
            rules.into_iter().map(|rule| (rule.id, rule.pattern, compiled(rule.pattern))).collect()
        });

    static NEEDS: std::sync::LazyLock<Needs> =
        std::sync::LazyLock::new(|| Needs::new(COMPILED.iter().map(|(_, pattern, _)| *pattern)));

    proptest::proptest! {
        /// No rule is spared that would have matched.
        #[test]
        fn what_matches_is_allowed(text in "(?s)(select|union|or|and|'|\"|;|<|>|=|\\(|\\)|[0-9]|cat|/etc/passwd|\\{\\{|\\}\\}|\\$|`|--|#| |\\.\\./|http://|[a-z]|\n){0,40}") {
            let present = NEEDS.look(&text);
            for (number, (id, _, regex)) in COMPILED.iter().enumerate() {
                proptest::prop_assert!(present.allows(number) || !regex.is_match(text.as_bytes()), "{id}");
            }
        }
    }
}
