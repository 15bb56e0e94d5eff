//! Templates of prompts that are registered here, rendered without anything of the host in reach.
//!
//! There are no functions, no includes and seven filters; work, nesting and output are limited. What could grow without
//! end in few steps is refused when a template is registered: statements other than conditions and loops, and operators
//! that join or repeat texts. Arguments are values and never templates.

use std::{collections::BTreeMap, io};

use domain::{Error, Problem, Result};
use minijinja::{Environment, UndefinedBehavior};
use protocol::json::RawObject;
use serde_json::{Map, Value, value::RawValue};

use super::Argument;

/// Steps of one rendering.
const FUEL: u64 = 50_000;
/// Nesting of one rendering.
const DEPTH: usize = 32;
/// The longest text that a template gives.
const LONGEST: usize = 1024 * 1024;
/// All arguments of one rendering together, as JSON.
const ARGUMENTS: usize = 512 * 1024;
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// A template with its arguments.
#[derive(Debug)]
pub struct Template {
    text: Box<str>,
    arguments: Vec<Argument>,
}

impl Template {
    /// A stored one, with the object of its listings, which has the arguments.
    pub(crate) fn stored(text: &str, definition: &str) -> Self {
        Self { text: text.into(), arguments: arguments(definition) }
    }

    /// Renders it with the `arguments` of these parameters.
    pub(crate) fn render(&self, params: &RawValue) -> Result<String> {
        let params = RawObject::parse(params).map_err(|e| Error::invalid("params", e.to_string()))?;
        let given = params.get("arguments").map_or("{}", RawValue::get);
        if given.len() > ARGUMENTS {
            let message = format!("must be at most {ARGUMENTS} bytes together");
            return Err(Error::invalid("arguments", message));
        }
        let given: Option<BTreeMap<String, Value>> =
            serde_json::from_str(given).map_err(|_| Error::invalid("arguments", "must be an object"))?;
        let mut values = given.unwrap_or_default();
        let mut missing = Vec::new();
        for argument in &self.arguments {
            if argument.required && !values.contains_key(&argument.name) {
                let field = format!("arguments.{}", argument.name);
                missing.push(Problem { field, message: "is required".to_owned() });
            }
            // What is declared and optional may be left out; what nobody declared is a mistake of the template.
            values.entry(argument.name.clone()).or_insert_with(|| Value::String(String::new()));
        }
        if missing.is_empty() { rendered(&self.text, &values) } else { Err(Error::Invalid(missing)) }
    }
}

/// The arguments in the object of a prompt's listings.
pub(crate) fn arguments(definition: &str) -> Vec<Argument> {
    let object: Option<Map<String, Value>> = serde_json::from_str(definition).ok();
    let list = object.and_then(|mut object| object.remove("arguments"));
    list.and_then(|list| serde_json::from_value(list).ok()).unwrap_or_default()
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.add_filter("upper", minijinja::filters::upper);
    environment.add_filter("lower", minijinja::filters::lower);
    environment.add_filter("title", minijinja::filters::title);
    environment.add_filter("capitalize", minijinja::filters::capitalize);
    environment.add_filter("trim", minijinja::filters::trim);
    environment.add_filter("length", minijinja::filters::length);
    environment.add_filter("default", minijinja::filters::default);
    environment
}

fn rendered(text: &str, values: &BTreeMap<String, Value>) -> Result<String> {
    // The text of an error may quote the values.
    let failed = |error: minijinja::Error| {
        let line = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
        Error::Refused(format!("Failed to render the template: {}{line}", error.kind()))
    };
    let environment = environment();
    let template = environment.template_from_str(text).map_err(failed)?;
    let mut out = Limited(Vec::new());
    template
        .render_captured_to(minijinja::Value::from(minijinja::value::Serde(values)), &mut out)
        .map_err(failed)?;
    String::from_utf8(out.0).map_err(Error::internal)
}

/// Takes no more than a text may be long.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > LONGEST {
            return Err(io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is wrong with a template that is to be registered.
pub(super) fn problem(text: &str) -> Option<Problem> {
    let wrong = |message: String| Some(Problem { field: "template".to_owned(), message });
    if let Err(message) = allowed(text) {
        return wrong(message);
    }
    let environment = environment();
    let error = environment.template_from_str(text).err()?;
    let line = error.line().unwrap_or_default();
    wrong(format!("is no template: {} in line {line}", error.kind()))
}

/// Walks the tags of a template. Comments are skipped as the template engine skips them.
fn allowed(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some((before, kind)) = next_tag(rest) {
        let inside = rest.get(before + 2..).unwrap_or_default();
        rest = match kind {
            '#' => {
                let end = inside.find("#}").ok_or("has a comment that does not end")?;
                inside.get(end + 2..).unwrap_or_default()
            }
            kind => {
                let end = tag(inside, if kind == '{' { "}}" } else { "%}" })?;
                if kind == '%' {
                    statement(inside.get(..end).unwrap_or_default())?;
                }
                inside.get(end + 2..).unwrap_or_default()
            }
        };
    }
    Ok(())
}

fn next_tag(text: &str) -> Option<(usize, char)> {
    let starts = text.match_indices('{');
    let mut tags = starts.filter_map(|(at, _)| Some((at, text.get(at + 1..)?.chars().next()?)));
    tags.find(|(_, kind)| matches!(kind, '{' | '%' | '#'))
}

/// Where a tag ends. Texts in quotation marks may hold anything.
fn tag(inside: &str, end: &str) -> Result<usize, String> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(mark) if c == mark => quote = None,
            None if inside.get(at..).is_some_and(|rest| rest.starts_with(end)) => return Ok(at),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if matches!(c, '~' | '*' | '+') => {
                return Err(format!("must not use the operator {c} inside tags"));
            }
            Some(_) | None => {}
        }
    }
    Err(format!("has a tag without {end}"))
}

fn statement(inside: &str) -> Result<(), String> {
    let word = inside.trim_start_matches(['-', ' ', '\t', '\n', '\r']);
    let word: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
    if STATEMENTS.contains(&word.as_str()) {
        return Ok(());
    }
    Err(format!("may use the statements {} only", STATEMENTS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, params: &str) -> Result<String> {
        let definition = r#"{"arguments":[{"name":"who","required":true},{"name":"mood"}]}"#;
        let params = RawValue::from_string(params.to_owned()).unwrap();
        Template::stored(text, definition).render(&params)
    }

    #[test]
    fn arguments_are_values_and_never_templates() {
        let text = render("Hi {{ who }}!", r#"{"arguments":{"who":"{{ 7 }} {% if"}}"#).unwrap();
        assert_eq!(text, "Hi {{ 7 }} {% if!");
        let text = render("{{ who.name | upper }}{{ mood }}", r#"{"arguments":{"who":{"name":"al"}}}"#);
        assert_eq!(text.unwrap(), "AL");
    }

    #[test]
    fn what_is_missing_is_named() {
        let Err(Error::Invalid(problems)) = render("{{ who }}", "{}") else { panic!("refused") };
        assert_eq!(
            (problems[0].field.as_str(), problems[0].message.as_str()),
            ("arguments.who", "is required")
        );
        assert!(matches!(render("{{ nobody }}", r#"{"arguments":{"who":"x"}}"#), Err(Error::Refused(_))));
    }

    #[test]
    fn work_and_output_are_limited() {
        let list: Vec<u32> = (0..300).collect();
        let params =
            serde_json::json!({ "arguments": { "who": list, "mood": "x".repeat(5_000) } }).to_string();
        let nested = "{% for a in who %}{% for b in who %}{% for c in who %}{{ a }}{% endfor %}{% endfor %}{% endfor %}";
        assert!(matches!(render(nested, &params), Err(Error::Refused(_))), "fuel");
        let long = "{% for a in who %}{{ mood }}{% endfor %}";
        assert!(matches!(render(long, &params), Err(Error::Refused(_))), "output");
    }

    #[test]
    fn what_could_grow_or_reach_out_is_refused() {
        for text in [
            "{% set a = 'x' %}",
            "{% include 'x' %}",
            "{%- macro a() %}{% endmacro %}",
            "{% raw %}{{ \"{% endraw %}{{ a ~ a }}\"}}",
            "{{ a ~ a }}",
            "{{ 'ab' * 9999 }}",
            "{{ a",
            "{# a",
            "{% if a %}",
            "{{ a | nothing }",
        ] {
            assert!(problem(text).is_some(), "{text}");
        }
        for text in
            ["{{ a.b }}", "{# ~ {{ #}{{ '~}}' }}", "{%- if a -%}x{% else %}y{% endif %}", "{ a } } {", ""]
        {
            assert!(problem(text).is_none(), "{text}: {:?}", problem(text));
        }
    }
}
