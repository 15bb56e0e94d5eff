//! What leads from the messages of an HTTP+SSE client to its stream.
//!
//! Messages are answered in tasks, a bounded number for each stream, that end with the stream. Answers wait in a queue
//! with a bound; whoever does not make room in time is a reader too slow, and the stream is ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use domain::{Error, Result};
use futures_util::StreamExt;
use http::Method;
use protocol::jsonrpc;
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    decision::{self, Refused},
    mcp::{
        endpoint::{self, Request},
        handshake::settled,
        push::feed::named,
        reply::Reply,
        session::Session,
    },
};

/// Messages of one stream that are answered at the same time.
const CALLS: usize = 64;
/// Answers that wait to be read.
const QUEUE: usize = 256;

/// Open streams, by session.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<Arc<str>, Line>>>);

/// The way to one stream.
#[derive(Clone)]
pub(crate) struct Line {
    answers: mpsc::Sender<Bytes>,
    /// Cancelled when nothing can be said on the stream any more.
    pub(crate) gone: CancellationToken,
    calls: Arc<Semaphore>,
    patience: Duration,
    /// What `initialize` settled.
    handshake: Arc<Mutex<Option<Session>>>,
}

/// Held by the stream: with it goes the way to it.
pub(crate) struct Open {
    lines: Lines,
    app: App,
    session: Arc<str>,
    pub(crate) gone: CancellationToken,
}

impl Lines {
    /// A way to a new stream, and what the stream reads.
    pub(crate) fn open(&self, app: &App, session: &Arc<str>) -> (Open, mpsc::Receiver<Bytes>) {
        let (answers, receiver) = mpsc::channel(QUEUE);
        let gone = CancellationToken::new();
        let patience = Duration::from_secs(app.settings().streams.send_seconds);
        let (calls, handshake) = (Arc::new(Semaphore::new(CALLS)), Arc::default());
        let line = Line { answers, gone: gone.clone(), calls, patience, handshake };
        self.table().insert(Arc::clone(session), line);
        let open = Open { lines: self.clone(), app: app.clone(), session: Arc::clone(session), gone };
        (open, receiver)
    }

    /// The way to the stream of a session.
    pub(crate) fn get(&self, session: &Arc<str>) -> Option<Line> {
        self.table().get(session).cloned()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Arc<str>, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.lines.table().remove(&self.session);
        self.gone.cancel();
        self.app.push().end(&self.session);
    }
}

impl Line {
    /// The session of the stream, as the handshake left it.
    pub(crate) fn session(&self, opened: Session) -> Session {
        match &*self.handshake.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(handshake) => opened.after(handshake),
            None => opened,
        }
    }

    /// Answers a message on the stream, while the client goes on.
    pub(crate) fn take(self, request: Request, body: Bytes) -> Result<()> {
        let Ok(place) = Arc::clone(&self.calls).try_acquire_owned() else {
            return Err(Error::RateLimited { retry_after: Duration::from_secs(1) });
        };
        tokio::spawn(async move {
            let gone = self.gone.clone();
            gone.run_until_cancelled(self.answer(request, body)).await;
            drop(place);
        });
        Ok(())
    }

    async fn answer(&self, request: Request, body: Bytes) {
        let Ok(message) = jsonrpc::parse(&body) else { return };
        let reply = endpoint::one(&request, message).await;
        note(&request, &reply);
        if let Some(handshake) = settled(&request, &reply) {
            *self.handshake.lock().unwrap_or_else(PoisonError::into_inner) = Some(handshake);
        }
        match reply {
            // Events without a name are messages, by the standard.
            Reply::Stream(body) => self.relay(body).await,
            reply => {
                if let Some(text) = reply.into_message() {
                    self.say(Bytes::from(named(&text))).await;
                }
            }
        }
    }

    async fn relay(&self, body: Body) {
        let mut frames = body.into_data_stream();
        while let Some(Ok(bytes)) = frames.next().await {
            self.say(bytes).await;
        }
    }

    async fn say(&self, bytes: Bytes) {
        if timeout(self.patience, self.answers.send(bytes)).await.is_err() && !self.gone.is_cancelled() {
            tracing::warn!("an HTTP+SSE client does not read its answers; its stream is ended");
            self.gone.cancel();
        }
    }
}

/// Keeps a refusal under its number, as the outermost layer does for answers that are not on a stream.
fn note(request: &Request, reply: &Reply) {
    let Some(note) = reply.note() else { return };
    let mut carrier = http::Response::new(Body::empty());
    *carrier.status_mut() = http::StatusCode::FORBIDDEN;
    decision::attach(&mut carrier, vec![note]);
    let refused = Refused { caller: &request.auth.caller, method: &Method::POST, path: "/message" };
    decision::keep(request.auth.app.engine(), refused, &mut carrier);
}
