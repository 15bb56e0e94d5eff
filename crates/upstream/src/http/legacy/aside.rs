//! What a legacy server says in a session beside its answers: on the stream of the session itself.
//!
//! Some servers ask their client, or log, on that stream while they work on a call, and lose it where nobody reads. It
//! does not say which call it is about, so it is for the one call that is under way in the session, if there is one;
//! sessions are never shared between principals. The stream is open while calls are made that want to hear anything.
//! Invariant: a question that belongs to no single call is answered with a refusal at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    sync::mpsc,
    time::{Duration, Instant, timeout},
};

use super::session::{BRIEFLY, Session};
use crate::{
    fault::Fault,
    hear::{Ear, Heard},
    http::{Content, messages::Messages},
};

/// Messages that a slow caller has not read yet.
const UNREAD: usize = 64;

/// How long the stream stays open after the last call.
const LINGER: Duration = Duration::from_secs(30);

/// How soon a server that ended the stream is asked for it again.
const AGAIN: Duration = Duration::from_millis(500);

/// The calls of a session, and whether its stream is read.
#[derive(Debug, Default)]
pub(super) struct Aside {
    callers: Mutex<HashMap<i64, mpsc::Sender<String>>>,
    stream: tokio::sync::Mutex<Stream>,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Stream {
    #[default]
    Closed,
    Open,
    /// The server has none.
    Absent,
}

/// The place of one call. Dropping it gives the place up.
pub(super) struct Seat {
    session: Arc<Session>,
    id: i64,
    heard: mpsc::Receiver<String>,
}

impl Aside {
    fn callers(&self) -> MutexGuard<'_, HashMap<i64, mpsc::Sender<String>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a message to the one call that is under way.
    fn give(&self, text: String) -> bool {
        let callers = self.callers();
        let mut all = callers.values();
        match (all.next(), all.next()) {
            (Some(only), None) => only.try_send(text).is_ok(),
            _ => false,
        }
    }
}

impl Seat {
    /// What the server says beside the answer; waits for ever where it says nothing.
    pub(super) async fn next(&mut self) -> String {
        match self.heard.recv().await {
            Some(text) => text,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.session.aside.callers().remove(&self.id);
    }
}

impl Session {
    /// The place of the call with this id. If the call wants to hear anything, the session's stream is open from here on,
    /// as far as the server has one.
    pub(super) async fn seat(self: &Arc<Self>, ear: &Ear, deadline: Instant) -> Seat {
        let (sender, heard) = mpsc::channel(UNREAD);
        self.aside.callers().insert(ear.id, sender);
        let seat = Seat { session: Arc::clone(self), id: ear.id, heard };
        let listens = ear.level.is_some() || !ear.abilities.is_empty();
        if listens && !self.is_stateless() {
            let mut stream = self.aside.stream.lock().await;
            if *stream == Stream::Closed {
                *stream = match self.open_stream(None, deadline.min(Instant::now() + BRIEFLY)).await {
                    Ok(messages) => {
                        self.herald.run(listen(Arc::downgrade(self), messages));
                        Stream::Open
                    }
                    Err(_) => Stream::Absent,
                };
            }
        }
        seat
    }

    async fn open_stream(&self, last: Option<&str>, deadline: Instant) -> Result<Messages, Fault> {
        let reply = self.origin.exchange(self.get(last), deadline).await?;
        match reply.content {
            Content::Events(body) if reply.status.is_success() => {
                Ok(Messages::new(body, self.origin.client.max_response, None))
            }
            _ => Err(Fault::Useless("has no stream of its own".to_owned())),
        }
    }

    /// One message of the stream.
    fn overheard(self: &Arc<Self>, text: String) {
        // Ids of calls are positive, so no reply on this stream is taken for one here.
        let ear = Ear { id: -1, ..Ear::default() };
        match ear.hear(text.as_bytes()) {
            Ok(Heard::Asked(id, true)) => self.respond(&id, true),
            Ok(Heard::Asked(id, false)) => {
                if !self.aside.give(text) {
                    self.respond(&id, false);
                }
            }
            // The gateway's own session listens for changes; a reply without an id is nobody's.
            Ok(Heard::Changed(_) | Heard::Updated(_) | Heard::Done(_)) | Err(_) => {}
            Ok(_) => drop(self.aside.give(text)),
        }
    }
}

/// Reads the stream until nobody needs it any more. Holds no session while it waits, so that it can end.
async fn listen(session: Weak<Session>, mut messages: Messages) {
    loop {
        let event = timeout(LINGER, messages.next()).await;
        let Some(session) = session.upgrade() else { return };
        match event {
            Ok(Ok(Some(event))) => session.overheard(event.data),
            // Nothing was said for a while.
            Err(_) if !session.aside.callers().is_empty() => {}
            Err(_) => return session.stop_listening(Stream::Closed).await,
            Ok(Ok(None) | Err(_)) => {
                tokio::time::sleep(messages.retry.unwrap_or(AGAIN)).await;
                let last = messages.last_id.take();
                if session.aside.callers().is_empty() {
                    return session.stop_listening(Stream::Closed).await;
                }
                match session.open_stream(last.as_deref(), Instant::now() + BRIEFLY).await {
                    Ok(again) => messages = again,
                    Err(_) => return session.stop_listening(Stream::Absent).await,
                }
            }
        }
    }
}

impl Session {
    async fn stop_listening(&self, how: Stream) {
        *self.aside.stream.lock().await = how;
    }
}
