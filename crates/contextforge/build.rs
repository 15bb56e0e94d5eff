//! Asks the linker for packed relocations (DT_RELR) where the C library can read them (glibc 2.36): each start reads all
//! of them, and unpacked they are a megabyte of memory.

#![expect(clippy::disallowed_methods, reason = "what the compiler is told comes in the environment")]

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let here = env::var("HOST") == env::var("TARGET");
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && here && reads_packed() {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether this machine's glibc is one that reads them. Where it cannot be told, nothing is asked for.
fn reads_packed() -> bool {
    let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.trim().strip_prefix("glibc ").and_then(|version| version.split_once('.'));
    version.is_some_and(|(major, minor)| match (major.parse::<u32>(), minor.parse::<u32>()) {
        (Ok(2), Ok(minor)) => minor >= 36,
        (Ok(major), _) => major > 2,
        _ => false,
    })
}
