//! Layer 2: personal data.
//!
//! Detectors propose values with validated structure (check digits, allocation tables, parsers), modes decide. Findings
//! give kind and place, never the value. Full-width digits and invisible characters inside of values do not hide them.

mod card;
mod digits;
mod email;
mod ip;
mod phone;
mod ssn;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use domain::Problem;

use crate::{
    patterns::{Custom, Mime},
    settings::{ContentSettings, Mode},
    text::{Builder, Markdown, View, fold},
    verdict::{Family, Finding, Severity},
};

/// A value that a detector is sure of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    span: Range<usize>,
    /// Reserved for documentation and tests, or of no person: permitted in `moderate`.
    reserved: bool,
}

/// A kind of personal data.
#[derive(Debug, Clone, Copy)]
struct Detector {
    name: &'static str,
    rule: &'static str,
    message: &'static str,
    find: fn(&str) -> Vec<Value>,
}

/// In the order of precedence: a number that is a card is no telephone.
const DETECTORS: [Detector; 5] = [
    Detector { name: "email", rule: "pii/email", message: "An e-mail address", find: email::find },
    Detector {
        name: "credit_card",
        rule: "pii/credit_card",
        message: "A payment card number",
        find: card::find,
    },
    Detector { name: "ssn", rule: "pii/ssn", message: "A US social security number", find: ssn::find },
    Detector { name: "ip_address", rule: "pii/ip_address", message: "An IP address", find: ip::find },
    Detector { name: "phone", rule: "pii/phone", message: "A telephone number", find: phone::find },
];

/// Distinct values from which code is no mere example.
const MANY: usize = 3;

/// The detectors that the settings ask for.
#[derive(Debug)]
pub(crate) struct Pii {
    detectors: Vec<Detector>,
    custom: Custom,
}

impl Pii {
    pub(crate) fn new(settings: &ContentSettings, problems: &mut Vec<Problem>) -> Self {
        let wanted =
            |detector: &Detector| settings.pii_patterns.known.iter().any(|name| name == detector.name);
        Self {
            detectors: DETECTORS.into_iter().filter(wanted).collect(),
            custom: Custom::new(Family::Pii, "CONTENT_PII_PATTERNS", &settings.pii_patterns.custom, problems),
        }
    }

    pub(crate) fn scan(&self, mode: Mode, mime: Mime, text: &str) -> Vec<Finding> {
        let folded = fold(text);
        let plain = hyphens(folded.text());
        let view = plain.as_ref().unwrap_or(&folded);
        let source = |span: Range<usize>| match &plain {
            Some(plain) => folded.source(plain.source(span)),
            None => folded.source(span),
        };
        // Ends by starts. They do not overlap, so that only the last one that starts before an end can reach beyond it.
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let mut found = Vec::new();
        // Every detector runs, so that a telephone is not seen in a card that was not asked for.
        for detector in DETECTORS {
            for value in (detector.find)(view.text()) {
                let before = taken.range(..value.span.end).next_back();
                if before.is_some_and(|(_, end)| value.span.start < *end) {
                    continue;
                }
                taken.insert(value.span.start, value.span.end);
                if self.detectors.iter().any(|wanted| wanted.name == detector.name) {
                    let permitted = value.reserved && mode == Mode::Moderate;
                    found.push(Finding {
                        family: Family::Pii,
                        rule: detector.rule.into(),
                        severity: if permitted { Severity::Notice } else { Severity::Critical },
                        span: source(value.span),
                        message: detector.message.into(),
                    });
                }
            }
        }
        found.extend(self.custom.scan(text));
        if mode == Mode::Moderate && mime == Mime::Markdown {
            lighten_code(text, &mut found);
        }
        found
    }
}

/// The text with the plain hyphen for the others that numbers are written with; nothing where there are none.
fn hyphens(text: &str) -> Option<View> {
    let other = |c: char| matches!(c, '\u{2010}'..='\u{2013}' | '\u{2043}' | '\u{2212}');
    if text.is_ascii() || !text.contains(other) {
        return None;
    }
    let mut builder = Builder::with_capacity(text.len());
    let mut copied = 0;
    for (at, found) in text.match_indices(other) {
        builder.copy(text.get(copied..at).unwrap_or_default(), copied);
        builder.replace("-", at, found.len());
        copied = at + found.len();
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(builder.finish())
}

/// One or two values in code are examples; from three distinct ones on it is data.
fn lighten_code(text: &str, found: &mut [Finding]) {
    if found.is_empty() {
        return;
    }
    let code = Markdown::parse(text).code;
    let inside = |span: &Range<usize>| {
        let before = code.partition_point(|range| range.start <= span.start);
        code.get(..before).and_then(<[_]>::last).is_some_and(|range| span.end <= range.end)
    };
    let distinct: BTreeSet<&str> = found
        .iter()
        .filter(|finding| finding.severity == Severity::Critical && inside(&finding.span))
        .filter_map(|finding| text.get(finding.span.clone()))
        .collect();
    if distinct.len() < MANY {
        for finding in found.iter_mut().filter(|finding| inside(&finding.span)) {
            finding.severity = Severity::Notice;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    /// The rules found in strict mode, and those that refuse in moderate mode.
    fn rules(text: &str) -> (Vec<String>, Vec<String>) {
        let mut problems = Vec::new();
        let pii = Pii::new(&settings(&[]), &mut problems);
        let names = |mode| -> Vec<String> {
            let found = pii.scan(mode, Mime::Other, text).into_iter();
            found.filter(|f| f.severity == Severity::Critical).map(|f| f.rule.into_owned()).collect()
        };
        (names(Mode::Strict), names(Mode::Moderate))
    }

    #[test]
    fn personal_data_is_found_in_both_modes() {
        for (text, rule) in [
            ("write to jane.roe@corp.io today", "pii/email"),
            ("her number is 536-90-4399.", "pii/ssn"),
            ("card 4539 1488 0343 6467 please", "pii/credit_card"),
            ("card 676222165679?", "pii/credit_card"),
            ("call +44 20 7123 4567 now", "pii/phone"),
            ("Phone: (212) 736-5000", "pii/phone"),
            ("from 8.8.4.4 on", "pii/ip_address"),
            ("at 2a00:1450:4001:81b::200e now", "pii/ip_address"),
            ("４５３９ １４８８ ０３４３ ６４６７", "pii/credit_card"),
            ("536\u{200b}-90-4399", "pii/ssn"),
            ("536\u{2011}90\u{2013}4399", "pii/ssn"),
            ("4539.1488.0343.6467", "pii/credit_card"),
            ("card 4539 1488 0343 6467. 12 days", "pii/credit_card"),
            ("+44.20.7123.4567", "pii/phone"),
        ] {
            let (strict, moderate) = rules(text);
            assert_eq!(strict, [rule], "{text}");
            assert_eq!(moderate, [rule], "{text}");
        }
    }

    #[test]
    fn reserved_values_are_for_strict_only() {
        for text in [
            "a@example.com",
            "x@service.test",
            "203.0.113.7",
            "127.0.0.1",
            "10.1.2.3",
            "2001:db8::1",
            "fe80::1%eth0",
            "078-05-1120",
            "4111 1111 1111 1111",
            "(212) 555-0123",
            "version 1.2.3.4",
            "info@corp.io",
        ] {
            let (strict, moderate) = rules(text);
            assert_eq!((strict.len(), moderate.len()), (1, 0), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_nothing_personal() {
        for text in [
            "000-12-3456 666-12-3456 912-12-3456 123-00-4567",
            "4539 1488 0343 6468",
            "550e8400-e29b-41d4-a716-446655440000",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "1700000000000",
            "2024-01-15T10:20:30Z",
            "ISBN 978-3-16-148410-0",
            "12:30:45 aa:bb:cc:dd:ee:ff",
            "std::net::a::b",
            "user@latest",
            "git@github.com:a/b.git",
            "https://u:p@host.io/x",
            "icon@2x.png",
            "1.2.3",
            "1.2.3.4567.8",
            "pages 100\u{2013}200, 2019\u{2013}2020",
            "+2024-01-15",
            "4539.1488.0343.6468",
            "256.1.1.1",
            "checkout@v4.1",
        ] {
            assert_eq!(rules(text).0, Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn code_is_lighter_until_it_is_data() {
        let mut problems = Vec::new();
        let pii = Pii::new(&settings(&[]), &mut problems);
        let critical = |text: &str| {
            let found = pii.scan(Mode::Moderate, Mime::Markdown, text);
            found.iter().filter(|finding| finding.severity == Severity::Critical).count()
        };
        assert_eq!(critical("see `ann@corp.io`"), 0);
        assert_eq!(critical("see ann@corp.io"), 1);
        assert_eq!(critical("```\nann@corp.io\nbob@corp.io\neve@corp.io\n```"), 3);
    }

    #[test]
    fn kinds_can_be_chosen_and_added() {
        let mut problems = Vec::new();
        let chosen =
            settings(&[("CONTENT_PII_PATTERNS", r#"["email", {"name": "badge", "regex": "EMP-\\d{6}"}]"#)]);
        let pii = Pii::new(&chosen, &mut problems);
        let found = pii.scan(Mode::Strict, Mime::Other, "536-90-4399 EMP-123456 a@corp.io");
        let rules: Vec<_> = found.iter().map(|finding| finding.rule.as_ref()).collect();
        assert_eq!(rules, ["pii/email", "pii/badge"]);
    }
}
