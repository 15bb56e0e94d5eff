//! One life of a child process: requests go out with ids of the gateway's own, answers find their callers.
//!
//! Lines that are no messages go into the ring; a server must not write such lines, and many do. What the server asks
//! its client is up to [`super::asked`].

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicI64, Ordering},
};

use domain::{Error, Result};
use protocol::{
    json::{RawObject, raw_number},
    jsonrpc::{self, Id, Message, Outcome},
};
use serde_json::value::RawValue;
use tokio::{
    io::DuplexStream,
    sync::{mpsc, oneshot, watch},
};
use tokio_util::task::TaskTracker;

use super::{
    asked::{Caller, Table, Waiter},
    wire,
};
use crate::{
    call::{CallContext, Change, Event},
    stdio::{
        file::Launch,
        lines::Line,
        process::{Output, Process, Ring, Supervision},
    },
};

/// What a slow caller has not read yet. Beyond it progress and logs are dropped, as they may be, and questions refused.
const UNREAD: usize = 64;

/// What a session is given by its link.
pub(super) struct Setup {
    /// Where lines for the operator go.
    pub(super) ring: Arc<Ring>,
    /// Counts processes that are not gone yet.
    pub(super) processes: TaskTracker,
    /// Told when the server says that a list has changed.
    pub(super) changed: Box<dyn Fn(Change) + Send + Sync>,
    /// Told when the server says that a resource was updated.
    pub(super) updated: Box<dyn Fn(String) + Send + Sync>,
}

/// A running process and the requests that it has not answered. Dropping it ends the process.
pub(super) struct Session {
    pub(super) process: Process,
    setup: Setup,
    line_limit: usize,
    next: AtomicI64,
    table: Mutex<Table>,
    gone: watch::Receiver<Option<String>>,
}

impl Session {
    /// Starts the process.
    pub(super) fn spawn(launch: &Launch, supervision: &Supervision, setup: Setup) -> Result<Arc<Self>> {
        let (process, output) = Process::spawn(launch, supervision, &setup.ring, &setup.processes)?;
        Ok(Self::over(process, output, supervision, setup))
    }

    /// Speaks over a connection that the server opened; its end is that of the process.
    pub(super) fn attach(connection: DuplexStream, supervision: &Supervision, setup: Setup) -> Arc<Self> {
        let (process, output) = Process::attach(connection, supervision, &setup.processes);
        Self::over(process, output, supervision, setup)
    }

    fn over(process: Process, output: Output, supervision: &Supervision, setup: Setup) -> Arc<Self> {
        let (announce, gone) = watch::channel(None);
        let session = Arc::new(Self {
            process,
            setup,
            line_limit: supervision.line_limit,
            next: AtomicI64::new(1),
            table: Mutex::default(),
            gone,
        });
        tokio::spawn(read(output, Arc::downgrade(&session), session.process.ending(), announce));
        session
    }

    /// Whether the process has ended, or is of no use any more.
    pub(super) fn is_gone(&self) -> bool {
        self.table().gone
    }

    /// Waits for the end of the process; says how it ended.
    pub(super) fn gone(&self) -> impl Future<Output = String> + Send + use<> {
        let mut gone = self.gone.clone();
        async move {
            let reason = gone.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            reason.unwrap_or_else(|| "was ended by the gateway".to_owned())
        }
    }

    /// Begins to end the process.
    pub(super) fn end(&self, reason: &str) {
        self.process.end(reason);
    }

    /// Sends a request. `params` gets the request's id; requests of the gateway's own have no caller, whose second part
    /// says whether the hop is a modern one.
    pub(super) async fn begin(
        self: &Arc<Self>,
        method: &str,
        params: impl FnOnce(i64) -> Result<Box<RawValue>>,
        caller: Option<(&CallContext, bool)>,
    ) -> Result<InFlight> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let params = params(id)?;
        let message = jsonrpc::write_request(&Id::from(id), method, Some(&*params));
        let (answer, outcome) = oneshot::channel();
        let caller = caller.map(|(context, modern)| Caller::new(id, (context, modern), (method, &params)));
        let hears = caller.as_ref().is_some_and(Caller::hears);
        let (sender, events) = hears.then(|| mpsc::channel(UNREAD)).unzip();
        {
            let mut table = self.table();
            if table.gone {
                return Err(Error::upstream("is not running"));
            }
            table.waiting.insert(id, Waiter { outcome: answer, events: sender, caller });
        }
        // A handshake cannot be cancelled, and an old server does not know that it was probed.
        let cancels = !matches!(method, "initialize" | "server/discover");
        let mut in_flight = InFlight { session: Arc::clone(self), id, outcome, events, cancels, sent: false };
        self.process.send(message).await?;
        in_flight.sent = true;
        Ok(in_flight)
    }

    /// Sends a request whose answer nobody waits for.
    pub(super) fn request_unheard(&self, method: &str, params: &RawValue) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.process.offer(jsonrpc::write_request(&Id::from(id), method, Some(params)));
    }

    /// Sends a notification.
    pub(super) async fn notify(&self, method: &str) -> Result<()> {
        self.process.send(jsonrpc::write_notification(method, None)).await
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(self: &Arc<Self>, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let Ok(messages) = jsonrpc::parse_batch(line) else { return self.setup.ring.push(line) };
        for message in messages {
            match message {
                Ok(Message::Response { id, outcome }) => self.answered(id.as_ref(), outcome),
                Ok(Message::Notification { method, params }) => self.notified(&method, params),
                Ok(Message::Request { id, method, params }) => self.asked(&id, &method, params),
                Err(_) => self.setup.ring.push(line),
            }
        }
    }

    /// Answers that come too late, or that nobody asked for, find no caller.
    fn answered(&self, id: Option<&Id>, outcome: Outcome) {
        let number = id.and_then(|id| id.as_text().map_or_else(|| id.as_number(), |text| text.parse().ok()));
        if let Some(waiter) = number.and_then(|number| self.table().answered(number)) {
            drop(waiter.outcome.send(outcome));
        }
    }

    fn notified(&self, method: &str, params: Option<&RawValue>) {
        match method {
            "notifications/progress" => {
                let Some((id, params)) = params.and_then(wire::progress) else { return };
                let event = Event::Notification { method: method.to_owned(), params: Some(params) };
                if let Some(events) = self.table().waiting.get(&id).and_then(|waiter| waiter.events.as_ref())
                {
                    drop(events.try_send(event));
                }
            }
            "notifications/message" => {
                // It does not say which call it is about, so it is for the one caller there is, if there is one.
                let table = self.table();
                let mut callers =
                    table.waiting.values().filter_map(|waiter| Some((waiter, waiter.caller.as_ref()?)));
                if let (Some((waiter, caller)), None) = (callers.next(), callers.next())
                    && let Some(events) = waiter.events.as_ref().filter(|_| caller.ear.wants_message(params))
                {
                    let params = params.map(ToOwned::to_owned);
                    drop(events.try_send(Event::Notification { method: method.to_owned(), params }));
                }
            }
            "notifications/elicitation/complete" => self.table().done_at_url(method, params),
            "notifications/resources/updated" => {
                if let Some(uri) = crate::hear::updated_uri(params) {
                    (self.setup.updated)(uri);
                }
            }
            _ => {
                if let Some(change) = Change::of(method) {
                    (self.setup.changed)(change);
                }
            }
        }
    }

    fn cancel(&self, id: i64) {
        let mut params = RawObject::new();
        params.set("requestId", raw_number(id));
        params.set_text("reason", "the caller went away or ran out of time");
        let params = params.to_raw();
        self.process.offer(jsonrpc::write_notification("notifications/cancelled", Some(&*params)));
    }
}

/// Reads the process's output to its end, then tells every caller that is still waiting.
///
/// Holds no session between lines, so that dropping the last handle ends the process. A child that left the group
/// may hold the pipe open after the group is gone; nothing it says counts any more.
async fn read(
    mut output: Output,
    session: Weak<Session>,
    ending: impl Future<Output = String> + Send,
    announce: watch::Sender<Option<String>>,
) {
    tokio::pin!(ending);
    let early = loop {
        let line = tokio::select! {
            biased;
            line = output.next() => line,
            reason = &mut ending => break Some(reason),
        };
        let Some(session) = session.upgrade() else { break None };
        match line {
            Ok(Some(Line::Whole(line))) => session.receive(&line),
            Ok(Some(Line::TooLong(start))) => {
                session.setup.ring.push(&start);
                let reason = format!("wrote a line longer than {} bytes", session.line_limit);
                session.end(&reason);
                break Some(reason);
            }
            Ok(None) | Err(_) => {
                session.process.stop();
                break None;
            }
        }
    };
    let reason = match early {
        Some(reason) => reason,
        None => ending.await,
    };
    // The end is announced before callers learn of it by their dropped senders.
    announce.send_replace(Some(reason));
    if let Some(session) = session.upgrade() {
        let mut table = session.table();
        table.gone = true;
        table.waiting.clear();
    }
}

/// A request that was sent. Dropping it before its answer came cancels it at the server.
pub(super) struct InFlight {
    session: Arc<Session>,
    id: i64,
    outcome: oneshot::Receiver<Outcome>,
    events: Option<mpsc::Receiver<Event>>,
    cancels: bool,
    sent: bool,
}

impl InFlight {
    /// Waits for the answer.
    pub(super) async fn outcome(&mut self) -> Result<Outcome> {
        match (&mut self.outcome).await {
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(Error::upstream(self.session.gone().await)),
        }
    }

    /// What is said before the answer; `None` when that is there.
    pub(super) async fn event(&mut self) -> Option<Event> {
        self.events.as_mut()?.recv().await
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let waited = self.session.table().left(self.id, self.sent);
        if waited && self.sent && self.cancels {
            self.session.cancel(self.id);
        }
    }
}
