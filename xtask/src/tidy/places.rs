//! Nothing in the repository names one person's machine or one network's package hosts: what is checked in must
//! mean the same everywhere.

use super::Violation;
use super::tree::{Text, Tree};

const PLACES: [&str; 4] = ["/work/", "/root/", "/home/", "/tmp/"];
const HOSTS: [&str; 8] = [
    "registry.npmjs.org",
    "pypi.org",
    "pythonhosted.org",
    "static.crates.io",
    "index.crates.io",
    "deb.debian.org",
    "--index-url",
    "--registry",
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    // The lock file names the index by design; this file has to spell what it looks for.
    let spared = |path: &str| path == "Cargo.lock" || path == "xtask/src/tidy/places.rs";
    tree.texts.iter().filter(|text| !spared(&text.path)).flat_map(places).collect()
}

fn places(text: &Text) -> Vec<Violation> {
    if !PLACES.iter().chain(&HOSTS).any(|word| text.text.contains(word)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, content) in (1..).zip(text.text.lines()) {
        if let Some(place) = PLACES.iter().find(|place| starts_a_path(content, place)) {
            found.push(Violation::new(&text.path, line, format!("a path of one machine: {place}")));
        }
        if let Some(host) = HOSTS.iter().find(|host| content.contains(**host)) {
            found.push(Violation::new(&text.path, line, format!("a package host or its choice: {host}")));
        }
    }
    found
}

/// Whether an absolute path starts with `place` on this line; `example.com/work/` and `$HOME/work/` are not it.
fn starts_a_path(content: &str, place: &str) -> bool {
    content.match_indices(place).any(|(at, _)| {
        let before = content.get(..at).and_then(|part| part.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-})]*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(content: &str) -> usize {
        places(&Text { path: "README.md".to_owned(), text: content.to_owned() }).len()
    }

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        assert_eq!(count("see /work/notes and \"/home/me/x\""), 1);
        assert_eq!(count("a\n`/tmp/x`\n"), 1);
        assert_eq!(count("https://example.com/work/1, ./tmp/x, ${ROOT}/tmp/x, ${TMPDIR:-/tmp}"), 0);
    }

    #[test]
    fn package_hosts_are_found() {
        assert_eq!(count("pip install --index-url https://example.com mcp"), 1);
        assert_eq!(count("pip install mcp"), 0);
    }
}
