//! The twelve expressions of the contract, to the letter, with its table of what is allowed where.
//!
//! Ignoring case, and the dot matches line ends, as Python reads them. The contract's text shows the back-tick of the
//! metacharacters outside of the brackets, where its typesetting lost it; it belongs inside. They refuse nearly every
//! document; that is why they are a profile and not the default. `both` adds them to the structural rules.

use regex::{Regex, RegexBuilder};

use crate::verdict::{Family, Finding, Kind, Severity};

/// Family, rule id and expression, in the order of the contract.
pub(super) const SEED: [(Family, &str, &str); 12] = [
    (Family::Xss, "xss/script_tag", r"<script[^>]*>.*?</script>"),
    (Family::Xss, "xss/event_handler_text", r"on\w+\s*="),
    (Family::Xss, "xss/javascript_protocol", r"javascript:"),
    (Family::Template, "template/jinja", r"\{\{.*?\}\}|\{%.*?%\}"),
    (Family::Template, "template/mustache", r"\{\{.*?\}\}"),
    (Family::Template, "template/evaluation", r"\$\{.*?\}"),
    (Family::Command, "command/metacharacter", r"[;&|`$()]"),
    (Family::Command, "command/chain", r"&&|\|\||;"),
    (Family::Command, "command/backtick", r"`.*?`"),
    (Family::Sql, "sql/keyword", r"(union|select|insert|update|delete|drop|create|alter)\s"),
    (Family::Sql, "sql/comment", r"--|\#|/\*|\*/"),
    (Family::Sql, "sql/concatenation", r"'\s*(or|and)\s*'"),
];

/// The compiled expressions.
#[derive(Debug)]
pub(super) struct Seed(Vec<(Family, &'static str, Regex)>);

impl Seed {
    pub(super) fn new() -> Self {
        let compile = |pattern| {
            RegexBuilder::new(&as_python(pattern))
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .build()
                .ok()
        };
        Self(
            SEED.into_iter()
                .filter_map(|(family, id, pattern)| Some((family, id, compile(pattern)?)))
                .collect(),
        )
    }

    /// Every rule that matches, on the text as written: no views, no Markdown, no thresholds.
    pub(super) fn scan(&self, kind: Kind, text: &str) -> Vec<Finding> {
        let holds = |family| !(kind == Kind::Prompt && family == Family::Template);
        // What opens an expression is allowed in prompts, so its dollar is no metacharacter there.
        let prompt = (kind == Kind::Prompt).then(|| text.replace("${", "  "));
        let text = prompt.as_deref().unwrap_or(text);
        let rules = self.0.iter().filter(|(family, _, _)| holds(*family));
        rules
            .filter_map(|(family, id, regex)| {
                let found = regex.find(text)?;
                Some(Finding {
                    family: *family,
                    rule: (*id).into(),
                    severity: Severity::Critical,
                    span: found.range(),
                    message: "Matches a pattern of the seed profile".into(),
                })
            })
            .collect()
    }
}

/// The classes and the case of `i` as Python's `re` has them; none of the expressions has an escape with an `i`.
fn as_python(pattern: &str) -> String {
    pattern.replace('i', "[iİı]").replace(r"\w", r"[\p{L}\p{N}_]").replace(r"\s", r"[\s\x1c-\x1f]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_table_of_the_contract() {
        let seed = Seed::new();
        assert_eq!(seed.0.len(), SEED.len());
        let refused = |kind, text| !seed.scan(kind, text).is_empty();
        for (text, in_prompts, in_resources) in [
            ("Hello {{ user.name }}", false, true),
            ("{% if x %}", false, true),
            ("${ x }", false, true),
            ("<script>x</script>", true, true),
            ("javascript:x", true, true),
            ("a && b", true, true),
            ("a ; b", true, true),
            ("a `b`", true, true),
            ("union select 1", true, true),
            ("a -- b", true, true),
            ("' or '", true, true),
            ("Hello world", false, false),
        ] {
            assert_eq!(refused(Kind::Prompt, text), in_prompts, "{text} in a prompt");
            assert_eq!(refused(Kind::Resource, text), in_resources, "{text} in a resource");
        }
    }
}
