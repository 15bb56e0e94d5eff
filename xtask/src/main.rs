//! Chores of this repository that cargo itself does not know.
//!
//! `cargo xtask tidy` checks the rules that keep the tree readable: which crate may depend on which, how long a
//! file may be, which words SQL may use. It only reads; nothing here changes a file.

mod tidy;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

const USAGE: &str = "usage: cargo xtask tidy\n\n  tidy   check the rules of the repository; lists every violation as path:line: message\n";

fn main() -> Result<ExitCode> {
    if std::env::args().nth(1).as_deref() == Some("tidy") {
        return tidy_command();
    }
    write!(std::io::stderr(), "{USAGE}")?;
    Ok(ExitCode::from(2))
}

fn tidy_command() -> Result<ExitCode> {
    let started = Instant::now();
    let report = tidy::check(repository()?)?;
    let mut out = std::io::stdout().lock();
    for violation in &report.violations {
        writeln!(out, "{violation}")?;
    }
    let (count, files) = (report.violations.len(), report.files);
    writeln!(out, "tidy: {count} violations in {files} files, {} ms", started.elapsed().as_millis())?;
    Ok(if count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The root of the repository: the folder above this crate.
fn repository() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lives one folder below the root")
}
