//! One file for each group of commands.

mod content;
mod database;
mod doctor;
mod keys;
mod local;
mod remote;
mod reverse_proxy;
mod serve;
mod token;
mod translate;
mod user;
mod why;
mod wrapper;

use std::process::ExitCode;

use serde_json::json;

use crate::{
    cli::{Cli, Command, Config},
    config,
};

/// Runs the command and gives the exit code.
pub(crate) async fn run(arguments: Cli) -> anyhow::Result<ExitCode> {
    let data_dir = arguments.data_dir;
    match arguments.command {
        Command::Serve(options) => serve::run(&data_dir, options).await,
        Command::Token(token) => token::run(&data_dir, token),
        Command::Keys(keys) => keys::run(keys),
        Command::Config(Config::Check(output)) => Ok(check(&data_dir, output.json)),
        Command::Config(Config::Docs { env }) => {
            say(&if env { config::docs::env_example() } else { config::docs::markdown() });
            Ok(ExitCode::SUCCESS)
        }
        Command::Db(db) => database::run(&data_dir, db).await,
        Command::User(user) => user::run(&data_dir, user).await,
        Command::Gateway(gateway) => remote::gateway(&data_dir, gateway).await,
        Command::Tool(tool) => remote::tool(&data_dir, tool).await,
        Command::Wrapper(options) => wrapper::run(options).await,
        Command::Translate(options) => translate::run(options).await,
        Command::ReverseProxy(options) => reverse_proxy::run(options).await,
        Command::Content(command) => content::run(command),
        Command::Why(options) => why::run(&data_dir, options).await,
        Command::Doctor(output) => doctor::run(&data_dir, output.json).await,
    }
}

/// Prints what a command was asked for.
#[expect(clippy::print_stdout, reason = "the output of a command")]
pub(crate) fn say(text: &str) {
    println!("{}", text.trim_end());
}

/// Prints advice beside the output, so that scripts can read the output.
#[expect(clippy::print_stderr, reason = "advice beside the output of a command")]
pub(crate) fn advise(text: &str) {
    eprintln!("{}", text.trim_end());
}

fn say_each<T: std::fmt::Display>(label: &str, lines: &[T]) {
    for line in lines {
        say(&format!("{label}{line}"));
    }
}

fn check(data_dir: &std::path::Path, as_json: bool) -> ExitCode {
    let (problems, remarks) = match config::load(data_dir, vec![], false) {
        Ok(configuration) => (vec![], configuration.remarks),
        Err(mistakes) => (mistakes.0, vec![]),
    };
    // Outside production a start makes the secrets that are missing; that is no mistake.
    let generated = |problem: &domain::Problem| {
        problem.message == "is required"
            && ["JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET"].contains(&problem.field.as_str())
    };
    let (later, problems): (Vec<_>, Vec<_>) = problems.into_iter().partition(generated);
    if as_json {
        let listed: Vec<_> =
            problems.iter().map(|p| json!({ "setting": p.field, "problem": p.message })).collect();
        say(&json!({ "ok": listed.is_empty(), "problems": listed, "remarks": remarks }).to_string());
    } else {
        say_each("problem: ", &problems);
        say_each("remark:  ", &remarks);
        let later = later.iter().map(|p| format!("{} is generated at the first start", p.field));
        say_each("note:    ", &later.collect::<Vec<_>>());
        say(if problems.is_empty() { "The configuration is sound." } else { "The gateway would not start." });
    }
    ExitCode::from(if problems.is_empty() { 0 } else { 64 })
}
