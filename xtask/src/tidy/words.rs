//! Words that code of this repository does not contain, tests included: unfinished work, silenced lints, skipped
//! tests, and real waiting in tests.

use super::Violation;
use super::tree::{RustFile, Tree};

const WORDS: [(&str, &str); 7] = [
    ("todo!", "finish it or leave it out"),
    ("unimplemented!", "finish it or leave it out"),
    ("dbg!", "left over from a search for a fault"),
    ("#[ignore", "a test that does not run proves nothing"),
    ("#[should_panic", "assert on the error"),
    ("#[allow(", "use #[expect(lint, reason = …)], which ends when the reason ends"),
    ("#![allow(", "use #[expect(lint, reason = …)], which ends when the reason ends"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    tree.rust.iter().flat_map(|file| forbidden(file).into_iter().chain(waiting(file))).collect()
}

fn forbidden(file: &RustFile) -> Vec<Violation> {
    let hits = file.code_lines().flat_map(|(line, code)| {
        WORDS.iter().filter(move |(word, _)| code.contains(word)).map(move |(word, why)| (line, word, why))
    });
    hits.map(|(line, word, why)| Violation::new(&file.path, line, format!("`{word}`: {why}"))).collect()
}

/// A test waits for an event or moves the clock. A paused runtime is a moved clock.
fn waiting(file: &RustFile) -> Vec<Violation> {
    let paused = ["start_paused", "time::pause("].iter().any(|word| file.code.contains(word));
    let sleeps =
        |code: &str| ["thread::sleep(", "time::sleep(", " sleep("].iter().any(|word| code.contains(word));
    let lines = file.code_lines().filter(|(line, code)| !paused && file.is_test_line(*line) && sleeps(code));
    lines
        .map(|(line, _)| Violation::new(&file.path, line, "a test does not sleep; wait for the event"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> usize {
        check(&Tree { texts: Vec::new(), rust: vec![RustFile::new(path, text)] }).len()
    }

    #[test]
    fn unfinished_work_is_found_in_code_only() {
        assert_eq!(messages("a/b.rs", "fn f() { todo!() }\n#[allow(dead_code)]\nfn g() {}\n"), 2);
        assert_eq!(messages("a/b.rs", "// todo! later\nconst A: &str = \"dbg!\";\n"), 0);
    }

    #[test]
    fn tests_do_not_sleep() {
        let body = "fn f() { std::thread::sleep(x); }\n";
        assert_eq!(messages("a/b.rs", body), 0);
        assert_eq!(messages("a/tests/it/b.rs", body), 1);
        assert_eq!(messages("a/tests/it/b.rs", &format!("#[tokio::test(start_paused = true)]\n{body}")), 0);
    }
}
