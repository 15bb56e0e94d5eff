//! MCP with one child process: started when it is first needed, restarted after it ended, shared by all callers.
//!
//! A start runs as a task of its own, so that impatient callers do not stop a server that starts slowly; whoever
//! needs the server meanwhile waits for the same start. One process serves every principal: what it asks a client reaches
//! the one caller that it must be for ([`asked`]) and is refused where there is a doubt. Log messages name no call: one
//! reaches the only caller there is, and is dropped where it could be another principal's.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use domain::{
    Error, Result,
    gateway::{Dialect, ProtocolChoice},
    id::GatewayId,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    sync::broadcast,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::session::{Session, Setup};
use super::{
    file::Launch,
    process::{Backoff, Ring, Supervision},
};
use crate::{
    attached::Attached,
    call::{Answer, Call, Change, Connected, Notice, Update},
};

mod asked;
mod follow;
mod handshake;
mod session;
mod stream;
mod wire;

/// What a link needs to know.
#[derive(Debug, Clone)]
pub struct StdioConfig {
    /// The gateway that notices are about.
    pub gateway: GatewayId,
    /// The server's name, for messages.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// What the operator wants of the era probe.
    pub protocol: ProtocolChoice,
    /// What an earlier probe found.
    pub dialect: Option<Dialect>,
    /// How the process is kept.
    pub supervision: Supervision,
}

/// Where a server comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is run.
    Launch(Launch),
    /// It opens a connection itself, which waits under this name.
    Attached(Attached, String),
}

/// A server that runs as a child process. Dropping it ends the process in the background.
#[derive(Debug)]
pub struct StdioLink {
    inner: Arc<Inner>,
}

struct Inner {
    config: StdioConfig,
    ring: Arc<Ring>,
    notices: broadcast::Sender<Notice>,
    updates: broadcast::Sender<Update>,
    processes: TaskTracker,
    closed: CancellationToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Attempt>,
    attempts: u64,
    backoff: Backoff,
    /// Whether the server was found to be modern.
    modern: Option<bool>,
}

impl State {
    fn over(&mut self, lived: Duration, supervision: &Supervision) {
        self.current = None;
        self.backoff.ended(Instant::now(), lived, supervision);
    }
}

/// A start that is under way or succeeded; failed and ended ones are taken out of [`State`].
struct Attempt {
    number: u64,
    running: Start,
}

type Start = Shared<BoxFuture<'static, Result<Arc<Running>, Failure>>>;

struct Running {
    session: Arc<Session>,
    since: Instant,
    connected: Connected,
}

/// An error that every waiting caller gets a copy of.
#[derive(Debug, Clone)]
struct Failure {
    message: String,
    timeout: bool,
}

impl StdioLink {
    /// A link to a server that is not started yet.
    pub fn new(
        config: StdioConfig,
        notices: broadcast::Sender<Notice>,
        updates: broadcast::Sender<Update>,
    ) -> Self {
        let modern = config.dialect.as_ref().map(|dialect| dialect.modern);
        let state = Mutex::new(State { modern, ..State::default() });
        let (ring, processes, closed) = (Arc::default(), TaskTracker::new(), CancellationToken::new());
        Self { inner: Arc::new(Inner { config, ring, notices, updates, processes, closed, state }) }
    }

    /// Starts the server if it does not run, and says what it is.
    #[crate::boxed]
    pub async fn connect(&self) -> Result<Connected> {
        let running = self.inner.running().await.map_err(|error| self.inner.named(error))?;
        Ok(running.connected.clone())
    }

    /// Sends one request. Dropping the future or the answer cancels it at the server.
    #[crate::boxed]
    pub async fn call(&self, call: Call) -> Result<Answer> {
        let deadline = Instant::now() + call.timeout;
        let begun = async {
            let running = self.inner.running().await?;
            let modern = running.connected.dialect.modern;
            let params = |id| wire::params(&call.params, &call.context, modern, id);
            running.session.begin(&call.method, params, Some((&call.context, modern))).await
        };
        let in_flight = self.inner.within(deadline, begun).await?;
        stream::answer(Arc::clone(&self.inner), in_flight, deadline).await
    }

    /// The last lines that the server wrote to standard error, or to standard output besides its messages.
    pub fn stderr(&self) -> Vec<String> {
        self.inner.ring.lines()
    }

    /// Ends the server for good, and waits until it and all that it started are gone.
    #[crate::boxed]
    pub async fn close(&self) {
        self.inner.close();
        self.inner.processes.wait().await;
    }
}

impl Drop for StdioLink {
    fn drop(&mut self) {
        self.inner.close();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the server's name into an error.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::Upstream { message, timeout } => {
                Error::Upstream { message: format!("The server {} {message}", self.config.name), timeout }
            }
            error => error,
        }
    }

    /// Limits the time of work, and names the server in its errors.
    async fn within<T>(&self, deadline: Instant, work: impl Future<Output = Result<T>>) -> Result<T> {
        let result = timeout_at(deadline, work).await.unwrap_or_else(|_| Err(timed_out()));
        result.map_err(|error| self.named(error))
    }

    async fn running(self: &Arc<Self>) -> Result<Arc<Running>> {
        let start = self.start()?;
        start.await.map_err(Error::from)
    }

    /// The start that is under way or succeeded, or a new one.
    fn start(self: &Arc<Self>) -> Result<Start> {
        let mut state = self.state();
        if self.closed.is_cancelled() {
            return Err(Error::upstream("is being ended"));
        }
        if let Some(attempt) = &state.current {
            match attempt.running.peek() {
                // It ended a moment ago, and its watcher has not come to it.
                Some(Ok(running)) if running.session.is_gone() => {
                    let lived = running.since.elapsed();
                    state.over(lived, &self.config.supervision);
                }
                _ => return Ok(attempt.running.clone()),
            }
        }
        let delay = state.backoff.remaining(Instant::now());
        if delay > self.config.supervision.patience {
            let message =
                format!("is down; it is started again in {} s at the earliest", delay.as_secs() + 1);
            return Err(Error::upstream(message));
        }
        state.attempts += 1;
        let number = state.attempts;
        let task = self.processes.spawn(Arc::clone(self).attempt(number, delay, state.modern));
        let joined =
            async { task.await.unwrap_or_else(|_| Err(Failure::from(Error::upstream("is being ended")))) };
        let running = joined.boxed().shared();
        state.current = Some(Attempt { number, running: running.clone() });
        Ok(running)
    }

    async fn attempt(
        self: Arc<Self>,
        number: u64,
        delay: Duration,
        modern: Option<bool>,
    ) -> Result<Arc<Running>, Failure> {
        let work = async {
            tokio::time::sleep(delay).await;
            let patient = timeout(self.config.supervision.start_timeout, self.open(modern));
            patient.await.unwrap_or_else(|_| Err(timed_out()))
        };
        let result = self.closed.run_until_cancelled(work).await;
        let result = result.unwrap_or_else(|| Err(Error::upstream("is being ended")));
        match result {
            Ok(running) => {
                self.state().modern = Some(running.connected.dialect.modern);
                tokio::spawn(watch(Arc::downgrade(&self), number, running.session.gone(), running.since));
                Ok(Arc::new(running))
            }
            Err(error) => {
                self.over(number, Duration::ZERO);
                tracing::warn!(server = self.config.name, %error, "stdio server did not start");
                Err(Failure::from(error))
            }
        }
    }

    async fn open(self: &Arc<Self>, modern: Option<bool>) -> Result<Running> {
        let choice = self.config.protocol;
        let session = self.spawn()?;
        let greeted = handshake::greet(&session, choice, modern, &self.config.supervision).await;
        let (session, connected) = match greeted {
            Ok(connected) => (session, connected),
            Err(_) if choice == ProtocolChoice::Auto && modern.is_none() && session.is_gone() => {
                // Some legacy servers end when the first line is not `initialize`.
                let session = self.spawn()?;
                let connected = handshake::initialize(&session).await?;
                (session, connected)
            }
            Err(error) => return Err(error),
        };
        handshake::subscribe(&session, &connected);
        tracing::info!(
            server = self.config.name,
            version = connected.dialect.version,
            "stdio server started"
        );
        Ok(Running { session, since: Instant::now(), connected })
    }

    fn spawn(self: &Arc<Self>) -> Result<Arc<Session>> {
        let Self { config, ring, notices, processes, .. } = &**self;
        let (gateway, notices) = (config.gateway.clone(), notices.clone());
        let changed = move |change| drop(notices.send(Notice { gateway: gateway.clone(), change }));
        let (gateway, listeners) = (config.gateway.clone(), self.updates.clone());
        let updated = move |uri: String| {
            drop(listeners.send(Update { gateway: gateway.clone(), uri: Some(Arc::from(uri)) }));
        };
        let setup = Setup {
            ring: Arc::clone(ring),
            processes: processes.clone(),
            changed: Box::new(changed),
            updated: Box::new(updated),
        };
        match &config.source {
            Source::Launch(launch) => Session::spawn(launch, &config.supervision, setup),
            Source::Attached(attached, name) => {
                let connection = attached.take(name);
                let connection =
                    connection.ok_or_else(|| Error::upstream("is not connected to this gateway"))?;
                Ok(Session::attach(connection, &config.supervision, setup))
            }
        }
    }

    /// Notes the end of a start or of a process that had worked for `lived`.
    fn over(&self, number: u64, lived: Duration) {
        let mut state = self.state();
        if state.current.as_ref().is_some_and(|attempt| attempt.number == number) {
            state.over(lived, &self.config.supervision);
        }
    }

    fn close(&self) {
        self.closed.cancel();
        self.processes.close();
        let current = self.state().current.take();
        if let Some(Ok(running)) = current.and_then(|attempt| attempt.running.now_or_never()) {
            running.session.end("was ended by the gateway");
        }
    }
}

/// Waits for the end of a session that had started.
async fn watch(inner: Weak<Inner>, number: u64, gone: impl Future<Output = String>, since: Instant) {
    let reason = gone.await;
    let Some(inner) = inner.upgrade() else { return };
    inner.over(number, since.elapsed());
    if !inner.closed.is_cancelled() {
        tracing::warn!(server = inner.config.name, reason, "stdio server is gone");
        drop(inner.notices.send(Notice { gateway: inner.config.gateway.clone(), change: Change::Lost }));
    }
}

fn timed_out() -> Error {
    Error::Upstream { message: "did not answer in time".to_owned(), timeout: true }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Upstream { message, timeout } => Self { message, timeout },
            // The cause is in the log; callers need not know it.
            _ => Self { message: "could not be started".to_owned(), timeout: false },
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Upstream { message: failure.message, timeout: failure.timeout }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("config", &self.config).finish_non_exhaustive()
    }
}
