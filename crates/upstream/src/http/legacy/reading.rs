//! The answer of a legacy server and what is said before it, on its own stream and on that of the session.
//!
//! A stream is read as it is asked for, and resumed where the server closed it early. Servers that answer in JSON say
//! everything else on the session's stream, which is read while they work. What was logged there just before the reply
//! may come after it: a session that was heard to log there is listened to for a moment longer.
//! Closing the connection does not cancel a legacy request, so whoever stops listening says so.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use protocol::{
    jsonrpc::{Id, Outcome},
    ladder,
    rounds::Question,
};
use tokio::time::{Duration, Instant, sleep, sleep_until, timeout_at};

use super::{aside::Seat, session::Session};
use crate::{
    ask::{self, Ask},
    call::Event,
    fault::Fault,
    hear::{self, Ear, Heard},
    http::{Content, Reply, answer::Reading, messages::Messages},
};

/// How often a stream is resumed without anything coming of it.
const RESUMPTIONS: u32 = 5;

/// The wait before a stream is resumed, where the server does not name one.
const WAIT: Duration = Duration::from_secs(1);

/// How long it is waited for logs that were overtaken by the reply.
const LATE: Duration = Duration::from_millis(20);

/// Sends `notifications/cancelled` when dropped, unless the request came to its end.
pub(super) struct Cancel {
    session: Arc<Session>,
    id: i64,
    armed: bool,
}

impl Cancel {
    pub(super) fn new(session: Arc<Session>, id: i64) -> Self {
        Self { session, id, armed: true }
    }

    /// The request came to its end.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        if self.armed {
            self.session.cancel(self.id);
        }
    }
}

/// One request and what is said about it.
pub(super) struct Events {
    cancel: Cancel,
    ear: Ear,
    /// Where the server says something to this call on the stream of the session.
    seat: Seat,
    source: Source,
    deadline: Instant,
    resumed: u32,
}

/// Where the answer comes from.
enum Source {
    /// The server has not begun to answer.
    Posted(BoxFuture<'static, Result<Reply, Fault>>),
    /// On a stream.
    Stream(Box<Messages>),
    /// It is here, and given out at this time.
    Here(Option<Outcome>, Instant),
}

/// What comes next.
enum Said {
    /// The beginning of the answer.
    Begun(Reply),
    /// A message.
    Text(String),
    /// Nothing more.
    Over(Outcome),
}

impl Source {
    async fn next(&mut self, deadline: Instant) -> Result<Said, Fault> {
        match self {
            Self::Posted(reply) => {
                timeout_at(deadline, reply).await.unwrap_or(Err(Fault::TimedOut)).map(Said::Begun)
            }
            Self::Stream(messages) => {
                messages.next().await?.map(|event| Said::Text(event.data)).ok_or(Fault::Broken)
            }
            Self::Here(outcome, at) => {
                sleep_until(*at).await;
                outcome.take().map(Said::Over).ok_or(Fault::Broken)
            }
        }
    }
}

impl Events {
    /// A request that was sent; `posted` is when the server begins to answer.
    pub(super) fn new(
        cancel: Cancel,
        (ear, seat): (Ear, Seat),
        posted: BoxFuture<'static, Result<Reply, Fault>>,
        deadline: Instant,
    ) -> Self {
        Self { cancel, ear, seat, source: Source::Posted(posted), deadline, resumed: 0 }
    }

    async fn said(&mut self) -> Result<Said, Fault> {
        loop {
            // What was said beside the answer was said before it.
            let said = tokio::select! {
                biased;
                text = self.seat.next() => return Ok(Said::Text(text)),
                said = self.source.next(self.deadline) => said,
            };
            let place = match (&said, &self.source) {
                (Err(Fault::Broken), Source::Stream(messages)) => (messages.last_id.clone(), messages.retry),
                _ => return said,
            };
            self.resume(place).await?;
        }
    }

    /// The server began to answer; gives the reply where that is all of it.
    fn begun(&mut self, reply: Reply) -> Result<Option<Outcome>, Fault> {
        let Reply { status, content, .. } = reply;
        let session = &self.cancel.session;
        match content {
            Content::Events(body) if status.is_success() => {
                let limit = session.origin.client.max_response;
                self.source = Source::Stream(Box::new(Messages::new(body, limit, Some(self.deadline))));
                Ok(None)
            }
            content => {
                let outcome = session.answered(&self.ear, status, &content);
                self.cancel.disarm();
                outcome.map(Some)
            }
        }
    }

    /// The reply came; it is given out at once, unless something may have to come before it.
    fn over(&mut self, outcome: Outcome) -> Option<Event> {
        self.cancel.disarm();
        if matches!(&outcome, Err(error) if error.code == ladder::LEGACY_URL_ELICITATION) {
            self.seat.elicited(None);
        }
        if !self.seat.over() {
            return Some(Event::Done(outcome));
        }
        self.source = Source::Here(Some(outcome), Instant::now() + LATE);
        None
    }

    /// Asks for the rest of a stream that ended before the reply.
    async fn resume(&mut self, (last, retry): (Option<String>, Option<Duration>)) -> Result<(), Fault> {
        let session = Arc::clone(&self.cancel.session);
        let Some(last) = last.filter(|_| self.resumed < RESUMPTIONS) else {
            return Err(Fault::Broken);
        };
        self.resumed += 1;
        timeout_at(self.deadline, sleep(retry.unwrap_or(WAIT))).await.map_err(|_| Fault::TimedOut)?;
        let reply = session.origin.exchange(session.get(Some(&last)), self.deadline).await?;
        let Content::Events(body) = reply.content else { return Err(Fault::Broken) };
        let mut messages = Messages::new(body, session.origin.client.max_response, Some(self.deadline));
        (messages.last_id, messages.retry) = (Some(last), retry);
        self.source = Source::Stream(Box::new(messages));
        Ok(())
    }

    /// A question of the server's. After the reply it is nobody's any more.
    fn asked(&mut self, id: Id, question: Question) -> Option<Event> {
        let session = Arc::clone(&self.cancel.session);
        match &mut self.source {
            Source::Here(..) => {
                session.respond(&id, false);
                return None;
            }
            Source::Posted(_) => self.deadline = self.deadline.max(Instant::now() + ask::PATIENCE),
            Source::Stream(messages) => {
                self.deadline = self.deadline.max(Instant::now() + ask::PATIENCE);
                messages.extend(self.deadline);
            }
        }
        let id_at_url = hear::elicitation(question.params.as_deref());
        if id_at_url.is_some() {
            self.seat.elicited(id_at_url);
        }
        Some(Event::Asked(Ask::new(question, move |outcome| session.answer(&id, &outcome))))
    }

    /// One message, on either stream; gives what the caller is told.
    fn take(&mut self, text: &str) -> Result<Option<Event>, Fault> {
        self.resumed = 0;
        let session = &self.cancel.session;
        Ok(match self.ear.hear(text.as_bytes())? {
            Heard::Done(outcome) => self.over(outcome),
            Heard::Event(event) => Some(event),
            Heard::Question(id, question) => self.asked(id, question),
            Heard::Changed(change) => {
                session.herald.tell(change);
                None
            }
            Heard::Updated(uri) => {
                session.herald.tell_updated(Some(&uri));
                None
            }
            Heard::Asked(id, ping) => {
                session.respond(&id, ping);
                None
            }
            Heard::Nothing => None,
        })
    }
}

impl Reading for Events {
    async fn next(&mut self) -> Result<Event, Fault> {
        loop {
            let said = self.said().await;
            if matches!(said, Err(Fault::Unreachable { .. })) {
                // It never reached the server.
                self.cancel.disarm();
            }
            let said = said?;
            let event = match said {
                Said::Begun(reply) => self.begun(reply)?.and_then(|outcome| self.over(outcome)),
                Said::Text(text) => self.take(&text)?,
                Said::Over(outcome) => Some(Event::Done(outcome)),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn name(&self) -> &str {
        &self.cancel.session.origin.name
    }
}
