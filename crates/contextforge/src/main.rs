//! `contextforge`: one binary that serves, configures and talks to the gateway.
//!
//! This crate reads the environment and the command line, puts the parts together and ends them. It holds no rules.

mod banner;
mod cli;
mod command;
mod config;
mod memory;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::from(error)),
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

#[expect(clippy::print_stderr, reason = "the last words of a command go to the terminal")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("contextforge: {error:#}");
    ExitCode::from(if error.is::<config::Mistakes>() { 64 } else { 1 })
}
