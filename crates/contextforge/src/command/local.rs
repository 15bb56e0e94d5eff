//! A program that somebody names on the command line, as a server on standard input and output.

use std::path::Path;

use anyhow::Context;
use upstream::stdio::{
    file::Launch,
    local::{Local, Messages},
    process::Supervision,
};

use super::advise;
use crate::config;

/// The words of a command; no shell is involved.
pub(super) fn launch(command: &str) -> anyhow::Result<Launch> {
    let mut words = shlex::split(command).context("the command has an open quotation mark")?.into_iter();
    let command = words.next().context("the command is empty")?;
    Ok(Launch { command, args: words.collect(), env: Vec::new(), cwd: None })
}

/// The program's name without its folder, for people.
pub(super) fn name_of(launch: &Launch) -> String {
    let name = Path::new(&launch.command).file_stem().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| launch.command.clone())
}

/// Starts it, in the environment of this command: whoever runs this could run it as well.
pub(super) fn start(launch: &Launch) -> anyhow::Result<(Local, Messages)> {
    let inherited = config::environment().into_iter().collect();
    let supervision = Supervision { inherited, ..Supervision::default() };
    Local::start(launch, &supervision).with_context(|| format!("cannot start {:?}", launch.command))
}

/// Says what a program that ended had to say.
pub(super) fn last_words(local: &Local) {
    for line in local.stderr().iter().rev().take(5).rev() {
        advise(&format!("  {line}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_apart_as_a_shell_would() {
        let taken = launch("/usr/bin/run-it.sh 'a b' --c=\"d\" $HOME;x").unwrap();
        assert_eq!(taken.command, "/usr/bin/run-it.sh");
        assert_eq!(taken.args, ["a b", "--c=d", "$HOME;x"]);
        assert_eq!(name_of(&taken), "run-it");
        assert!(launch("").is_err() && launch("a 'b").is_err());
    }
}
