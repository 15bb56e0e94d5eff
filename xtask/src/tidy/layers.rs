//! Which crate may depend on which, and which crate alone may use a library.
//!
//! Reads manifests line by line instead of asking cargo: a violation then has a line number, and the check stays
//! fast. The rules are section "Crates" of ARCHITECTURE.md; a new crate starts with a row here.

use super::Violation;
use super::tree::{Text, Tree};

/// Our crates, and for each the ones of ours that it may know.
const KNOWS: [(&str, &[&str]); 9] = [
    ("domain", &[]),
    ("protocol", &[]),
    ("store", &["domain", "protocol"]),
    ("upstream", &["domain", "protocol"]),
    ("content", &["domain", "protocol"]),
    ("plugins", &["domain", "protocol"]),
    ("engine", &["domain", "protocol", "store", "upstream", "content", "plugins"]),
    ("web", &["domain", "protocol", "engine"]),
    ("contextforge", &["domain", "protocol", "store", "upstream", "content", "plugins", "engine", "web"]),
];

/// Libraries that belong to one crate, and why.
const OWNED: [(&str, &[&str], &str); 14] = [
    ("sqlx", &["store"], "the database is behind store::Db"),
    ("redis", &["store"], "shared state is behind store::Bus"),
    ("axum", &["web", "contextforge"], "HTTP serving is the front door's, and that of `translate`"),
    ("askama", &["web"], "pages are the front door's"),
    ("utoipa", &["web"], "the API description is the front door's"),
    ("hyper-rustls", &["upstream"], "there is one way out of the process"),
    ("rustls", &["upstream"], "there is one way out of the process"),
    ("lettre", &["upstream"], "there is one way out of the process"),
    ("reqwest", &[], "upstream::egress is the only HTTP client"),
    ("hyper", &["upstream", "web"], "engine and store speak no HTTP"),
    ("hyper-util", &["upstream", "web"], "engine and store speak no HTTP"),
    ("anyhow", &["contextforge"], "domain::Error is the only error that crosses crates"),
    ("rmcp", &[], "payloads are passed on raw; rmcp is a peer in tests only"),
    ("fixture", &[], "it is a peer in tests only"),
];

/// Crates that hold data and rules without input, output or a runtime.
const PURE: [&str; 3] = ["domain", "protocol", "content"];
const RUNTIMES: [&str; 4] = ["tokio", "tokio-util", "futures-util", "tower"];

/// One line of a dependency table.
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    for_tests: bool,
}

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    tree.texts.iter().filter(|text| text.path.ends_with("/Cargo.toml")).flat_map(manifest).collect()
}

fn manifest(text: &Text) -> Vec<Violation> {
    let mut found = Vec::new();
    if !text.text.contains("[lints]\nworkspace = true") {
        found.push(Violation::new(&text.path, 1, "the workspace lints are not switched on"));
    }
    let Some(package) = text.path.strip_prefix("crates/").and_then(|rest| rest.strip_suffix("/Cargo.toml"))
    else {
        return found;
    };
    let Some((_, known)) = KNOWS.iter().find(|(name, _)| *name == package) else {
        found.push(Violation::new(&text.path, 1, "a new crate needs a row in xtask/src/tidy/layers.rs"));
        return found;
    };
    for dependency in dependencies(&text.text) {
        let message = problem(package, known, &dependency);
        found.extend(message.map(|message| Violation::new(&text.path, dependency.line, message)));
    }
    found
}

fn problem(package: &str, known: &[&str], dependency: &Dependency<'_>) -> Option<String> {
    let name = dependency.name;
    if KNOWS.iter().any(|(ours, _)| *ours == name) {
        return (!known.contains(&name)).then(|| format!("{package} must not know {name}"));
    }
    if dependency.for_tests {
        // What a test speaks is not what the program is built from.
        return None;
    }
    if PURE.contains(&package) && RUNTIMES.contains(&name) {
        return Some(format!("{package} is pure and must not use {name}"));
    }
    let (_, owners, why) = OWNED.iter().find(|(library, _, _)| *library == name)?;
    (!owners.contains(&package)).then(|| format!("{package} must not use {name}: {why}"))
}

/// The names in every dependency table of a manifest.
fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut table = "";
    let mut found = Vec::new();
    for (line, content) in (1..).zip(manifest.lines()) {
        if let Some(header) = content.strip_prefix('[') {
            table = header.trim_end_matches([']', ' ']);
            let name = table.split_once("dependencies.").map(|(_, name)| name);
            found.extend(name.map(|name| Dependency { name, line, for_tests: table.contains("dev-") }));
        } else if table.ends_with("dependencies") && content.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let end = content.find(['.', ' ', '=']).unwrap_or(content.len());
            let name = content.get(..end).unwrap_or_default();
            found.push(Dependency { name, line, for_tests: table.contains("dev-") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(package: &str, tables: &str) -> Vec<String> {
        let text = format!("[lints]\nworkspace = true\n{tables}");
        let path = format!("crates/{package}/Cargo.toml");
        manifest(&Text { path, text }).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn arrows_point_one_way() {
        assert!(messages("web", "[dependencies]\nengine.workspace = true\n").is_empty());
        assert_eq!(messages("web", "[dependencies]\nstore.workspace = true\n"), ["web must not know store"]);
        assert_eq!(
            messages("domain", "[dependencies.engine]\npath = \"x\"\n"),
            ["domain must not know engine"]
        );
        assert_eq!(messages("store", "[dev-dependencies]\nweb = { path = \"x\" }\n").len(), 1);
    }

    #[test]
    fn libraries_have_one_home() {
        assert_eq!(messages("engine", "[dependencies]\nsqlx = \"1\"\naxum.workspace = true\n").len(), 2);
        assert!(messages("store", "[dependencies]\nsqlx.workspace = true\n").is_empty());
        assert!(messages("engine", "[dev-dependencies]\nrmcp.workspace = true\n").is_empty());
        assert_eq!(messages("protocol", "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"\n").len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_asked_for_its_place() {
        assert_eq!(messages("helpers", "").len(), 1);
    }
}
