//! Ends a process group where the gateway was killed and could not do it itself.
//!
//! A killed process cannot clean up, and nothing tells its children but the end of their standard input, which not
//! every program heeds. So a small shell waits at a pipe whose other end only the gateway holds: when the pipe
//! closes, the group gets the time to end by itself, then SIGTERM, then SIGKILL. Where the gateway ends the group as
//! it should, the shell is killed before it does anything. Without a shell on the machine there is no guard.

use std::process::Stdio;

use rustix::process::Pid;
use tokio::process::{Child, Command};

use super::Supervision;

/// Gets the group and the seconds between its steps. A group that is gone ends it early.
const SCRIPT: &str = r#"read -r _; for signal in TERM KILL; do
    sleep "$2"; kill -s "$signal" -- "-$1" || exit 0
done"#;

/// The guard of one process group. Dropping it takes it off its post.
pub(super) struct Guard {
    /// Holds the pipe, and kills the shell when dropped.
    _shell: Child,
}

impl Guard {
    /// Posts a guard for `group`.
    pub(super) fn post(group: Pid, supervision: &Supervision) -> Option<Self> {
        let seconds = supervision.stop_grace.as_secs().max(1);
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard", &group.as_raw_nonzero().to_string(), &seconds.to_string()])
            .env_clear()
            .envs(supervision.inherited.iter().filter(|(name, _)| name == "PATH").cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal from the gateway's terminal must not end it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match shell {
            Ok(shell) => Some(Self { _shell: shell }),
            Err(error) => {
                tracing::debug!(%error, "there is no shell to guard the processes of the servers file");
                None
            }
        }
    }
}
