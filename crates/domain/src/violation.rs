//! What content security found in a text that somebody wanted stored: where and which rule, and never the text.

/// One finding, as callers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field of the input: `content`, `template`, `description`.
    pub field: String,
    /// The kind of attack or data: `xss`, `sql`, `pii`.
    pub family: &'static str,
    /// The id of the rule, for example `xss/script_element`.
    pub rule: String,
    /// Where it begins in the field, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What a person should know.
    pub message: String,
}

impl Violation {
    /// How many findings one answer names; a text full of them is as wrong as its first few say.
    pub const SHOWN: usize = 100;

    /// One readable line for people.
    pub fn join(violations: &[Self]) -> String {
        let mut lines: Vec<String> =
            violations.iter().take(crate::Problem::SHOWN).map(Self::to_string).collect();
        lines.extend(crate::Problem::more(violations.len()));
        format!("Content security refused it: {}", lines.join("; "))
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} at bytes {} to {}", self.field, self.rule, self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_names_its_rule_and_place() {
        let violation = |rule: &str| Violation {
            field: "content".to_owned(),
            family: "xss",
            rule: rule.to_owned(),
            start: 3,
            end: 9,
            message: String::new(),
        };
        let text = Violation::join(&[violation("xss/a"), violation("xss/b")]);
        assert_eq!(
            text,
            "Content security refused it: content: xss/a at bytes 3 to 9; content: xss/b at bytes 3 to 9"
        );
        assert!(Violation::join(&vec![violation("xss/a"); 30]).ends_with("and 10 more"));
    }
}
