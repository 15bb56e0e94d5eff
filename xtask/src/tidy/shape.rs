//! The shape of a Rust file: short, with a header that says what it is for, and never called `mod.rs`.

use super::Violation;
use super::tree::{RustFile, Tree};

/// Lines before the tests. A file that reaches this has two subjects.
const LONGEST_FILE: usize = 400;
/// Shorter than this is a label and no sentence.
const SHORTEST_HEADER: usize = 20;

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    tree.rust.iter().filter(|file| !file.path.contains("/generated/")).flat_map(shape).collect()
}

fn shape(file: &RustFile) -> Vec<Violation> {
    let mut found = Vec::new();
    if file.length() > LONGEST_FILE {
        let message = format!("{} lines before the tests; {LONGEST_FILE} is the most", file.length());
        found.push(Violation::new(&file.path, LONGEST_FILE + 1, message));
    }
    if file.path.ends_with("/mod.rs") {
        found.push(Violation::new(&file.path, 1, "name the file after the module, beside its folder"));
    }
    // The unit tests of a file are told by their names; "tests of this module" would say nothing.
    if !file.path.ends_with("/tests.rs") && header(&file.text) < SHORTEST_HEADER {
        found.push(Violation::new(
            &file.path,
            1,
            "the file starts with a `//!` header that says what it is for",
        ));
    }
    found
}

/// Characters of the module header; attributes may stand before it.
fn header(text: &str) -> usize {
    let lines = text.lines().skip_while(|line| line.is_empty() || line.starts_with("#!["));
    lines.map_while(|line| line.strip_prefix("//!")).map(|line| line.trim().len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        shape(&RustFile::new(path, text)).len()
    }

    const HEADER: &str = "//! What this file is for, in a sentence.\n";

    #[test]
    fn a_header_is_a_sentence() {
        assert_eq!(count("a/b.rs", HEADER), 0);
        assert_eq!(count("a/b.rs", "//! m\nfn main() {}\n"), 1);
        assert_eq!(count("a/b.rs", "#![doc = \"x\"]\n//! What this file is for, in a sentence.\n"), 0);
        assert_eq!(count("a/b.rs", "fn main() {}\n"), 1);
        assert_eq!(count("a/b/tests.rs", "fn main() {}\n"), 0);
    }

    #[test]
    fn long_files_are_refused_but_long_tests_are_not() {
        let long = "fn a() {}\n".repeat(LONGEST_FILE);
        assert_eq!(count("a/b.rs", &format!("{HEADER}{long}")), 1);
        assert_eq!(count("a/b.rs", &format!("{HEADER}#[cfg(test)]\nmod tests {{\n{long}}}\n")), 0);
        assert_eq!(count("a/tests/it/b.rs", &format!("{HEADER}{long}")), 0);
    }

    #[test]
    fn module_files_carry_the_name_of_the_module() {
        assert_eq!(count("a/mod.rs", HEADER), 1);
    }
}
