//! The operator's own expressions: linear time, bounded size, every mistake reported with its place in the list.

use domain::Problem;
use regex::{Regex, RegexBuilder};

use crate::{
    settings::NamedPattern,
    verdict::{Family, Finding, Severity},
};

/// Longest expression and largest compiled one, in bytes.
const LONGEST: usize = 10_000;
const LARGEST: usize = 1 << 20;

/// Compiled expressions of one family.
#[derive(Debug)]
pub(crate) struct Custom {
    family: Family,
    patterns: Vec<(String, Regex)>,
}

impl Custom {
    /// Compiles what can be compiled and reports the rest; look-around and back-references are not regular.
    pub(crate) fn new(
        family: Family,
        field: &str,
        patterns: &[NamedPattern],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut compiled = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            match compile(&pattern.regex) {
                Ok(regex) => compiled.push((format!("{}/{}", family.as_str(), pattern.name), regex)),
                Err(why) => problems.push(Problem { field: format!("{field}[{index}]"), message: why }),
            }
        }
        Self { family, patterns: compiled }
    }

    /// The first match of every expression.
    pub(crate) fn scan(&self, text: &str) -> Vec<Finding> {
        let found = self.patterns.iter().filter_map(|(id, regex)| {
            let found = regex.find(text)?;
            Some(Finding {
                family: self.family,
                rule: id.clone().into(),
                severity: Severity::Critical,
                span: found.range(),
                message: "Matches a pattern of the configuration".into(),
            })
        });
        found.collect()
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    let built =
        RegexBuilder::new(pattern).case_insensitive(true).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("is too large when compiled (more than {limit} bytes)")
        }
        other => {
            let text = other.to_string();
            let reason =
                text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            format!("is not a regular expression that runs in linear time: {reason}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_reported_by_index() {
        let named = |regex: &str| NamedPattern { name: "x".to_owned(), regex: regex.to_owned() };
        let list = [
            named("fine"),
            named(r"(a)\1"),
            named("(?=x)y"),
            named("(a{1000}){1000}"),
            named("("),
            named(&"a".repeat(10_001)),
        ];
        let mut problems = Vec::new();
        let custom = Custom::new(Family::Custom, "CONTENT_BLOCKED_PATTERNS", &list, &mut problems);
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected: Vec<_> = (1..6).map(|index| format!("CONTENT_BLOCKED_PATTERNS[{index}]")).collect();
        assert_eq!(fields, expected);
        assert_eq!(custom.scan("this is FINE").len(), 1);
    }

    #[test]
    fn an_exponential_expression_is_linear_here() {
        let mut problems = Vec::new();
        let evil = [NamedPattern { name: "evil".to_owned(), regex: "(a+)+$".to_owned() }];
        let custom = Custom::new(Family::Custom, "X", &evil, &mut problems);
        assert!(problems.is_empty());
        assert!(custom.scan(&format!("{}!", "a".repeat(100_000))).is_empty());
    }
}
