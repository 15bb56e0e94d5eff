//! Lines of a `.env` file, read as the Python gateway reads them, so that its file works here unchanged.
//!
//! Unlike in a shell, a value without quotes may have spaces, quotes (`["a","b"]`) and dollar signs, which passwords and
//! lists have; `${NAME}` and `${NAME:-default}` stand for other variables, except in single quotes. Of two lines with
//! one name the last counts. What cannot be read stops the start with the number of its line, and is not repeated.

use std::{collections::BTreeMap, str::Chars};

/// The variables of a file. `outside` knows those of the process. The error is the number of the line.
pub(super) fn parse(
    text: &str,
    outside: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, usize> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let (statement, after) = statement(rest).ok_or_else(|| {
            let read = text.len() - rest.len();
            text.bytes().take(read).filter(|byte| *byte == b'\n').count() + 1
        })?;
        rest = after;
        if let Some((name, value)) = statement {
            let value = match value {
                Value::Final(value) => value,
                Value::Open(value) => {
                    let known = |name: &str| found.get(name).cloned().or_else(|| outside(name));
                    interpolated(&value, known)
                }
            };
            found.insert(name.to_owned(), value);
        }
    }
    Ok(found)
}

/// A value before names in it are replaced.
enum Value {
    /// In single quotes: nothing is.
    Final(String),
    /// Anything else.
    Open(String),
}

type Statement<'a> = Option<(&'a str, Value)>;

/// The first statement, if there is one on the line, and what comes after it.
fn statement(text: &str) -> Option<(Statement<'_>, &str)> {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    if line.trim().is_empty() || line.trim_start().starts_with('#') {
        return Some((None, after));
    }
    let Some((name, _)) = line.split_once('=') else {
        // A name alone sets nothing.
        return is_name(declared(line)).then_some((None, after));
    };
    let name = Some(declared(name)).filter(|name| is_name(name))?;
    let (_, value) = text.split_once('=')?;
    let mut chars = value.trim_start_matches([' ', '\t']).chars();
    let text = chars.as_str();
    let Some(quote @ ('"' | '\'')) = chars.next() else {
        let (value, after) = text.split_once('\n').unwrap_or((text, ""));
        return Some((Some((name, Value::Open(without_remark(value).to_owned()))), after));
    };
    let text = quoted(&mut chars, quote)?;
    let (end, after) = chars.as_str().split_once('\n').unwrap_or((chars.as_str(), ""));
    let value = if quote == '"' { Value::Open(text) } else { Value::Final(text) };
    let end = end.trim();
    (end.is_empty() || end.starts_with('#')).then_some((Some((name, value)), after))
}

/// The name in `export NAME`.
fn declared(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("export ").unwrap_or(text).trim()
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !name.is_empty() && name.chars().all(plain)
}

/// The text up to the closing quote, over several lines if need be.
fn quoted(chars: &mut Chars<'_>, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            c if c == quote => return Some(text),
            '\\' => match (chars.next()?, quote) {
                (c @ ('\\' | '\''), _) | (c @ '"', '"') => text.push(c),
                ('n', '"') => text.push('\n'),
                ('r', '"') => text.push('\r'),
                ('t', '"') => text.push('\t'),
                (c, _) => text.extend(['\\', c]),
            },
            c => text.push(c),
        }
    }
}

/// A value without what follows a `#` after a space.
fn without_remark(value: &str) -> &str {
    let mut before = ' ';
    let remark = value.char_indices().find(|(_, c)| {
        let begins = *c == '#' && before.is_whitespace();
        before = *c;
        begins
    });
    remark.and_then(|(at, _)| value.get(..at)).unwrap_or(value).trim()
}

/// The value with what stands for other variables replaced.
fn interpolated(value: &str, known: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, from)) = rest.split_once("${") {
        text.push_str(before);
        let Some((inside, after)) = from.split_once('}') else {
            text.push_str("${");
            rest = from;
            continue;
        };
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        text.push_str(&known(name).unwrap_or_else(|| default.to_owned()));
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, usize> {
        let outside = |name: &str| (name == "HOME").then(|| "/me".to_owned());
        parse(text, outside).map(|found| found.into_iter().collect())
    }

    fn value(text: &str) -> String {
        read(&format!("A={text}\n")).unwrap().remove(0).1
    }

    #[test]
    fn values_without_quotes_are_taken_as_they_are() {
        assert_eq!(value("Platform Administrator"), "Platform Administrator");
        assert_eq!(value("[\"http://a\", \"http://b\"]  # two"), "[\"http://a\", \"http://b\"]");
        assert_eq!(value("pa$$word$HOME#1"), "pa$$word$HOME#1");
        assert_eq!(value("changeme  # pragma: allowlist secret"), "changeme");
        assert_eq!(
            (value("  # nothing"), value(""), value(" \r")),
            (String::new(), String::new(), String::new())
        );
    }

    #[test]
    fn quotes_keep_what_is_in_them() {
        assert_eq!(value(r#""a # b" # c"#), "a # b");
        assert_eq!(value(r#""a\nb\"c\d""#), "a\nb\"c\\d");
        assert_eq!(value(r"'a\nb ${HOME} \' c'"), r"a\nb ${HOME} ' c");
        assert_eq!(value("\"one\ntwo\""), "one\ntwo");
    }

    #[test]
    fn names_stand_for_other_variables() {
        assert_eq!(value("${HOME}/x"), "/me/x");
        assert_eq!(value("\"${NOT:-there}${NOT}${\""), "there${");
        let found = read("export B = 1\nA=${B}2\nB=3\nC\n# D=4\n").unwrap();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, [("A", "12"), ("B", "3")], "the last line of a name counts");
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        assert_eq!(read("A=1\n\nB=\"open\n"), Err(3));
        assert_eq!(read("A='x' y"), Err(1));
        assert_eq!(read("A=1\nnot a name=2"), Err(2));
        assert_eq!(read("A=1\ntwo words\nB=2"), Err(2));
    }
}
