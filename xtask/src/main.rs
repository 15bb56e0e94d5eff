//! Chores of this repository that cargo itself does not know.
//!
//! `cargo xtask tidy` checks the rules that keep the tree readable: which crate may depend on which, how long a
//! file may be, which words SQL may use. It only reads; nothing here changes a file. `cargo xtask content-eval` measures
//! content screening on labelled data outside of the repository.

mod content_eval;
mod tidy;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

const USAGE: &str = "usage: cargo xtask COMMAND\n\n  tidy           check the rules of the repository; lists every violation as path:line: message\n  \
    content-eval   measure content screening on labelled data: --data DIR [--json] [--missed METRIC]\n";

fn main() -> Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy_command(),
        Some("content-eval") => content_eval::command(std::env::args().skip(2)),
        _ => {
            write!(std::io::stderr(), "{USAGE}")?;
            Ok(ExitCode::from(2))
        }
    }
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
