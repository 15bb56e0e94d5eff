//! One SQL text for SQLite and PostgreSQL: words that only one of them understands, or that move time and identity
//! into the database, are refused in migrations and in the strings of the store.

use super::Violation;
use super::tree::Tree;

/// Refused anywhere, in lower case.
const PHRASES: [(&str, &str); 12] = [
    ("now()", "times come from domain::Clock"),
    ("current_timestamp", "times come from domain::Clock"),
    ("ilike", "write LOWER(x) LIKE $n"),
    ("for update", "lock optimistically with a version"),
    ("serial", "ids are made by domain"),
    ("bigserial", "ids are made by domain"),
    ("autoincrement", "ids are made by domain"),
    ("timestamptz", "times are BIGINT microseconds"),
    ("->", "read JSON in Rust"),
    ("@>", "read JSON in Rust"),
    ("<@", "read JSON in Rust"),
    ("#>", "read JSON in Rust"),
];

/// Upper-case words by which a string is known to be SQL.
const KEYWORDS: [&str; 12] = [
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "CREATE ",
    "ALTER ",
    " WHERE ",
    " FROM ",
    " SET ",
    " AND ",
    "ORDER BY ",
    " VALUES",
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let migrations = tree.texts.iter().filter(|text| text.is_a("sql")).flat_map(|file| {
        let statements = (1..).zip(file.text.lines()).map(|(line, content)| (line, before_comment(content)));
        statements.flat_map(|(line, content)| problems(&file.path, line, content))
    });
    let sources = tree.rust.iter().filter(|file| file.package() == Some("store")).flat_map(|file| {
        let literals =
            file.strings.iter().filter(|literal| is_sql(&literal.text) && !file.is_test_line(literal.line));
        literals.flat_map(|literal| problems(&file.path, literal.line, &literal.text))
    });
    migrations.chain(sources).collect()
}

fn before_comment(line: &str) -> &str {
    line.split_once("--").map_or(line, |(statement, _)| statement)
}

fn is_sql(text: &str) -> bool {
    KEYWORDS.iter().any(|keyword| text.contains(keyword))
}

fn problems(path: &str, line: usize, text: &str) -> Vec<Violation> {
    let lower = text.to_lowercase();
    let words = PHRASES.iter().filter(|(phrase, _)| contains_word(&lower, phrase));
    let mut found: Vec<Violation> = words
        .map(|(phrase, instead)| Violation::new(path, line, format!("SQL `{phrase}`: {instead}")))
        .collect();
    if contains_cast(&lower) {
        found.push(Violation::new(path, line, "SQL `::type`: write CAST(x AS type)"));
    }
    found
}

/// Whether `phrase` stands alone: `serial` is no part of `serialised`.
fn contains_word(text: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let bounded = phrase.starts_with(is_word);
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|part| part.chars().next_back());
        let after = text.get(at + phrase.len()..).and_then(|part| part.chars().next());
        !bounded || (!before.is_some_and(is_word) && (phrase.ends_with(')') || !after.is_some_and(is_word)))
    })
}

fn contains_cast(text: &str) -> bool {
    text.match_indices("::").any(|(at, _)| {
        text.get(at + 2..).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_alphabetic()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::{RustFile, Text};
    use super::*;

    fn store(source: &str) -> usize {
        check(&Tree { texts: Vec::new(), rust: vec![RustFile::new("crates/store/src/a.rs", source)] }).len()
    }

    fn migration(text: &str) -> usize {
        let text = Text { path: "crates/store/migrations/1.sql".to_owned(), text: text.to_owned() };
        check(&Tree { texts: vec![text], rust: Vec::new() }).len()
    }

    #[test]
    fn statements_use_the_common_subset() {
        assert_eq!(store("let a = \"SELECT id FROM tools WHERE LOWER(name) LIKE $1\";"), 0);
        assert_eq!(store("let a = \"SELECT id FROM tools WHERE name ILIKE $1\";"), 1);
        assert_eq!(store("let a = \"SELECT a::text, b->>'x' FROM t FOR UPDATE\";"), 3);
        assert_eq!(store("let a = \"UPDATE t SET at = now()\";"), 1);
    }

    #[test]
    fn strings_that_are_not_sql_are_free() {
        assert_eq!(store("let a = \"store::sql -> reads now()\"; // SELECT now()"), 0);
        assert_eq!(store("let a = \"SELECT serialised FROM t\";"), 0);
    }

    #[test]
    fn migrations_are_checked_line_by_line() {
        assert_eq!(
            migration("CREATE TABLE t (id TEXT PRIMARY KEY, at BIGINT NOT NULL);\n-- never now()\n"),
            0
        );
        assert_eq!(migration("id BIGSERIAL,\nat TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP\n"), 3);
    }
}
