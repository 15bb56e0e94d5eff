//! Writing key files: never over another file, and private from the first byte.

use std::{
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// Fails where one of the files exists, before a key is made for nothing.
pub(super) fn refuse_existing<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> anyhow::Result<()> {
    for path in paths {
        if path.symlink_metadata().is_ok() {
            bail!("{} exists and is not overwritten; choose another --out", path.display());
        }
    }
    Ok(())
}

/// A file for its owner only.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    write(path, text, 0o600)
}

/// A file for everybody to read.
pub(super) fn write_public(path: &Path, text: &str) -> anyhow::Result<()> {
    write(path, text, 0o644)
}

/// A folder for its owner only; one that exists is left as it is.
pub(super) fn make_folder(dir: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the folder {}", dir.display()))
}

/// Renames, and not over another file.
pub(super) fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    refuse_existing([&to.to_path_buf()])?;
    std::fs::rename(from, to).with_context(|| format!("cannot rename {}", from.display()))
}

/// The text is on the disk under a name that nobody reads before it has its own.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = dir.join(format!(".{name}.new"));
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(&unfinished);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link fails where the name exists; a rename would replace the file.
        std::fs::hard_link(&unfinished, path)
    });
    // What is left when a start was interrupted would be in the way of the next one.
    let removed = std::fs::remove_file(&unfinished);
    written.and(removed).with_context(|| format!("cannot write {}", path.display()))
}
