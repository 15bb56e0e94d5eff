//! The structural profile at work: places, views and rules brought together.
//!
//! Each rule reports its first match in a place; work is the number of rules times the size, whatever the text says.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::{
    Mime, fingerprint,
    harmless::harmless,
    markup,
    needs::Needs,
    place,
    rewritten::{shell_view, sql_view},
    rule::{Place, Rule, Sight, Tier},
    script, shell, sql, template,
    windows::{touches, windows},
};
use crate::{
    settings::Mode,
    text::{Markdown, View, Views, islands, masked, strings},
    verdict::{Family, Finding, Kind, Severity},
};

/// Strings of a JSON text that are looked at one by one as fields.
const MOST_FIELDS: usize = 64;

/// Matches of one rule in one place that may be harmless. Where there are more, the next one counts as it stands, so that
/// harmless ones before an attack do not hide it.
const MOST_HARMLESS: usize = 1_000;

/// The compiled rules.
#[derive(Debug)]
pub(super) struct Structural {
    rules: Rules,
    /// Those that read what SQL or a shell makes of a text as well.
    sql: Rules,
    shell: Rules,
    depth: u16,
}

/// Every rule of the profile.
pub(super) fn every_rule() -> Vec<Rule> {
    let all = [
        script::SCRIPT,
        shell::SHELL,
        template::EXPRESSION,
        template::TEMPLATE,
        place::PATHS,
        place::REQUESTS,
        sql::SQL,
        sql::SQL_RAW,
    ];
    all.concat()
}

/// Rules with what each of them needs.
#[derive(Debug)]
struct Rules {
    each: Vec<(Rule, Regex)>,
    needs: Needs,
}

impl Rules {
    fn new(each: Vec<(Rule, Regex)>) -> Self {
        let needs = Needs::new(each.iter().map(|(rule, _)| rule.pattern));
        Self { each, needs }
    }
}

impl Structural {
    pub(super) fn new(depth: u16) -> Self {
        let compiled = |rule: Rule| Some((rule, compile(rule.pattern)?));
        let all: Vec<(Rule, Regex)> = every_rule().into_iter().filter_map(compiled).collect();
        let of = |sight| Rules::new(all.iter().filter(|(rule, _)| rule.sight == sight).cloned().collect());
        let (sql, shell) = (of(Sight::Sql), of(Sight::Shell));
        Self { rules: Rules::new(all), sql, shell, depth }
    }

    pub(super) fn scan(&self, mode: Mode, kind: Kind, mime: Mime, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        // Descriptions of tools are Markdown by custom: their back-ticks are code and no commands.
        let described = matches!(kind, Kind::Tool | Kind::Metadata);
        // A description is a document, however short; a value that is stored under no other type may be interpolated.
        let short = text.len() <= fingerprint::LONGEST && !described;
        let place = if short && mime == Mime::Other { Place::Field } else { Place::Prose };
        if mime == Mime::Markdown || mime == Mime::Other && described {
            let markdown = Markdown::parse(text);
            links(&markdown, &mut found);
            // One line without any code is no more of a document for being called Markdown by whoever submits it.
            let line = short && markdown.code.is_empty() && !text.trim().contains('\n');
            let place = if line { Place::Field } else { place };
            let prose = markdown.prose(text);
            let prose = if mode == Mode::Moderate { without_environment(&prose) } else { prose };
            self.place(Reading { kind, mime, place }, &prose, &mut found);
            if mode != Mode::Moderate && !markdown.code.is_empty() {
                let code = markdown.code(text);
                let mut inner = Vec::new();
                self.place(Reading { kind, mime, place: Place::Code }, code.text(), &mut inner);
                let moved = |found: Finding| Finding { span: code.source(found.span.clone()), ..found };
                found.extend(inner.into_iter().map(moved));
            }
        } else if let Some(strings) = (mime == Mime::Json).then(|| strings(text)).flatten() {
            let said = masked(text, &strings);
            let said = if mode == Mode::Moderate { without_environment(&said) } else { said };
            self.place(Reading { kind, mime, place: Place::Prose }, &said, &mut found);
            if !described {
                self.fields(text, &strings, &mut found);
            }
        } else {
            self.place(Reading { kind, mime, place }, text, &mut found);
        }
        for finding in &mut found {
            finding.span = on_characters(text, finding.span.clone());
        }
        found.sort_by_key(|finding| (finding.span.start, finding.rule.clone()));
        found
    }

    /// Reads one place in all its views.
    fn place(&self, reading: Reading, text: &str, found: &mut Vec<Finding>) {
        let first = found.len();
        self.views(reading, text, found);
        for (span, decoded) in islands(text) {
            let mut inner = Vec::new();
            // A picture has styles of its own, and browsers run no script in pictures.
            let picture =
                text.get(..span.start).is_some_and(|before| before.ends_with("data:image/svg+xml;base64,"));
            let code = picture || reading.place == Place::Code;
            let place = if code { Place::Code } else { Place::Prose };
            self.views(Reading { place, ..reading }, &decoded, &mut inner);
            found.extend(inner.into_iter().map(|finding| Finding { span: span.clone(), ..finding }));
        }
        dedup(found, first);
    }

    fn views(&self, reading: Reading, text: &str, found: &mut Vec<Finding>) {
        let views = Views::new(text, self.depth);
        let mut last = 0;
        for (number, view) in views.each() {
            let mut inner = Vec::new();
            match number {
                0 => self.read(reading, view.text(), &mut inner),
                _ => self.read_again(reading, Sight::Text, view, &mut inner),
            }
            markup::scan(view.text(), reading.place, &mut inner);
            if number > 0 && reading.mime == Mime::Markdown {
                // A renderer evaluates a document as written: what is encoded in it is no template.
                inner.retain(|finding| finding.rule != EXPRESSION);
            }
            found.extend(
                inner.into_iter().map(|f| Finding { span: views.original(number, f.span.clone()), ..f }),
            );
            last = number;
        }
        let Some((_, view)) = views.each().last() else { return };
        for (sight, rewritten) in [(Sight::Sql, sql_view(view)), (Sight::Shell, shell_view(view))] {
            let Some(rewritten) = rewritten else { continue };
            let mut inner = Vec::new();
            self.read_again(reading, sight, &rewritten, &mut inner);
            found.extend(
                inner
                    .into_iter()
                    .map(|f| Finding { span: views.original(last, rewritten.source(f.span.clone())), ..f }),
            );
        }
        if reading.place == Place::Field && matches!(reading.kind, Kind::Resource | Kind::Prompt) {
            let plain = sql_view(view);
            found.extend(field(plain.as_ref().map_or(view.text(), View::text), 0..text.len()));
        }
    }

    /// Applies every rule to a text.
    fn read(&self, reading: Reading, text: &str, found: &mut Vec<Finding>) {
        let present = self.rules.needs.look(text);
        for (number, (rule, regex)) in self.rules.each.iter().enumerate() {
            let Some(severity) = judged(rule, reading).filter(|_| present.allows(number)) else { continue };
            let hit = first((rule, regex), reading, text, |_| true);
            found.extend(hit.map(|span| rule.finding(severity, span)));
        }
    }

    /// Applies the rules of a sight to what was rewritten. The rest stands in what was read before.
    fn read_again(&self, reading: Reading, sight: Sight, view: &View, found: &mut Vec<Finding>) {
        let rules = match sight {
            Sight::Text => &self.rules,
            Sight::Sql => &self.sql,
            Sight::Shell => &self.shell,
        };
        let known = found.len();
        for window in windows(view.text(), view.seams()) {
            let text = view.text().get(window.clone()).unwrap_or_default();
            let present = rules.needs.look(text);
            for (number, (rule, regex)) in rules.each.iter().enumerate() {
                let Some(severity) = judged(rule, reading).filter(|_| present.allows(number)) else {
                    continue;
                };
                if found.iter().skip(known).any(|finding| finding.rule == rule.id) {
                    continue;
                }
                let place = |hit: &Range<usize>| window.start + hit.start..window.start + hit.end;
                let hit = first((rule, regex), reading, text, |hit| touches(view.seams(), &place(hit)));
                found.extend(hit.map(|span| rule.finding(severity, place(&span))));
            }
        }
        for (rule, regex) in rules.each.iter().filter(|(rule, _)| rule.endless()) {
            let Some(severity) = judged(rule, reading) else { continue };
            let hit = first((rule, regex), reading, view.text(), |_| !view.seams().is_empty());
            found.extend(hit.map(|span| rule.finding(severity, span)));
        }
    }

    fn fields(&self, text: &str, strings: &[Range<usize>], found: &mut Vec<Finding>) {
        if strings.len() > MOST_FIELDS {
            return;
        }
        for range in strings {
            let Some(part) =
                text.get(range.clone()).filter(|part| (8..=fingerprint::LONGEST).contains(&part.len()))
            else {
                continue;
            };
            let views = Views::new(part, self.depth);
            if let Some((_, view)) = views.each().last() {
                found.extend(field(view.text(), range.clone()));
            }
        }
    }
}

/// How a piece of text is read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    kind: Kind,
    mime: Mime,
    place: Place,
}

/// The rule about template syntax as such.
const EXPRESSION: &str = "template/expression";

/// How much a finding of a rule weighs where a text is read so, if it holds there.
fn judged(rule: &Rule, reading: Reading) -> Option<Severity> {
    rule.tier.severity(reading.place).filter(|_| holds(rule, reading.kind))
}

/// The first match that counts and is not harmless where it stands.
fn first(
    (rule, regex): (&Rule, &Regex),
    reading: Reading,
    text: &str,
    counts: impl Fn(&Range<usize>) -> bool,
) -> Option<Range<usize>> {
    let hits = regex.find_iter(text.as_bytes()).map(|hit| hit.range()).filter(counts).enumerate();
    let place = (reading.place, reading.mime);
    let mut hits = hits.filter(|(before, hit)| *before >= MOST_HARMLESS || !harmless(rule, place, text, hit));
    hits.next().map(|(_, hit)| hit)
}

/// The contract's table: template syntax is refused in resources only.
fn holds(rule: &Rule, kind: Kind) -> bool {
    rule.id != EXPRESSION || kind == Kind::Resource
}

/// The text without `${HOME}` and its like: documents name variables of the environment, and no template engine takes a
/// lone word in capitals for more. Places stay.
fn without_environment(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, _) in text.match_indices("${") {
        let name = bytes
            .iter()
            .skip(at + 2)
            .take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_')
            .count();
        if name > 0 && bytes.get(at + 2 + name) == Some(&b'}') {
            bytes.iter_mut().skip(at).take(2).for_each(|byte| *byte = b' ');
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn field(text: &str, span: Range<usize>) -> Option<Finding> {
    fingerprint::injects(text).then(|| Finding {
        family: Family::Sql,
        rule: "sql/fingerprint".into(),
        severity: Severity::Critical,
        span,
        message: "A value that goes on as SQL".into(),
    })
}

fn links(markdown: &Markdown, found: &mut Vec<Finding>) {
    let bad = markdown.links.iter().find(|(_, url)| markup::runs(url) && !url.starts_with("data:image/"));
    found.extend(bad.map(|(span, _)| Finding {
        family: Family::Xss,
        rule: "xss/link_url".into(),
        severity: Tier::Certain.severity(Place::Prose).unwrap_or(Severity::Critical),
        span: span.clone(),
        message: "A link that runs script".into(),
    }));
}

/// One finding for each rule of a place: the same shape in two views is one shape.
fn dedup(found: &mut Vec<Finding>, first: usize) {
    let mut seen: Vec<std::borrow::Cow<'static, str>> = Vec::new();
    let mut index = 0;
    found.retain(|finding| {
        index += 1;
        let keep = index <= first || !seen.contains(&finding.rule);
        seen.push(finding.rule.clone());
        keep
    });
}

fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(4 << 20).dfa_size_limit(8 << 20).build().ok()
}

/// The smallest range of whole characters around a range.
fn on_characters(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        for rule in every_rule() {
            assert!(compile(rule.pattern).is_some(), "{}", rule.id);
        }
    }
}
