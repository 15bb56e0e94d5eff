//! A PostgreSQL server of one test's own, which can be stopped, ended and started again.
//!
//! Only where PostgreSQL is installed. It keeps what it acknowledged when its processes are killed: the log is written
//! before a commit is answered, and only a power failure could lose what the kernel holds (`fsync=off`).

use std::{
    io::ErrorKind,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::Connection;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
/// Below what the kernel hands out by itself, so that nobody takes the port while the server is away.
const PORTS: std::ops::Range<u16> = 15_000..30_000;

pub(super) struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// A server with an empty database; nothing where PostgreSQL is not installed.
    pub(super) async fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("postgres").tempdir().unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root; its package brings a user, who has to own the folder.
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap();
            assert!(owned.success(), "there is a user postgres");
        }
        let mut server = Self { programs, folder, port: free_port(), process: None };
        let mut init = server.command("initdb");
        init.args(["--pgdata", "data", "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"]);
        let made = init.args(["--locale", "C", "--no-sync"]).stdout(Stdio::null()).status().unwrap();
        assert!(made.success(), "initdb");
        server.run().await;
        Some(server)
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server, and returns when it answers.
    pub(super) async fn run(&mut self) {
        let answers = async {
            loop {
                let ended = self.process.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
                if ended {
                    // Until every process of its former life is gone, a new one does not start.
                    self.process = Some(self.serve().spawn().unwrap());
                }
                if let Ok(connection) = sqlx::PgConnection::connect(&self.url()).await {
                    return connection.close().await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, answers).await.expect("PostgreSQL starts in time");
    }

    fn serve(&self) -> Command {
        let mut serve = self.command("postgres");
        serve.args(["-D", "data", "-c", "listen_addresses=127.0.0.1", "-p"]).arg(self.port.to_string());
        serve.arg("-k").arg(self.folder.path());
        for setting in ["fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=60"] {
            serve.args(["-c", setting]);
        }
        serve.stdout(Stdio::null()).stderr(Stdio::null());
        serve
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Stops every process of it: connections stay, new ones are accepted by the kernel, and nothing is answered.
    pub(super) fn freeze(&self) {
        // Itself first, so that it makes no more of them.
        self.signal(Signal::STOP, &[]);
        self.signal(Signal::STOP, &self.children());
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        self.signal(Signal::CONT, &self.children());
    }

    /// Ends every process of it at once, as a crash does.
    pub(super) fn kill(&mut self) {
        self.freeze();
        // Those whose parent is gone would be nobody's children, and stay.
        self.signal(Signal::KILL, &self.children());
        self.process.take().unwrap().wait().unwrap();
    }

    fn children(&self) -> Vec<i32> {
        self.process.as_ref().map(|process| children_of(process.id())).unwrap_or_default()
    }

    fn signal(&self, signal: Signal, children: &[i32]) {
        let itself = self.process.as_ref().map(Pid::from_child);
        for id in itself.into_iter().chain(children.iter().filter_map(|id| Pid::from_raw(*id))) {
            match kill_process(id, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => panic!("process {id:?}: {error}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.thaw();
        if let Some(mut process) = self.process.take() {
            // Its immediate shutdown, which leaves nothing behind.
            let id = Pid::from_child(&process);
            if kill_process(id, Signal::QUIT).is_ok() {
                drop(process.wait());
            }
        }
    }
}

/// Processes whose parent is this one; a process and its parent stand behind the name in `/proc/*/stat`.
fn children_of(parent: u32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let behind = stat.rsplit(')').next().unwrap_or_default();
        behind.split_whitespace().nth(1) == Some(&*parent.to_string())
    })
    .collect()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The newest of Debian's folders, or the one on the path.
fn programs() -> Option<PathBuf> {
    let holds = |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut packaged: Vec<_> = packaged
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, folder)| holds(folder))
        .collect();
    packaged.sort();
    let path = std::env::vars_os().find(|(name, _)| name == "PATH").map(|(_, path)| path).unwrap_or_default();
    let on_path = || std::env::split_paths(&path).find(|folder| holds(folder));
    packaged.pop().map(|(_, folder)| folder).or_else(on_path)
}

fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    loop {
        let own = u16::try_from(std::process::id() % u32::from(count)).unwrap();
        let tried = own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count + PORTS.start;
        match TcpListener::bind(("127.0.0.1", tried)) {
            Ok(_) => return tried,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error}"),
        }
    }
}
