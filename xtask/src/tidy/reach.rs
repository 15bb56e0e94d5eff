//! What only one crate may reach for, whatever its manifest allows: child processes, the environment, HTTP clients.
//!
//! Also holds that the three front doors inside `web` do not import each other, so that a rule written for one is
//! not borrowed by another instead of moving into the engine. Test code is free.

use super::Violation;
use super::tree::{RustFile, Tree};

/// Text in code, the crates that may have it, and what to do instead.
const REACH: [(&str, &[&str], &str); 12] = [
    ("env::{", &["contextforge"], "only contextforge reads the environment; take a setting"),
    ("env::current_", &["contextforge"], "only contextforge reads the environment; take a setting"),
    ("env::temp_dir", &["contextforge"], "only contextforge reads the environment; take a setting"),
    ("env::var", &["contextforge"], "only contextforge reads the environment; take a setting"),
    ("env::args", &["contextforge"], "only contextforge reads the command line"),
    ("process::Command", &["upstream"], "only upstream starts child processes"),
    ("Command::new(", &["upstream"], "only upstream starts child processes"),
    ("hyper_util::client", &["upstream"], "only upstream sends requests; use upstream::egress"),
    ("hyper::client", &["upstream"], "only upstream sends requests; use upstream::egress"),
    ("TcpStream::connect", &["upstream"], "only upstream opens connections; use upstream::egress"),
    ("sqlx::", &["store"], "SQL lives in store"),
    // `translate` is a server of its own, without the gateway behind it.
    ("axum::", &["web", "contextforge/src/command/translate"], "routing and extractors live in web"),
];

const FRONT_DOORS: [&str; 3] = ["api", "mcp", "ui"];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    tree.rust.iter().flat_map(|file| reached(file).into_iter().chain(front_doors(file))).collect()
}

fn reached(file: &RustFile) -> Vec<Violation> {
    let Some(package) = file.package() else { return Vec::new() };
    let mut found = Vec::new();
    for (line, code) in file.code_lines().filter(|(line, _)| !file.is_test_line(*line)) {
        let broken =
            REACH.iter().find(|(word, owners, _)| !owned(file, package, owners) && code.contains(word));
        found.extend(broken.map(|(_, _, message)| Violation::new(&file.path, line, *message)));
    }
    found
}

/// Whether a file belongs to one of the owners: packages, or the beginnings of paths below `crates`.
fn owned(file: &RustFile, package: &str, owners: &[&str]) -> bool {
    let path = file.path.strip_prefix("crates/").unwrap_or_default();
    owners.iter().any(|owner| *owner == package || owner.contains('/') && path.starts_with(owner))
}

fn front_doors(file: &RustFile) -> Vec<Violation> {
    let Some(inside) = file.path.strip_prefix("crates/web/src/") else { return Vec::new() };
    let Some(door) = inside.split(['/', '.']).next().filter(|name| FRONT_DOORS.contains(name)) else {
        return Vec::new();
    };
    let others = FRONT_DOORS.iter().filter(|other| **other != door);
    others.flat_map(|other| imports(file, door, other)).collect()
}

fn imports(file: &RustFile, door: &str, other: &str) -> Vec<Violation> {
    let (path, alone) = (format!("crate::{other}::"), format!("crate::{other};"));
    let hit = |code: &str| code.contains(&path) || code.contains(&alone);
    let lines = file.code_lines().filter(|(_, code)| hit(code));
    lines
        .map(|(line, _)| {
            Violation::new(&file.path, line, format!("web::{door} must not import web::{other}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let tree = Tree { texts: Vec::new(), rust: vec![RustFile::new(path, text)] };
        check(&tree).into_iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_part_of_a_package_can_own_a_word() {
        let text = "fn f() -> axum::Router { todo() }\n";
        assert!(lines("crates/contextforge/src/command/translate/door.rs", text).is_empty());
        assert_eq!(lines("crates/contextforge/src/command/serve.rs", text), [1]);
    }

    #[test]
    fn child_processes_belong_to_upstream() {
        let text = "\nuse tokio::process::Command;\nfn f() { Command::new(\"x\"); }\n";
        assert_eq!(lines("crates/engine/src/a.rs", text), [2, 3]);
        assert!(lines("crates/upstream/src/a.rs", text).is_empty());
        assert!(lines("xtask/src/a.rs", text).is_empty());
    }

    #[test]
    fn comments_strings_and_tests_may_mention_anything() {
        let text = "// std::env::var\nconst A: &str = \"axum::Router\";\n#[cfg(test)]\nmod tests {\n use std::env::temp_dir;\n}\n";
        assert!(lines("crates/engine/src/a.rs", text).is_empty());
    }

    #[test]
    fn front_doors_do_not_import_each_other() {
        assert_eq!(
            lines("crates/web/src/api/tools.rs", "use crate::mcp::reply;\nuse crate::guard::Public;\n"),
            [1]
        );
        assert!(lines("crates/web/src/routes.rs", "use crate::mcp::reply;\n").is_empty());
    }
}
