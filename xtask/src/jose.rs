//! `jose-vectors`: published test vectors for JSON Web Signatures and Keys, through the gateway's own verifier.
//!
//! The verifier is called by an example of `engine`, so that `tidy` is built without the gateway. This part unpacks
//! the files and hands them over one by one.

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

const FILES: [&str; 2] = ["json_web_signature_test", "json_web_key_test"];

pub(crate) fn run(folder: &Path, repository: &Path) -> Result<ExitCode> {
    let mut right = true;
    for name in FILES {
        let path = folder.join(format!("{name}.json.gz"));
        let mut text = Vec::new();
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        GzDecoder::new(file).read_to_end(&mut text).context("the file is not gzip")?;
        write!(std::io::stdout(), "{name}: ")?;
        std::io::stdout().flush()?;
        right &= judge(&text, repository)?;
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(text: &[u8], repository: &Path) -> Result<bool> {
    let mut child = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--package", "engine", "--example", "jose-vectors"])
        .current_dir(repository)
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    // Dropped at the end of the statement: the child then sees the end of its input.
    child.stdin.take().context("the child has no input")?.write_all(text)?;
    Ok(child.wait()?.success())
}
