//! One session with a legacy server.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use protocol::{
    abilities::Abilities,
    headers,
    json::RawObject,
    jsonrpc::{self, Id, Outcome, RpcError},
    ladder,
};
use serde_json::value::RawValue;
use tokio::{
    runtime::Handle,
    time::{Duration, Instant},
};

use super::{
    aside::Aside,
    reading::{Cancel, Events},
};
use crate::{
    ask,
    call::{Answer, Call, CallContext, Connected, empty_object},
    fault::Fault,
    hear::{self, Ear, Heard},
    hop,
    http::{Content, Origin, Reply, answer::answer, herald::Herald, unexpected},
};

/// How long a farewell, a cancellation or an answer to the server may take.
pub(super) const BRIEFLY: Duration = Duration::from_secs(5);

/// A session, or what stands for one with a server that has none.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) origin: Arc<Origin>,
    pub(super) herald: Herald,
    /// Where cancellations run; they are sent from `Drop`.
    runtime: Handle,
    /// Session id and revision.
    lines: HeaderMap,
    /// Headers of whoever opened it, for what is sent in nobody's name.
    opener: CallContext,
    pub(super) connected: Connected,
    ids: AtomicI64,
    /// The log level that the server was told, counted so that lower is more verbose.
    level: AtomicUsize,
    /// Set by the first [`Session::ping`], which follows the handshake at once.
    seasoned: AtomicBool,
    /// What it says beside its answers.
    pub(super) aside: Aside,
}

impl Session {
    /// Shakes hands on behalf of `context`.
    pub(super) async fn open(
        origin: Arc<Origin>,
        herald: Herald,
        context: &CallContext,
        deadline: Instant,
    ) -> Result<Self, Fault> {
        let ear = Ear { id: 1, ..Ear::default() };
        let body =
            jsonrpc::write_request(&Id::from(1), "initialize", Some(&hop::initialize(context.abilities)));
        let request = Origin::post(&origin.uri, origin.headers(context), body);
        let Reply { status, headers: given, content } = origin.exchange(request, deadline).await?;
        let outcome = origin.outcome(content, &ear, deadline).await?;
        let (version, connected) = hop::initialized(&greeted(status, outcome)?)?;
        let mut lines = HeaderMap::new();
        if let Some(id) = given.get(&headers::SESSION_ID) {
            let mut id = id.clone();
            id.set_sensitive(true);
            lines.insert(&headers::SESSION_ID, id);
        }
        if version >= "2025-06-18" {
            lines.insert(&headers::PROTOCOL_VERSION, HeaderValue::from_static(version));
        }
        let mut opener = context.clone();
        opener.traceparent = None;
        let (ids, level) = (AtomicI64::new(2), AtomicUsize::new(usize::MAX));
        let runtime = Handle::current();
        let (seasoned, aside) = (false.into(), Aside::default());
        let session = Self { origin, herald, runtime, lines, opener, connected, ids, level, seasoned, aside };
        let body = jsonrpc::write_notification("notifications/initialized", None);
        let told = session.origin.exchange(session.post(context, body), deadline).await?;
        if told.status.is_server_error() {
            return Err(Fault::Useless(format!("failed the handshake (HTTP {})", told.status.as_u16())));
        }
        Ok(session)
    }

    /// Whether the server gave no session id.
    pub(super) fn is_stateless(&self) -> bool {
        !self.lines.contains_key(&headers::SESSION_ID)
    }

    fn headers(&self, context: &CallContext) -> HeaderMap {
        let mut headers = self.origin.headers(context);
        headers.extend(self.lines.clone());
        headers
    }

    fn post(&self, context: &CallContext, body: Vec<u8>) -> Request<Full<Bytes>> {
        Origin::post(&self.origin.uri, self.headers(context), body)
    }

    /// A GET, of the session's stream or of the rest of a broken one.
    pub(super) fn get(&self, last_event: Option<&str>) -> Request<Full<Bytes>> {
        let mut headers = self.headers(&self.opener);
        if let Some(Ok(id)) = last_event.map(HeaderValue::from_str) {
            headers.insert(&headers::LAST_EVENT_ID, id);
        }
        Origin::bare(Method::GET, &self.origin.uri, headers)
    }

    /// Sends one request.
    pub(super) async fn call(self: &Arc<Self>, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        if let Some(level) = call.context.log_level.as_deref().and_then(hear::severity) {
            self.raise(level, deadline).await?;
        }
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let (params, _) = hop::params(&call.method, &call.params, &call.context, (false, id))?;
        let body = jsonrpc::write_request_of(&Id::from(id), &call.method, &params);
        let ear = Ear::new(id, &call.context);
        let seat = self.seat(&ear, deadline).await;
        let cancel = Cancel::new(Arc::clone(self), id);
        // A server may ask before it begins to answer, and then waits for its client.
        let latest = if ear.abilities.is_empty() { deadline } else { deadline + ask::PATIENCE };
        let (origin, request) = (Arc::clone(&self.origin), self.post(&call.context, body));
        let posted = Box::pin(async move { origin.exchange(request, latest).await });
        answer(Events::new(cancel, (ear, seat), posted, deadline)).await
    }

    /// Reads an answer that is no stream.
    pub(super) fn answered(
        &self,
        ear: &Ear,
        status: StatusCode,
        content: &Content,
    ) -> Result<Outcome, Fault> {
        let heard = match content {
            Content::Json(body) => Some(ear.hear(body)),
            _ => None,
        };
        if status.is_success() {
            return match heard.transpose()? {
                Some(Heard::Done(outcome)) => Ok(outcome),
                Some(_) => Err(Fault::Useless("answered another request".to_owned())),
                None => Err(unexpected(status)),
            };
        }
        if self.is_gone(status, content) {
            return Err(Fault::SessionGone);
        }
        match heard {
            Some(Ok(Heard::Done(Err(error)))) if !is_modern(&error) => Ok(Err(error)),
            Some(Ok(Heard::Done(Err(error)))) => {
                Err(Fault::Contradiction { reply: Some(error), status: status.as_u16() })
            }
            _ => Err(unexpected(status)),
        }
    }

    /// Whether the server does not know the session any more. The status for that is 404; some say 400.
    pub(super) fn is_gone(&self, status: StatusCode, content: &Content) -> bool {
        if self.is_stateless() {
            return false;
        }
        let mentions = |text: &[u8]| text.to_ascii_lowercase().windows(7).any(|word| word == b"session");
        match (status, content) {
            (StatusCode::NOT_FOUND, _) => true,
            (StatusCode::BAD_REQUEST, Content::Json(text)) => mentions(text),
            (StatusCode::BAD_REQUEST, Content::Other(text)) => mentions(text.as_bytes()),
            _ => false,
        }
    }

    /// Makes sure that the session lives, unless it was only just opened. A server that does not know `ping` lives
    /// too.
    pub(super) async fn ping(self: &Arc<Self>, deadline: Instant) -> Result<(), Fault> {
        if !self.seasoned.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.own("ping", &empty_object(), deadline).await
    }

    /// Tells the server to log more, if it logs and was not told before.
    async fn raise(self: &Arc<Self>, level: usize, deadline: Instant) -> Result<(), Fault> {
        let told = self.level.load(Ordering::Relaxed);
        if told <= level || !hop::capability(&self.connected.capabilities, "logging").0 {
            return Ok(());
        }
        let mut params = RawObject::new();
        params.set_text("level", protocol::meta::LOG_LEVELS.get(level).copied().unwrap_or("info"));
        self.own("logging/setLevel", &params.to_raw(), deadline).await?;
        self.level.fetch_min(level, Ordering::Relaxed);
        Ok(())
    }

    /// A request of the gateway's own, whose reply does not matter.
    pub(super) async fn own(
        self: &Arc<Self>,
        method: &'static str,
        params: &RawValue,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let body = jsonrpc::write_request(&Id::from(id), method, Some(params));
        let reply = self.origin.exchange(self.post(&self.opener, body), deadline).await?;
        if self.is_gone(reply.status, &reply.content) {
            return Err(Fault::SessionGone);
        }
        let outcome = self.origin.outcome(reply.content, &Ear { id, ..Ear::default() }, deadline).await?;
        let status = reply.status;
        match outcome {
            Some(Err(error)) if is_modern(&error) => {
                Err(Fault::Contradiction { reply: Some(error), status: status.as_u16() })
            }
            Some(_) => Ok(()),
            None => Err(unexpected(status)),
        }
    }

    /// Gives the server the answer to a question of its own.
    pub(super) fn answer(self: &Arc<Self>, id: &Id, outcome: &Outcome) {
        self.send_off(self.post(&self.opener, hop::answer(id, outcome)));
    }

    /// Answers a request of the server's that no caller can answer: it may ask whether we live, and nothing else.
    pub(super) fn respond(self: &Arc<Self>, id: &Id, ping: bool) {
        self.send_off(self.post(&self.opener, hop::response(id, ping)));
    }

    /// Tells the server that nobody waits for a request any more.
    pub(super) fn cancel(self: &Arc<Self>, id: i64) {
        self.send_off(self.post(&self.opener, hop::cancelled(id)));
    }

    /// Whether the server may ask the clients of this principal for their roots here. Without sessions it asks nobody.
    pub(super) fn may_ask_for_roots(&self, principal: &str) -> bool {
        !self.is_stateless()
            && *self.opener.principal == *principal
            && self.opener.abilities.has(Abilities::ROOTS)
    }

    /// Sends a notification.
    pub(super) fn tell(self: &Arc<Self>, method: &str) {
        self.send_off(self.post(&self.opener, jsonrpc::write_notification(method, None)));
    }

    /// Ends the session.
    pub(super) fn close(&self) {
        if !self.is_stateless() {
            let headers = self.headers(&self.opener);
            self.send_off(Origin::bare(Method::DELETE, &self.origin.uri, headers));
        }
    }

    fn send_off(&self, request: Request<Full<Bytes>>) {
        let origin = Arc::clone(&self.origin);
        self.herald.finish(&self.runtime, async move {
            // Nobody waits for the answer, and the server may be gone.
            drop(origin.exchange(request, Instant::now() + BRIEFLY).await);
        });
    }
}

/// The result of `initialize`, or why there is no session.
fn greeted(status: StatusCode, outcome: Option<Outcome>) -> Result<Box<RawValue>, Fault> {
    let refused = matches!(status.as_u16(), 400 | 404 | 405);
    match outcome {
        Some(Ok(result)) if status.is_success() => Ok(result),
        Some(Err(error)) if refused || is_modern(&error) || error.code == ladder::METHOD_NOT_FOUND => {
            Err(Fault::Contradiction { reply: Some(error), status: status.as_u16() })
        }
        Some(Err(error)) => Err(Fault::Useless(format!("refused initialize (error {})", error.code))),
        Some(Ok(_)) | None => Err(unexpected(status)),
    }
}

/// Errors that only modern servers know.
fn is_modern(error: &RpcError) -> bool {
    matches!(error.code, ladder::UNSUPPORTED_VERSION | ladder::HEADER_MISMATCH | ladder::MISSING_CAPABILITY)
}
