//! The structural profile at work: places, views and rules brought together.
//!
//! Each rule reports its first match in a place; work is the number of rules times the size, whatever the text says.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

use super::{
    Mime, fingerprint, markup, place,
    rule::{Place, Rule, Sight, Tier},
    script, shell, sql, template,
};
use crate::{
    settings::Mode,
    text::{Builder, Markdown, View, Views, islands, masked, strings},
    verdict::{Family, Finding, Kind, Severity},
};

/// Strings of a JSON text that are looked at one by one as fields.
const MOST_FIELDS: usize = 64;

/// The compiled rules.
#[derive(Debug)]
pub(super) struct Structural {
    rules: Vec<(Rule, Regex)>,
    depth: u16,
}

impl Structural {
    pub(super) fn new(depth: u16) -> Self {
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
        let rules =
            all.concat().into_iter().filter_map(|rule| Some((rule, compile(rule.pattern)?))).collect();
        Self { rules, depth }
    }

    pub(super) fn scan(&self, mode: Mode, kind: Kind, mime: Mime, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        // Descriptions of tools are Markdown by custom: their back-ticks are code and no commands.
        let marked =
            mime == Mime::Markdown || matches!(kind, Kind::Tool | Kind::Metadata) && mime == Mime::Other;
        if marked {
            let markdown = Markdown::parse(text);
            links(&markdown, &mut found);
            let place =
                if kind == Kind::Tool || mime != Mime::Markdown { Place::Field } else { Place::Prose };
            self.place(
                kind,
                if text.len() <= fingerprint::LONGEST { place } else { Place::Prose },
                &markdown.prose(text),
                &mut found,
            );
            if mode != Mode::Moderate && !markdown.code.is_empty() {
                self.place(kind, Place::Code, &markdown.code(text), &mut found);
            }
        } else if let Some(strings) = (mime == Mime::Json).then(|| strings(text)).flatten() {
            self.place(kind, Place::Prose, &masked(text, &strings), &mut found);
            self.fields(text, &strings, &mut found);
        } else {
            let place = if text.len() <= fingerprint::LONGEST { Place::Field } else { Place::Prose };
            self.place(kind, place, text, &mut found);
        }
        for finding in &mut found {
            finding.span = on_characters(text, finding.span.clone());
        }
        found.sort_by_key(|finding| (finding.span.start, finding.rule.clone()));
        found
    }

    /// Reads one place in all its views.
    fn place(&self, kind: Kind, place: Place, text: &str, found: &mut Vec<Finding>) {
        let first = found.len();
        self.views(kind, place, text, found);
        for (span, decoded) in islands(text) {
            let mut inner = Vec::new();
            self.views(kind, if place == Place::Code { place } else { Place::Prose }, &decoded, &mut inner);
            found.extend(inner.into_iter().map(|finding| Finding { span: span.clone(), ..finding }));
        }
        dedup(found, first);
    }

    fn views(&self, kind: Kind, place: Place, text: &str, found: &mut Vec<Finding>) {
        let views = Views::new(text, self.depth);
        let mut last = 0;
        for (number, view) in views.each() {
            let mut inner = Vec::new();
            self.read(kind, place, Sight::Text, view.text(), &mut inner);
            markup::scan(view.text(), place, &mut inner);
            found.extend(
                inner.into_iter().map(|f| Finding { span: views.original(number, f.span.clone()), ..f }),
            );
            last = number;
        }
        let Some((_, view)) = views.each().last() else { return };
        for (sight, rewritten) in [(Sight::Sql, sql_view(view)), (Sight::Shell, shell_view(view))] {
            let Some(rewritten) = rewritten else { continue };
            let mut inner = Vec::new();
            self.read(kind, place, sight, rewritten.text(), &mut inner);
            found.extend(
                inner
                    .into_iter()
                    .map(|f| Finding { span: views.original(last, rewritten.source(f.span.clone())), ..f }),
            );
        }
        if place == Place::Field {
            let plain = sql_view(view);
            found.extend(field(plain.as_ref().map_or(view.text(), View::text), 0..text.len()));
        }
    }

    /// Applies the rules of a sight; all of them read the plain views, few read the rewritten ones.
    fn read(&self, kind: Kind, place: Place, sight: Sight, text: &str, found: &mut Vec<Finding>) {
        for (rule, regex) in &self.rules {
            let Some(severity) = rule.tier.severity(place) else { continue };
            if sight != Sight::Text && rule.sight != sight || !holds(rule, kind) {
                continue;
            }
            if let Some(hit) = regex.find(text.as_bytes()) {
                found.push(Finding {
                    family: rule.family,
                    rule: rule.id.into(),
                    severity,
                    span: hit.range(),
                    message: rule.message.into(),
                });
            }
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

/// The contract's table: template syntax is refused in resources only.
fn holds(rule: &Rule, kind: Kind) -> bool {
    rule.id != "template/expression" || kind == Kind::Resource
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

/// The text without SQL comments and with pluses as spaces; nothing when it has neither.
fn sql_view(view: &View) -> Option<View> {
    let text = view.text();
    if !text.contains("/*") && !text.contains('+') {
        return None;
    }
    let mut builder = Builder::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(next) = text.get(at..).and_then(|rest| rest.find(['/', '+'])) {
        at += next;
        let rest = text.get(at..).unwrap_or_default();
        let length = if rest.starts_with("/*!") {
            3 + rest.bytes().skip(3).take_while(u8::is_ascii_digit).count()
        } else if rest.starts_with("/*") {
            // An open comment ends the statement; it stays for the rules about ends.
            match rest.get(2..).and_then(|body| body.find("*/")) {
                Some(end) => end + 4,
                None => break,
            }
        } else if rest.starts_with('+') {
            1
        } else {
            at += 1;
            continue;
        };
        builder.copy(text.get(copied..at).unwrap_or_default(), copied);
        builder.replace(" ", at, length);
        at += length;
        copied = at;
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(builder.finish())
}

/// What shells drop from a word: quotes, backslashes, carets, empty expansions.
const DROPPED: [&str; 12] = ["\\\n", "\\", "^", "\"", "'", "``", "$()", "$@", "$*", "$!", "$$", "{}"];

/// The text as a shell reads its words; nothing when it quotes nothing.
fn shell_view(view: &View) -> Option<View> {
    let text = view.text();
    let mut builder = Builder::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(next) =
        text.get(at..).and_then(|rest| rest.find(['\\', '^', '"', '\'', '`', '$', '{', ',']))
    {
        at += next;
        let rest = text.get(at..).unwrap_or_default();
        let (written, length) = rewrite(rest);
        if length > 0 {
            builder.copy(text.get(copied..at).unwrap_or_default(), copied);
            builder.replace(written, at, length);
            at += length;
            copied = at;
        } else {
            at += 1;
        }
    }
    if copied == 0 {
        return None;
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(builder.finish())
}

fn rewrite(rest: &str) -> (&'static str, usize) {
    if let Some(expansion) = ["${ifs}", "$ifs"].iter().find(|expansion| rest.starts_with(*expansion)) {
        return (" ", expansion.len());
    }
    if let Some(dropped) = DROPPED.iter().find(|dropped| rest.starts_with(*dropped)) {
        return ("", dropped.len());
    }
    if let Some(name) = rest.strip_prefix("${") {
        let length = name.bytes().take(16).take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if name.as_bytes().get(length) == Some(&b'}') {
            return ("", length + 3);
        }
    }
    ("", 0)
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
        for rule in all.concat() {
            assert!(compile(rule.pattern).is_some(), "{}", rule.id);
        }
    }

    #[test]
    fn views_for_sql_and_shells() {
        let sql = |text: &str| sql_view(&View::copy(text.to_owned())).map(|view| view.text().to_owned());
        assert_eq!(sql("union/**/select+1").as_deref(), Some("union select 1"));
        assert_eq!(sql("/*!50000union*/ x /* open").as_deref(), Some(" union*/ x /* open"));
        assert_eq!(sql("plain"), None);
        let shell = |text: &str| shell_view(&View::copy(text.to_owned())).map(|view| view.text().to_owned());
        assert_eq!(shell("c''at${ifs}/et\\c/p${x}asswd").as_deref(), Some("cat /etc/passwd"));
        assert_eq!(shell("plain words"), None);
    }
}
