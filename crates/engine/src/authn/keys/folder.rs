//! `JWT_KEYS_DIR`: a folder in which a file's name says what its key is for.
//!
//! `NAME.active.pem` signs (the last by name, where there are several), `NAME.passive.pem` verifies only, and
//! `NAME.retired.pem` does nothing. Secrets of the HMAC algorithms are `NAME.active.key`; public keys that somebody
//! else has published as a JWK set are `NAME.passive.json`. Rotation is renaming, so a reader never sees half of it.

use std::{
    ffi::OsString,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A file is not longer than this.
const MAX_FILE: u64 = 64 * 1024;

/// What the key of a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileState {
    /// Signs and verifies.
    Active,
    /// Verifies what it signed before.
    Passive,
    /// Is refused.
    Retired,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// A PEM block.
    Pem,
    /// A shared secret as text.
    Secret,
    /// A JWK or a JWK set.
    Jwks,
}

/// One file of the folder.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// The name without state and format: what tokens of others may call the key.
    pub name: String,
    /// What the key is for.
    pub state: FileState,
    /// How it is written.
    pub format: FileFormat,
    /// Where it is.
    pub path: PathBuf,
}

impl FileState {
    /// The word in the file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Retired => "retired",
        }
    }
}

impl FileFormat {
    /// The end of the file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Secret => "key",
            Self::Jwks => "json",
        }
    }
}

impl KeyFile {
    /// What a file's name says; `None` where it is not of the form.
    fn of(path: PathBuf) -> Option<Self> {
        let mut words = path.file_name()?.to_str()?.rsplitn(3, '.');
        let format = match words.next()? {
            "pem" => FileFormat::Pem,
            "key" => FileFormat::Secret,
            "json" => FileFormat::Jwks,
            _ => return None,
        };
        let state = match words.next()? {
            "active" => FileState::Active,
            "passive" => FileState::Passive,
            "retired" => FileState::Retired,
            _ => return None,
        };
        let name = words.next().filter(|name| !name.is_empty())?.to_owned();
        Some(Self { name, state, format, path })
    }

    /// The file's name in another state.
    pub fn renamed(&self, state: FileState) -> PathBuf {
        self.path.with_file_name(format!("{}.{}.{}", self.name, state.as_str(), self.format.as_str()))
    }
}

/// The key files of a folder by name, and the names of files that are none.
pub fn list(dir: &Path) -> io::Result<(Vec<KeyFile>, Vec<String>)> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Mounted secrets bring hidden links and folders along.
        if name.starts_with('.') {
            continue;
        }
        match KeyFile::of(entry.path()) {
            Some(file) => files.push(file),
            None => others.push(name),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    others.sort_unstable();
    Ok((files, others))
}

/// The text of a key file.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let failed = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.len() > MAX_FILE {
        return Err(format!("{} is larger than a key", path.display()));
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Whether others than the owner may read or change the file.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}

/// What changes when a file of the folder does.
pub(crate) type Fingerprint = Vec<(OsString, u64, u64, i64, i64, u32)>;

/// The folder as it is now; empty where it cannot be read.
pub(crate) fn fingerprint(dir: &Path) -> Fingerprint {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Fingerprint = entries
        .filter_map(|entry| {
            // Of what a link points to: mounted secrets are replaced behind one.
            let file = std::fs::metadata(entry.path()).ok()?;
            Some((entry.file_name(), file.len(), file.ino(), file.mtime(), file.mtime_nsec(), file.mode()))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_key_is_for() {
        let file = |name: &str| KeyFile::of(PathBuf::from("d").join(name));
        let active = file("2026.11.active.pem").unwrap();
        assert_eq!((active.name.as_str(), active.state), ("2026.11", FileState::Active));
        assert_eq!(active.renamed(FileState::Passive), Path::new("d/2026.11.passive.pem"));
        assert_eq!(file("idp.passive.json").unwrap().format, FileFormat::Jwks);
        let secret = file("a.retired.key").unwrap();
        assert_eq!((secret.format, secret.state), (FileFormat::Secret, FileState::Retired));
        for other in ["private.pem", "a.signing.pem", "a.active.txt", ".active.pem", "active.pem"] {
            assert!(file(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.active.key");
        let most = usize::try_from(MAX_FILE).unwrap();
        for (length, fits) in [(most, true), (most + 1, false), (most + 2, false)] {
            std::fs::write(&path, "x".repeat(length)).unwrap();
            assert_eq!(read(&path).is_ok(), fits, "{length}");
        }
    }
}
