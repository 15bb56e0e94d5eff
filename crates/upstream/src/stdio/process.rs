//! One child process: started in a process group of its own, ended together with everything it started.
//!
//! The environment is what [`Supervision::inherited`] and the file give, nothing else. An end goes: standard input
//! closes, then the group gets SIGTERM, then SIGKILL, each a grace period apart. Should the gateway itself be ended
//! by SIGKILL, a `guard` does the same (`PR_SET_PDEATHSIG` would have to be set between fork and exec, which takes
//! unsafe code, and would not reach the children of the child). A program that leaves its process group (`setsid`) is
//! out of reach, and its pipe to the gateway is dropped.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    sync::{Arc, OnceLock},
    time::Duration,
};

use domain::{Error, Result};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream},
    process::{Child, ChildStderr, Command},
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::backoff::Backoff;
use self::guard::Guard;
pub use super::lines::Ring;
use super::{
    file::Launch,
    lines::{Line, Lines},
};

mod backoff;
mod guard;

/// Variables of the gateway's environment that children get: where programs are, who runs them, and how text, time
/// and temporary files go. Everything else has to be in the file.
pub const INHERITED: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// How children are kept.
#[derive(Debug, Clone)]
pub struct Supervision {
    /// The variables of [`INHERITED`] with their values; whoever reads the environment fills this in.
    pub inherited: Vec<(String, String)>,
    /// The longest line of output, in bytes; a longer one ends the child.
    pub line_limit: usize,
    /// How long an unanswered `server/discover` is waited for before `initialize` is sent as well.
    pub probe_timeout: Duration,
    /// How long a start may take in all. Package runners download the server first.
    pub start_timeout: Duration,
    /// The time between closed input, SIGTERM and SIGKILL.
    pub stop_grace: Duration,
    /// The wait before the first restart; doubled with every failure in a row.
    pub first_delay: Duration,
    /// The longest wait before a restart.
    pub longest_delay: Duration,
    /// A child that lived this long has not failed at starting.
    pub healthy_after: Duration,
    /// Calls wait for a restart that is this near; else they fail at once.
    pub patience: Duration,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            inherited: Vec::new(),
            line_limit: 16 << 20,
            probe_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_mins(1),
            stop_grace: Duration::from_secs(2),
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_mins(1),
            healthy_after: Duration::from_mins(1),
            patience: Duration::from_secs(2),
        }
    }
}

/// Messages that wait for a child to read its input. Enough for bursts; beyond it callers wait.
const QUEUE: usize = 64;

/// A running child. Dropping it ends the child in the background.
pub(crate) struct Process {
    input: mpsc::Sender<Vec<u8>>,
    stop: CancellationToken,
    reason: Arc<OnceLock<String>>,
    ended: watch::Receiver<Option<String>>,
}

/// The child's messages.
pub(crate) type Output = Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>;

impl Process {
    /// Starts the program. What it writes to standard error goes into `ring`; `tracker` counts it until it and
    /// its group are gone.
    pub(crate) fn spawn(
        launch: &Launch,
        supervision: &Supervision,
        ring: &Arc<Ring>,
        tracker: &TaskTracker,
    ) -> Result<(Self, Output)> {
        let mut child = command(launch, supervision).spawn().map_err(|error| {
            // The caller learns that it does not run; the operator learns what does not.
            ring.push(format!("cannot start {:?}: {error}", launch.command).as_bytes());
            Error::upstream("cannot be started")
        })?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).map(Group);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take(), group);
        let (Some(stdin), Some(stdout), Some(stderr), Some(group)) = pipes else {
            return Err(Error::internal("a child was started without pipes"));
        };
        let (input, lines) = mpsc::channel(QUEUE);
        let (announce, ended) = watch::channel(None);
        let stop = CancellationToken::new();
        let reason = Arc::new(OnceLock::new());
        let stopped = stop.clone();
        tokio::spawn(async move {
            let mut stdin = stdin;
            write(&mut stdin, lines, stopped).await;
        });
        tokio::spawn(keep(stderr, Arc::clone(ring)));
        let guard = Guard::post(group.0, supervision);
        let keeper =
            Keeper { child, group, _guard: guard, grace: supervision.stop_grace, stop: stop.clone() };
        let said = Arc::clone(&reason);
        tracker.spawn(async move {
            let status = keeper.run().await;
            let text = said.get().cloned().unwrap_or_else(|| describe(status.as_ref()));
            announce.send_replace(Some(text));
        });
        let output: Box<dyn AsyncRead + Send + Unpin> = Box::new(stdout);
        let output = Lines::new(BufReader::with_capacity(64 << 10, output), supervision.line_limit);
        Ok((Self { input, stop, reason, ended }, output))
    }

    /// Takes a connection for a program; when one of them ends, so does the other.
    pub(crate) fn attach(
        connection: DuplexStream,
        supervision: &Supervision,
        tracker: &TaskTracker,
    ) -> (Self, Output) {
        let (output, far) = tokio::io::split(connection);
        let (input, lines) = mpsc::channel(QUEUE);
        let (announce, ended) = watch::channel(None);
        let stop = CancellationToken::new();
        let reason = Arc::new(OnceLock::new());
        let (said, stopped) = (Arc::clone(&reason), stop.clone());
        tracker.spawn(async move {
            let mut far = far;
            write(&mut far, lines, stopped.clone()).await;
            stopped.cancelled().await;
            // The other side sees the end of what it reads; where it is gone already, so is everything.
            drop(far.shutdown().await);
            let text = said.get().cloned().unwrap_or_else(|| "closed its connection".to_owned());
            announce.send_replace(Some(text));
        });
        let output: Box<dyn AsyncRead + Send + Unpin> = Box::new(output);
        let output = Lines::new(BufReader::with_capacity(64 << 10, output), supervision.line_limit);
        (Self { input, stop, reason, ended }, output)
    }

    /// Queues one message, which must be JSON; waits while the queue is full.
    pub(crate) async fn send(&self, message: Vec<u8>) -> Result<()> {
        self.input.send(one_line(message)).await.map_err(|_| Error::upstream("is not running"))
    }

    /// Queues one message, unless the child does not read.
    pub(crate) fn offer(&self, message: Vec<u8>) -> bool {
        self.input.try_send(one_line(message)).is_ok()
    }

    /// Begins to end the child; `reason` is what [`Process::ending`] will say.
    pub(crate) fn end(&self, reason: impl Into<String>) {
        // The first reason is the cause; later ones are its consequences.
        drop(self.reason.set(reason.into()));
        self.stop();
    }

    /// Begins to end the child; its exit status is the reason.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the child and its group are gone; says why. Does not keep it running.
    pub(crate) fn ending(&self) -> impl Future<Output = String> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            let text = ended.wait_for(Option::is_some).await.ok().and_then(|text| text.clone());
            text.unwrap_or_else(|| "was ended by the gateway".to_owned())
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(launch: &Launch, supervision: &Supervision) -> Command {
    let mut command = Command::new(&launch.command);
    command
        .args(&launch.args)
        .env_clear()
        .envs(supervision.inherited.iter().map(|(name, value)| (name, value)))
        .envs(launch.env.iter().map(|(name, value)| (name, value.expose())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(cwd) = &launch.cwd {
        command.current_dir(cwd);
    }
    command
}

/// A message on a line of its own. Line breaks in JSON can only be blanks between tokens.
fn one_line(mut message: Vec<u8>) -> Vec<u8> {
    for byte in &mut message {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    message.push(b'\n');
    message
}

/// Writes queued messages until the child is to end; dropping the pipe is the first step of ending it.
async fn write(
    stdin: &mut (impl AsyncWrite + Unpin),
    mut lines: mpsc::Receiver<Vec<u8>>,
    stop: CancellationToken,
) {
    let writing = async {
        while let Some(line) = lines.recv().await {
            stdin.write_all(&line).await?;
        }
        io::Result::Ok(())
    };
    // A child that closed its input will be noticed by its silence or its end.
    drop(stop.run_until_cancelled(writing).await);
}

/// Reads standard error to its end, whatever comes.
async fn keep(stderr: ChildStderr, ring: Arc<Ring>) {
    let mut lines = Lines::new(BufReader::new(stderr), Ring::LINE_BYTES);
    let mut inside = false;
    while let Ok(Some(line)) = lines.next().await {
        let (text, more) = match line {
            Line::Whole(text) => (text, false),
            Line::TooLong(text) => (text, true),
        };
        if !inside {
            ring.push(&text);
        }
        inside = more;
    }
}

fn describe(status: Result<&ExitStatus, &io::Error>) -> String {
    match status {
        Err(_) => "ended".to_owned(),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit status {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        },
    }
}

/// The process group of a child. It is killed when this is dropped, which is also what happens when the runtime
/// goes away before the child has ended.
struct Group(Pid);

impl Group {
    /// The group may be gone already, which is what is wanted.
    fn signal(&self, signal: Signal) {
        kill_process_group(self.0, signal).ok();
    }

    fn is_empty(&self) -> bool {
        test_kill_process_group(self.0).is_err()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

struct Keeper {
    child: Child,
    group: Group,
    /// Dropped after the group, which is gone then.
    _guard: Option<Guard>,
    grace: Duration,
    stop: CancellationToken,
}

impl Keeper {
    /// Waits for the child's end or for the wish to end it, then ends what is left.
    async fn run(mut self) -> io::Result<ExitStatus> {
        let own = self.stop.clone().run_until_cancelled_owned(self.child.wait()).await;
        self.stop.cancel();
        let mut status = match own {
            Some(status) => Some(status),
            None => timeout(self.grace, self.child.wait()).await.ok(),
        };
        if !self.group.is_empty() {
            self.group.signal(Signal::TERM);
            let patient = async {
                if status.is_none() {
                    status = Some(self.child.wait().await);
                }
                // Nobody tells when a group is empty: the children of a child are not ours to wait for.
                let mut ticks = tokio::time::interval(Duration::from_millis(20));
                while !self.group.is_empty() {
                    ticks.tick().await;
                }
            };
            drop(timeout(self.grace, patient).await);
        }
        self.group.signal(Signal::KILL);
        match status {
            Some(status) => status,
            None => self.child.wait().await,
        }
    }
}
