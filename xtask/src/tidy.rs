//! The rules of the repository as a program.
//!
//! Every rule is a function from the tree, read once, to a list of violations. A rule that produces a false alarm
//! is changed here, with a reason; there is no way to silence it at the place where it strikes.

mod catalogue;
mod layers;
mod masked;
mod places;
mod reach;
mod shape;
mod sql;
mod tree;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use tree::Tree;

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// What one run found.
pub(crate) struct Report {
    pub(crate) violations: Vec<Violation>,
    pub(crate) files: usize,
}

/// Checks every rule on the tree below `root`.
pub(crate) fn check(root: &Path) -> Result<Report> {
    let tree = Tree::read(root)?;
    let rules = [
        layers::check,
        reach::check,
        shape::check,
        words::check,
        sql::check,
        places::check,
        catalogue::check,
    ];
    let mut violations: Vec<Violation> = rules.iter().flat_map(|rule| rule(&tree)).collect();
    violations.sort();
    violations.dedup();
    Ok(Report { violations, files: tree.texts.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let report = check(crate::repository().unwrap()).unwrap();
        assert!(report.files > 50, "only {} files were read", report.files);
        let list: Vec<String> = report.violations.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{}", list.join("\n"));
    }
}
