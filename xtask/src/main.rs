//! Chores of this repository that cargo itself does not know.
//!
//! `cargo xtask tidy` checks the rules that keep the tree readable: which crate may depend on which, how long a
//! file may be, which words SQL may use. `cargo xtask jose-vectors` runs published test vectors against the token
//! verifier. `cargo xtask content-eval` measures content screening on labelled data outside of the repository. Nothing
//! here changes a file.

mod content_eval;
mod jose;
mod tidy;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: cargo xtask COMMAND

  tidy                        check the rules of the repository; lists every violation as path:line: message
  jose-vectors --data FOLDER  verify the Wycheproof vectors for JSON Web Signatures and Keys; prints the counts
  content-bars --data FOLDER  print every bar of content security with its count; [--json]
  content-eval --data FOLDER  measure content screening on labelled data; [--json] [--missed METRIC]
";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy_command(),
        ["jose-vectors", "--data", folder] => jose::run(Path::new(folder), repository()?),
        ["content-bars", ..] => content_eval::bars::command(arguments.into_iter().skip(1)),
        ["content-eval", ..] => content_eval::command(arguments.into_iter().skip(1)),
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
