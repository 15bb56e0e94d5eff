//! Everything there is to say of a definition when it is discovered: what it hides, what it orders, attacks in its texts,
//! personal data, and whether its schemas stay within bounds.
//!
//! Findings mark; whether a tool is held back is said by [`Remark::holds`], and decided by the engine.

use std::borrow::Cow;

use serde_json::Value;

use super::{LONGEST_DESCRIPTION, Remark, collect, fingerprint, reading, review, schema};
use crate::{
    screen::Screen,
    verdict::{Action, Family, Finding, Kind, Severity},
};

/// A definition that was read.
#[derive(Debug, Clone)]
pub struct Report {
    /// The hash of its canonical form.
    pub fingerprint: String,
    /// What was found, with whether it is a reason to hold the tool back.
    pub remarks: Vec<(Remark, bool)>,
}

impl Report {
    /// Whether anything found is a reason to hold the tool back.
    pub fn holds(&self) -> bool {
        self.remarks.iter().any(|(_, holds)| *holds)
    }
}

/// Reads a definition as the upstream sent it.
pub fn report(screen: &Screen, definition: &str) -> Report {
    let Some(value) = reading::parse(definition) else {
        let remark = bad("schema/unreadable", "", "Nested too deeply to be read");
        let fingerprint = fingerprint::fingerprint(&Value::String(definition.to_owned()));
        return Report { fingerprint, remarks: vec![(remark, true)] };
    };
    let mut remarks = Vec::new();
    let hidden = review(&value);
    // Two halves of a reason in one definition are a reason, wherever in it they stand.
    let holds = super::holds_back(&hidden);
    remarks.extend(hidden.into_iter().map(|remark| {
        let counts = remark.finding.severity == Severity::Critical || holds;
        (remark, counts)
    }));
    remarks.extend(bounds(&value).into_iter().map(|remark| (remark, true)));
    remarks.extend(screened(screen, &value));
    Report { fingerprint: fingerprint::fingerprint(&value), remarks }
}

fn bounds(definition: &Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for field in ["inputSchema", "outputSchema"] {
        let Some(schema) = definition.get(field) else { continue };
        for problem in schema::problems(field, schema) {
            let rule = if problem.message.contains("outside") { "schema/reference" } else { "schema/bounds" };
            remarks.push(bad(rule, &format!("/{}", problem.field), capitalised(&problem.message)));
        }
    }
    let long = |text: &str| text.len() > LONGEST_DESCRIPTION;
    if definition.get("description").and_then(Value::as_str).is_some_and(long) {
        let message = format!("Is longer than {LONGEST_DESCRIPTION} bytes");
        remarks.push(bad("definition/long_description", "/description", message));
    }
    remarks
}

fn capitalised(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Attacks and personal data in what is said to models. Attacks hold; personal data is recorded.
fn screened(screen: &Screen, definition: &Value) -> Vec<(Remark, bool)> {
    let mut texts = Vec::new();
    collect(definition, String::new(), 0, &mut texts);
    let mut remarks = Vec::new();
    for (field, text) in texts {
        if !(field.ends_with("/description") || field.ends_with("/title")) {
            continue;
        }
        let verdict = screen.screen(Kind::Tool, None, text);
        let refused = verdict.action == Action::Block;
        remarks.extend(verdict.findings.into_iter().map(|finding| {
            let holds = refused && finding.family != Family::Pii && finding.severity == Severity::Critical;
            (Remark { field: field.clone(), finding }, holds)
        }));
    }
    remarks
}

fn bad(rule: &'static str, field: &str, message: impl Into<Cow<'static, str>>) -> Remark {
    let finding = Finding {
        family: Family::Schema,
        rule: rule.into(),
        severity: Severity::Critical,
        span: 0..0,
        message: message.into(),
    };
    Remark { field: field.to_owned(), finding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn rules(definition: &str) -> Vec<(String, bool)> {
        let (screen, _) = Screen::new(&settings(&[]));
        let report = report(&screen, definition);
        report.remarks.into_iter().map(|(remark, holds)| (remark.finding.rule.into_owned(), holds)).collect()
    }

    #[test]
    fn attacks_hold_and_personal_data_is_recorded() {
        let honest = r#"{"name":"a","description":"Adds.","inputSchema":{"type":"object"},"x":1e400}"#;
        assert_eq!(rules(honest), []);
        let personal = r#"{"name":"a","description":"Ask jane.roe@corp.io","inputSchema":{"type":"object"}}"#;
        assert_eq!(rules(personal), [("pii/email".to_owned(), false)]);
        let script = r#"{"name":"a","description":"<script>f()</script>","inputSchema":{"type":"object"}}"#;
        assert!(rules(script).contains(&("xss/script_element".to_owned(), true)), "{:?}", rules(script));
    }

    #[test]
    fn schemas_stay_within_bounds_and_are_judged_at_once() {
        let reference =
            r#"{"name":"a","inputSchema":{"type":"object","items":{"$ref":"http://169.254.169.254/"}}}"#;
        assert_eq!(rules(reference), [("schema/reference".to_owned(), true)]);
        let deep =
            format!(r#"{{"name":"a","inputSchema":{}{}}}"#, r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
        assert_eq!(rules(&deep), [("schema/unreadable".to_owned(), true)]);
        let wide = format!(r#"{{"name":"a","inputSchema":{{"oneOf":[{}0]}}}}"#, "{},".repeat(100_000));
        assert!(rules(&wide).contains(&("schema/bounds".to_owned(), true)));
        let long = format!(r#"{{"name":"a","description":"{}"}}"#, "word ".repeat(1_000));
        assert_eq!(rules(&long), [("definition/long_description".to_owned(), true)]);
    }
}
