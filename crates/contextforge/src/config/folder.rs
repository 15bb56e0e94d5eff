//! The data folder: the database and generated secrets are in it, so it is its owner's alone.

use std::{
    fs::{DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

/// What nobody but the owner may have.
const OTHERS: u32 = 0o077;
const MODE: u32 = 0o700;

/// Makes the folder, with those above it, where it is missing.
pub(crate) fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(MODE).create(folder)
}

/// Takes from others what they may do in the folder, where it is there. Gives what an operator should know.
pub(super) fn tighten(folder: &Path) -> Option<String> {
    let mode = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?.permissions().mode();
    if mode & OTHERS == 0 {
        return None;
    }
    let place = folder.display();
    let was = format!("the data folder {place} was open to others (mode {:03o})", mode & 0o777);
    Some(match std::fs::set_permissions(folder, Permissions::from_mode(MODE)) {
        Ok(()) => format!("{was} and is its owner's alone now (700)"),
        Err(error) => format!("{was} and could not be closed: {error}; run `chmod 700 {place}`"),
    })
}
