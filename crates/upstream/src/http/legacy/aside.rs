//! What a legacy server says in a session beside its answers: on the stream of the session itself.
//!
//! Some servers ask their client, or log, on that stream while they work on a call, and lose it where nobody reads. It
//! does not say which call it is about. A question is for the one call that is under way in the session, if there is one;
//! logs are for every call of the session that wants them: sessions are never shared between principals. The stream is
//! open while calls are made that want to hear anything.
//! Invariant: a question that belongs to no single call is answered with a refusal at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use protocol::jsonrpc::{self, Id, Message};
use serde_json::value::RawValue;
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, timeout},
};

use super::session::{BRIEFLY, Session};
use crate::{
    call::Change,
    fault::Fault,
    hear::Ear,
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
    callers: Mutex<HashMap<i64, Caller>>,
    stream: tokio::sync::Mutex<Stream>,
    /// Whether the server was ever heard to log on the stream.
    logs: AtomicBool,
}

/// A call that listens.
#[derive(Debug)]
struct Caller {
    ear: Ear,
    sender: mpsc::Sender<String>,
    /// Its reply is there, so no question is for it.
    over: bool,
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
    fn callers(&self) -> MutexGuard<'_, HashMap<i64, Caller>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a message to the one call that is under way.
    fn give_one(&self, text: &str) -> bool {
        let callers = self.callers();
        let mut all = callers.values().filter(|caller| !caller.over);
        match (all.next(), all.next()) {
            (Some(only), None) => only.sender.try_send(text.to_owned()).is_ok(),
            _ => false,
        }
    }

    /// Gives a message to every call that wants it.
    fn give_all(&self, text: &str, wants: impl Fn(&Ear) -> bool) {
        for caller in self.callers().values().filter(|caller| wants(&caller.ear)) {
            // Whoever does not read misses something.
            drop(caller.sender.try_send(text.to_owned()));
        }
    }

    fn notified(&self, text: &str, method: &str, params: Option<&RawValue>) {
        match method {
            "notifications/message" => {
                self.logs.store(true, Ordering::Relaxed);
                self.give_all(text, |ear| ear.wants_message(params));
            }
            // They name what they belong to, which every call knows of itself.
            "notifications/progress" | "notifications/elicitation/complete" => self.give_all(text, |_| true),
            // The gateway's own session listens for changes.
            "notifications/resources/updated" => {}
            method if Change::of(method).is_some() => {}
            _ => drop(self.give_one(text)),
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

    /// The reply is there. Gives whether something may follow on the session's stream that was said before it.
    pub(super) fn over(&self) -> bool {
        let aside = &self.session.aside;
        match aside.callers().get_mut(&self.id) {
            Some(caller) => {
                caller.over = true;
                caller.ear.level.is_some() && aside.logs.load(Ordering::Relaxed)
            }
            None => false,
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
        self.aside.callers().insert(ear.id, Caller { ear: ear.clone(), sender, over: false });
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
    fn overheard(self: &Arc<Self>, text: &str) {
        match jsonrpc::parse(text.as_bytes()) {
            Ok(Message::Request { id, method, .. }) => {
                let ping = method == "ping";
                if ping || !self.aside.give_one(text) {
                    self.respond(&id, ping);
                }
            }
            Ok(Message::Notification { method, params }) => self.aside.notified(text, &method, params),
            // Some servers answer here. Ids tell whom; a reply without one is nobody's.
            Ok(Message::Response { id, .. }) => {
                if let Some(caller) =
                    self.aside.callers().get(&id.as_ref().and_then(Id::as_number).unwrap_or(-1))
                {
                    drop(caller.sender.try_send(text.to_owned()));
                }
            }
            Err(_) => {}
        }
    }
}

/// Reads the stream until nobody needs it any more. Holds no session while it waits, so that it can end.
async fn listen(session: Weak<Session>, mut messages: Messages) {
    loop {
        let event = timeout(LINGER, messages.next()).await;
        let Some(session) = session.upgrade() else { return };
        match event {
            Ok(Ok(Some(event))) => session.overheard(&event.data),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a call hears of a session with these calls: an id and a level each.
    fn session(calls: &[(i64, Option<&str>)]) -> (Aside, Vec<mpsc::Receiver<String>>) {
        let aside = Aside::default();
        let mut heard = Vec::new();
        for (id, level) in calls {
            let (sender, receiver) = mpsc::channel(UNREAD);
            let ear = Ear { id: *id, level: level.and_then(crate::hear::severity), ..Ear::default() };
            aside.callers().insert(*id, Caller { ear, sender, over: false });
            heard.push(receiver);
        }
        (aside, heard)
    }

    fn counts(heard: &mut [mpsc::Receiver<String>]) -> Vec<usize> {
        heard.iter_mut().map(|heard| std::iter::from_fn(|| heard.try_recv().ok()).count()).collect()
    }

    #[test]
    fn logs_are_for_whoever_wants_them_and_questions_for_one() {
        let (aside, mut heard) = session(&[(1, Some("debug")), (2, Some("error")), (3, None)]);
        let log: Box<RawValue> = serde_json::from_str(r#"{"level":"info","data":1}"#).unwrap();
        aside.notified("log", "notifications/message", Some(&log));
        assert_eq!(counts(&mut heard), [1, 0, 0]);
        aside.notified("progress", "notifications/progress", None);
        assert_eq!(counts(&mut heard), [1, 1, 1], "everybody knows its own");
        aside.notified("?", "notifications/acme/thing", None);
        aside.notified("changed", "notifications/tools/list_changed", None);
        assert!(!aside.give_one("question"));
        assert_eq!(counts(&mut heard), [0, 0, 0]);
        // Two of the calls have their replies.
        for id in [1, 2] {
            aside.callers().get_mut(&id).unwrap().over = true;
        }
        assert!(aside.give_one("question"));
        aside.notified("log", "notifications/message", Some(&log));
        assert_eq!(counts(&mut heard), [1, 0, 1]);
    }
}
