//! One HTTP+SSE session: its stream, read by a task, and the requests that wait for their replies on it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use http::{Method, StatusCode, Uri};
use protocol::{
    abilities::Abilities,
    jsonrpc::{self, Id, Message, Outcome},
    sse::Event,
};
use serde_json::value::RawValue;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{Duration, Instant, timeout_at},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::reading::{Cancel, Events};
use crate::{
    call::{Answer, Call, CallContext, Change, Connected},
    fault::Fault,
    hear::{self, Ear},
    hop,
    http::{
        Content, Origin, ROOTS_CHANGED, Reply, answer::answer, herald::Herald, messages::Messages, unexpected,
    },
};

/// Messages that wait for a caller to read them. Beyond it notifications are left out, never the reply.
const QUEUE: usize = 256;

/// How long a cancellation or an answer to the server may take.
const BRIEFLY: Duration = Duration::from_secs(5);

/// A session. Dropping it closes the stream.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) line: Arc<Line>,
    pub(super) connected: Connected,
    _end: DropGuard,
}

/// What the session and the task that reads its stream share.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) origin: Arc<Origin>,
    herald: Herald,
    runtime: Handle,
    /// Where messages go.
    post: Uri,
    /// Headers of whoever opened it, for what is sent in nobody's name.
    opener: CallContext,
    ids: AtomicI64,
    /// The log level that the server was told, counted so that lower is more verbose.
    pub(super) level: AtomicUsize,
    waiting: Mutex<HashMap<i64, mpsc::Sender<String>>>,
    pub(super) gone: CancellationToken,
}

impl Session {
    /// Opens the stream and shakes hands on behalf of `context`.
    pub(super) async fn open(
        origin: Arc<Origin>,
        herald: Herald,
        context: &CallContext,
        deadline: Instant,
    ) -> Result<Arc<Self>, Fault> {
        let request = Origin::bare(Method::GET, &origin.uri, origin.headers(context));
        let Reply { status, content, .. } = origin.exchange(request, deadline).await?;
        let body = match content {
            Content::Events(body) if status.is_success() => body,
            _ => return Err(unexpected(status)),
        };
        let mut messages = Messages::new(body, origin.client.max_response, None);
        let first = timeout_at(deadline, messages.next()).await.map_err(|_| Fault::TimedOut)??;
        let post = endpoint(&origin, first)?;
        let (ids, level) = (AtomicI64::new(1), AtomicUsize::new(usize::MAX));
        let (waiting, gone) = (Mutex::default(), CancellationToken::new());
        let (runtime, mut opener) = (Handle::current(), context.clone());
        opener.traceparent = None;
        let line = Arc::new(Line { origin, herald, runtime, post, opener, ids, level, waiting, gone });
        let end = line.herald.closed.child_token();
        line.herald.tasks.spawn(Arc::clone(&line).read(messages, end.clone()));
        let end = end.drop_guard();
        let connected = line.shake_hands(context, deadline).await?;
        Ok(Arc::new(Self { line, connected, _end: end }))
    }

    /// Whether the stream ended.
    pub(super) fn is_gone(&self) -> bool {
        self.line.gone.is_cancelled()
    }

    /// Waits for the end of the stream.
    pub(super) async fn gone(&self) {
        self.line.gone.cancelled().await;
    }

    /// Sends one request.
    pub(super) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        if let Some(level) = call.context.log_level.as_deref().and_then(hear::severity) {
            self.raise(level, deadline).await?;
        }
        self.ask(call, deadline).await
    }

    /// Sends a request and nothing before it.
    pub(super) async fn ask(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        let id = self.line.ids.fetch_add(1, Ordering::Relaxed);
        let (params, _) = hop::params(&call.method, &call.params, &call.context, (false, id))?;
        let ear = Ear::new(id, &call.context);
        let events =
            self.line.begin(&call.method, Some(&params.to_raw()), (ear, &call.context), deadline).await?;
        answer(events).await
    }
}

impl Line {
    /// POSTs a request; what comes back for it is read from the result.
    async fn begin(
        self: &Arc<Self>,
        method: &str,
        params: Option<&RawValue>,
        (ear, context): (Ear, &CallContext),
        deadline: Instant,
    ) -> Result<Events, Fault> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut cancel = Cancel::new(Arc::clone(self), ear.id);
        let body = jsonrpc::write_request(&Id::from(ear.id), method, params);
        self.waiting().insert(ear.id, sender);
        match self.post(context, body, deadline).await {
            Ok(()) => Ok(Events::new(cancel, ear, receiver, deadline)),
            Err(fault) => {
                if matches!(fault, Fault::SessionGone | Fault::Unreachable { .. }) {
                    cancel.disarm();
                }
                Err(fault)
            }
        }
    }

    async fn shake_hands(
        self: &Arc<Self>,
        context: &CallContext,
        deadline: Instant,
    ) -> Result<Connected, Fault> {
        let ear = Ear { id: self.ids.fetch_add(1, Ordering::Relaxed), ..Ear::default() };
        let params = hop::initialize(context.abilities);
        let mut events = self.begin("initialize", Some(&params), (ear, context), deadline).await?;
        let outcome = events.reply().await?;
        let result =
            outcome.map_err(|error| Fault::Useless(format!("refused initialize (error {})", error.code)))?;
        let (_, mut connected) = hop::initialized(&result)?;
        // The transport is what has to be remembered, and only the oldest revision has it.
        protocol::version::LEGACY[3].clone_into(&mut connected.dialect.version);
        let told = jsonrpc::write_notification("notifications/initialized", None);
        self.post(context, told, deadline).await?;
        Ok(connected)
    }

    async fn post(&self, context: &CallContext, body: Vec<u8>, deadline: Instant) -> Result<(), Fault> {
        let request = Origin::post(&self.post, self.origin.headers(context), body);
        let Reply { status, content, .. } = self.origin.exchange(request, deadline).await?;
        match (status, content) {
            (status, _) if status.is_success() => Ok(()),
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Err(Fault::SessionGone),
            (status, _) => {
                Err(Fault::Useless(format!("does not accept the request (HTTP {})", status.as_u16())))
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<i64, mpsc::Sender<String>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the stream to its end, and hands out what comes.
    async fn read(self: Arc<Self>, mut messages: Messages, end: CancellationToken) {
        while let Some(Ok(Some(event))) = end.run_until_cancelled(messages.next()).await {
            self.hand_out(event.data);
        }
        self.gone.cancel();
        // Whoever waits sees its channel end.
        self.waiting().clear();
    }

    fn hand_out(self: &Arc<Self>, text: String) {
        match jsonrpc::parse(text.as_bytes()) {
            Ok(Message::Response { id: Some(id), .. }) => {
                let sender = id.as_number().and_then(|id| self.waiting().remove(&id));
                if let Some(sender) = sender {
                    // The last place in the queue is kept for this.
                    drop(sender.try_send(text));
                }
            }
            Ok(Message::Request { id, method, .. }) => self.asked(&id, &method, text.clone()),
            Ok(Message::Notification { method, params }) => {
                if method == "notifications/resources/updated" {
                    if let Some(uri) = hear::updated_uri(params).filter(|_| self.opener.principal.is_empty())
                    {
                        self.herald.tell_updated(Some(&uri));
                    }
                    return;
                }
                if let Some(change) = Change::of(&method) {
                    if self.opener.principal.is_empty() {
                        self.herald.tell(change);
                    }
                    return;
                }
                let token = (method == "notifications/progress").then(|| params.and_then(hear::progress));
                let only = token.map(|token| token.map(|(id, _)| id));
                for (id, sender) in &*self.waiting() {
                    if only.is_none_or(|only| only == Some(*id)) && sender.capacity() > 1 {
                        drop(sender.try_send(text.clone()));
                    }
                }
            }
            Ok(Message::Response { id: None, .. }) | Err(_) => {}
        }
    }

    /// A question says nothing of the request that it belongs to, so it is for the one caller there is, if there is one.
    fn asked(self: &Arc<Self>, id: &Id, method: &str, text: String) {
        if method != "ping" {
            let waiting = self.waiting();
            if waiting.len() == 1
                && let Some(sender) = waiting.values().next().filter(|sender| sender.capacity() > 1)
            {
                drop(sender.try_send(text));
                return;
            }
        }
        self.respond(id, method == "ping");
    }

    /// Answers a request of the server's that no caller can answer.
    pub(super) fn respond(self: &Arc<Self>, id: &Id, ping: bool) {
        self.send_off(hop::response(id, ping));
    }

    /// Gives the server the answer to a question of its own.
    pub(super) fn answer(self: &Arc<Self>, id: &Id, outcome: &Outcome) {
        self.send_off(hop::answer(id, outcome));
    }

    /// Tells the server that the roots of a principal's clients changed, if it may ask for them here.
    pub(super) fn roots_changed(self: &Arc<Self>, principal: &str) {
        if *self.opener.principal == *principal && self.opener.abilities.has(Abilities::ROOTS) {
            self.send_off(jsonrpc::write_notification(ROOTS_CHANGED, None));
        }
    }

    /// Nobody waits for a reply any more. `tell` is false where the server sent it.
    pub(super) fn forget(self: &Arc<Self>, id: i64, tell: bool) {
        self.waiting().remove(&id);
        if tell && !self.gone.is_cancelled() {
            self.send_off(hop::cancelled(id));
        }
    }

    fn send_off(self: &Arc<Self>, body: Vec<u8>) {
        let line = Arc::clone(self);
        self.herald.finish(&self.runtime, async move {
            // Nobody waits for the answer, and the server may be gone.
            drop(line.post(&line.opener, body, Instant::now() + BRIEFLY).await);
        });
    }
}

/// Where messages go: what the first event says, if it is the same server.
fn endpoint(origin: &Origin, event: Option<Event>) -> Result<Uri, Fault> {
    let event = event.filter(|event| event.event.as_deref() == Some("endpoint"));
    let event = event.ok_or_else(|| Fault::Useless("sent no endpoint".to_owned()))?;
    let url = origin.url.join(event.data.trim()).ok().filter(|url| url.origin() == origin.url.origin());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    url.and_then(|url| url.as_str().parse().ok())
        .ok_or_else(|| Fault::Useless("named an endpoint at another place, which is refused".to_owned()))
}
