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
const WIDEST: usize = 128;
/// Clauses of one rule.
const MOST: usize = 3;

/// The needs of all rules.
#[derive(Debug)]
pub(super) struct Needs {
    /// For each rule, its clauses as numbers of texts.
    rules: Vec<Vec<Vec<usize>>>,
    /// Texts of one byte and of two, with their numbers.
    short: Vec<(u16, bool, usize)>,
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
        let (mut short, mut longer, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (text, number) in &numbers {
            match text.as_slice() {
                [byte] => short.push((u16::from(*byte), false, *number)),
                [first, second] => short.push((u16::from_be_bytes([*first, *second]), true, *number)),
                _ => {
                    longer.push(*number);
                    texts.push(text.clone());
                }
            }
        }
        // Without an automaton nothing is found and, see `allows`, nothing is spared.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&texts)
            .ok();
        Self { rules, short, longer, automaton, texts: numbers.len() }
    }

    /// Looks once for everything that any rule needs.
    pub(super) fn look(&self, text: &str) -> Present<'_> {
        let mut found = vec![false; self.texts];
        let seen = Seen::new(text.as_bytes());
        for (code, pair, number) in &self.short {
            if let Some(slot) = found.get_mut(*number) {
                *slot = if *pair { seen.pair(*code) } else { seen.byte(*code) };
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

/// Which bytes and pairs of bytes a text has: one bit for each, set in one pass without a decision.
struct Seen {
    pairs: Vec<u64>,
    bytes: [bool; 256],
}

impl Seen {
    fn new(text: &[u8]) -> Self {
        let mut seen = Self { pairs: vec![0; 1024], bytes: [false; 256] };
        for pair in text.windows(2) {
            if let [first, second] = pair {
                let code = u16::from_be_bytes([*first, *second]);
                if let Some(word) = seen.pairs.get_mut(usize::from(code >> 6)) {
                    *word |= 1 << (code & 63);
                }
            }
        }
        // A row of pairs for each first byte; the last byte begins none.
        for (byte, row) in seen.bytes.iter_mut().zip(seen.pairs.chunks(4)) {
            *byte = row.iter().any(|word| *word != 0);
        }
        if let Some(byte) = text.last().and_then(|last| seen.bytes.get_mut(usize::from(*last))) {
            *byte = true;
        }
        seen
    }

    fn pair(&self, code: u16) -> bool {
        self.pairs.get(usize::from(code >> 6)).is_some_and(|word| word >> (code & 63) & 1 == 1)
    }

    fn byte(&self, code: u16) -> bool {
        self.bytes.get(usize::from(code)).copied().unwrap_or(true)
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
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(branches) => either(branches).into_iter().collect(),
    }
}

/// Parts that stand side by side and can only be a few texts are one text together: `rm\s` needs `rm` with white space
/// behind it, which `format` has not.
fn concat(parts: &[Hir]) -> Vec<Clause> {
    let mut found = Vec::new();
    let mut run: Clause = vec![Vec::new()];
    let flush = |run: &mut Clause, found: &mut Vec<Clause>| {
        let texts = std::mem::replace(run, vec![Vec::new()]);
        found.extend(texts.iter().all(|text| !text.is_empty()).then_some(texts));
    };
    for part in parts {
        if matches!(part.kind(), HirKind::Look(_)) {
            continue;
        }
        let (texts, whole) = beginnings(part);
        if let Some(texts) = texts.filter(|texts| run.len() * texts.len() <= WIDEST) {
            run = product(&run, &texts);
            if !whole {
                flush(&mut run, &mut found);
            }
        } else {
            flush(&mut run, &mut found);
            found.extend(clauses(part));
        }
    }
    flush(&mut run, &mut found);
    found
}

/// The texts that a part begins with, if they are few, and whether they are all of it.
fn beginnings(hir: &Hir) -> (Option<Clause>, bool) {
    if let HirKind::Repetition(repetition) = hir.kind()
        && repetition.min > 0
    {
        return (exact(&repetition.sub), repetition.max == Some(1));
    }
    (exact(hir), true)
}

/// Every text that an expression matches, if they are few.
fn exact(hir: &Hir) -> Option<Clause> {
    let texts = match hir.kind() {
        HirKind::Literal(literal) => vec![literal.0.to_vec()],
        HirKind::Class(class) => letters(class)?,
        HirKind::Capture(capture) => exact(&capture.sub)?,
        HirKind::Concat(parts) => {
            let mut run: Clause = vec![Vec::new()];
            for part in parts {
                run = product(&run, &exact(part)?);
                if run.len() > WIDEST {
                    return None;
                }
            }
            run
        }
        HirKind::Alternation(branches) => {
            let mut all = Clause::new();
            for branch in branches {
                all.extend(exact(branch)?);
            }
            all
        }
        _ => return None,
    };
    (texts.len() <= WIDEST).then_some(texts)
}

fn product(before: &Clause, after: &Clause) -> Clause {
    before
        .iter()
        .flat_map(|first| after.iter().map(move |second| [first.as_slice(), second].concat()))
        .collect()
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
        assert!(!allows(r"\brm\s+-", "a format - and more"));
        assert!(allows(r"\brm\s+-", "rm\t-r"));
        assert!(!allows(r"\bon(?:load|error)\s*=", "reload = on"));
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
