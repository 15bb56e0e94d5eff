//! `docs/test-catalogue.md` and those beside it say which test holds each case; a test that they name is there.
//!
//! Names are paths in backticks: `people::login::name` is in the black-box tests, and one that begins with a crate, or
//! with `xtask`, is a unit test of it. Whether a test does what its line says is for readers; this finds lines that were left behind.

use super::Violation;
use super::tree::{Text, Tree};

/// What the paths of these documents begin with.
const DOCUMENTS: &str = "docs/test-catalogue";
const BLACK_BOX: &str = "crates/contextforge/tests/it/";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let documents = tree.texts.iter().filter(|text| text.path.starts_with(DOCUMENTS));
    documents.flat_map(|document| absent(document, tree)).collect()
}

fn absent(document: &Text, tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(document.text.lines()) {
        for name in names(line).filter(|name| !is_there(tree, name)) {
            found.push(Violation::new(&document.path, number, format!("there is no test {name}")));
        }
    }
    found
}

/// What stands in backticks and is a path of Rust.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::"))
}

fn is_there(tree: &Tree, name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let module = module.replace("::", "/");
    let own = module.split_once('/').map(|(first, rest)| match first {
        "xtask" => format!("xtask/src/{rest}"),
        first => format!("crates/{first}/src/{rest}"),
    });
    let stems = [Some(format!("{BLACK_BOX}{module}")), own];
    let declared = format!("fn {function}(");
    stems.into_iter().flatten().any(|stem| {
        let files = [format!("{stem}.rs"), format!("{stem}/tests.rs")];
        tree.rust.iter().any(|file| files.contains(&file.path) && file.code.contains(&declared))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::RustFile;

    #[test]
    fn a_test_that_is_named_is_there() {
        let rust = [
            ("crates/contextforge/tests/it/people/login.rs", "async fn a_case() {}"),
            ("crates/engine/src/authn/token/tests.rs", "fn another() {}"),
            ("crates/engine/src/authn/window.rs", "// fn commented()\nfn third() {}"),
            ("xtask/src/bars/own.rs", "fn fourth() {}"),
        ];
        let rust = rust.map(|(path, text)| RustFile::new(path, text)).into();
        let text = "| 1 | `people::login::a_case` and `engine::authn::token::another`, `AUTH_MODE=x` |\n\
            `engine::authn::window::third`, `xtask::bars::own::fourth`\n`people::login::a_cas`, `engine::authn::window::commented`";
        let document = Text { path: "docs/test-catalogue.md".to_owned(), text: text.to_owned() };
        let tree = Tree { texts: vec![document], rust };
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "docs/test-catalogue.md:3: there is no test people::login::a_cas",
                "docs/test-catalogue.md:3: there is no test engine::authn::window::commented",
            ]
        );
    }
}
