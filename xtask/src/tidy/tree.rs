//! The files of the repository, read once.
//!
//! Build output, downloaded packages and local data are left out by folder name, not by asking git: the rules must
//! hold for a file before it is committed, and the check must also work in an unpacked archive.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::masked::{Literal, Masked};

const SKIPPED: [&str; 5] = ["target", "node_modules", "data", ".venv", "__pycache__"];
const LONGEST_TEXT: u64 = 2 << 20;

/// One text file: Rust, manifests, scripts, documents.
pub(crate) struct Text {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Text {
    pub(crate) fn is_a(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own == extension)
    }
}

/// One Rust file, split into code and literals.
pub(crate) struct RustFile {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) code: String,
    pub(crate) strings: Vec<Literal>,
    /// The whole file is test code.
    is_test: bool,
    /// The line at which the unit tests at the end of the file start.
    tests_from: Option<usize>,
}

/// Everything that the rules look at.
#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) texts: Vec<Text>,
    pub(crate) rust: Vec<RustFile>,
}

impl RustFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let Masked { code, strings, .. } = Masked::new(text);
        let tests_from = inline_tests(&code);
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        Self { path: path.to_owned(), text: text.to_owned(), code, strings, is_test, tests_from }
    }

    /// The package folder below `crates/`; tools of the repository (xtask, fixtures) have none.
    pub(crate) fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/").and_then(|rest| rest.split('/').next())
    }

    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.tests_from.is_some_and(|first| line >= first)
    }

    /// Lines before the unit tests.
    pub(crate) fn length(&self) -> usize {
        if self.is_test { 0 } else { self.tests_from.map_or(self.text.lines().count(), |first| first - 1) }
    }

    /// Numbered lines of code, comments and literals blanked.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines())
    }

    /// Paths (without `.rs`) of the modules that this file declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => stem,
        };
        let mut lines = self.code.lines();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            if line.trim() == "#[cfg(test)]"
                && let Some(name) =
                    lines.next().and_then(|next| next.trim().strip_suffix(';')).and_then(module_name)
            {
                found.push(format!("{folder}/{name}"));
            }
        }
        found
    }
}

impl Tree {
    /// Reads every text file below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        tree.texts.sort_by(|a, b| a.path.cmp(&b.path));
        let rust = tree.texts.iter().filter(|text| text.is_a("rs"));
        tree.rust = rust.map(|text| RustFile::new(&text.path, &text.text)).collect();
        tree.mark_test_modules();
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            // In a second worktree `.git` is a file.
            if name == ".git" || kind.is_dir() && SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file()
                && entry.metadata()?.len() <= LONGEST_TEXT
                && let Ok(text) = fs::read_to_string(entry.path())
            {
                self.texts.push(Text { path, text });
            }
        }
        Ok(())
    }

    /// A file is test code when the module that declares it is compiled for tests only.
    fn mark_test_modules(&mut self) {
        let declared: BTreeSet<String> = self.rust.iter().flat_map(RustFile::test_modules).collect();
        for file in &mut self.rust {
            let stem = file.path.trim_end_matches(".rs");
            file.is_test |= declared.iter().any(|module| {
                stem.strip_prefix(module.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
        }
    }
}

/// The line of the `#[cfg(test)]` that opens a module with a body.
fn inline_tests(code: &str) -> Option<usize> {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines.iter().position(|line| *line == "#[cfg(test)]").and_then(|_| {
        (1..).zip(lines.windows(2)).find_map(|(number, pair)| match pair {
            ["#[cfg(test)]", next] => next.strip_suffix('{').and_then(module_name).map(|_| number),
            _ => None,
        })
    })
}

/// `name` out of `mod name`, `pub mod name`, `pub(crate) mod name`.
fn module_name(declaration: &str) -> Option<&str> {
    let (before, name) = declaration.trim().rsplit_once(' ')?;
    (before == "mod" || before.ends_with(" mod")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_tests_do_not_count_as_length() {
        let file = RustFile::new("crates/web/src/a.rs", "//! a\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(file.length(), 3);
        assert!(!file.is_test_line(3));
        assert!(file.is_test_line(5));
        assert_eq!(file.package(), Some("web"));
    }

    #[test]
    fn a_helper_compiled_for_tests_only_is_no_module_of_tests() {
        let file = RustFile::new("crates/web/src/a.rs", "#[cfg(test)]\nfn only_here() {}\nfn b() {}\n");
        assert_eq!(file.length(), 3);
        assert!(!file.is_test_line(3));
    }

    #[test]
    fn files_of_test_modules_are_test_code() {
        let mut tree = Tree {
            texts: Vec::new(),
            rust: vec![
                RustFile::new("crates/web/src/lib.rs", "#[cfg(test)]\npub(crate) mod peer;\nmod routes;\n"),
                RustFile::new("crates/web/src/peer.rs", ""),
                RustFile::new("crates/web/src/peer/script.rs", ""),
                RustFile::new("crates/web/src/routes.rs", ""),
            ],
        };
        tree.mark_test_modules();
        let test: Vec<bool> = tree.rust.iter().map(|file| file.is_test_line(1)).collect();
        assert_eq!(test, [false, true, true, false]);
    }
}
