//! A legacy answer that is an event stream: read as it is asked for, resumed where the server closed it early.
//!
//! Closing the connection does not cancel a legacy request, so whoever stops listening says so.

use std::sync::Arc;

use tokio::time::{Duration, Instant, sleep, timeout_at};

use super::{aside::Seat, session::Session};
use crate::{
    ask::{self, Ask},
    call::Event,
    fault::Fault,
    hear::{Ear, Heard},
    http::{Content, answer::Reading, messages::Messages},
};

/// How often a stream is resumed without anything coming of it.
const RESUMPTIONS: u32 = 5;

/// The wait before a stream is resumed, where the server does not name one.
const WAIT: Duration = Duration::from_secs(1);

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

/// The stream of one request.
pub(super) struct Events {
    cancel: Cancel,
    ear: Ear,
    /// Where the server says something to this call on the stream of the session.
    seat: Seat,
    messages: Messages,
    deadline: Instant,
    resumed: u32,
}

impl Events {
    pub(super) fn new(
        cancel: Cancel,
        (ear, seat): (Ear, Seat),
        messages: Messages,
        deadline: Instant,
    ) -> Self {
        Self { cancel, ear, seat, messages, deadline, resumed: 0 }
    }

    /// The next message on either stream.
    async fn message(&mut self) -> Result<String, Fault> {
        loop {
            // What was said beside the answer was said before it.
            let event = tokio::select! {
                biased;
                text = self.seat.next() => return Ok(text),
                event = self.messages.next() => event,
            };
            match event {
                Ok(Some(event)) => return Ok(event.data),
                Ok(None) | Err(Fault::Broken) => self.resume().await?,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Asks for the rest of a stream that ended before the reply.
    async fn resume(&mut self) -> Result<(), Fault> {
        let session = Arc::clone(&self.cancel.session);
        let Some(last) = self.messages.last_id.clone().filter(|_| self.resumed < RESUMPTIONS) else {
            return Err(Fault::Broken);
        };
        self.resumed += 1;
        let wait = self.messages.retry.unwrap_or(WAIT);
        timeout_at(self.deadline, sleep(wait)).await.map_err(|_| Fault::TimedOut)?;
        let reply = session.origin.exchange(session.get(Some(&last)), self.deadline).await?;
        let Content::Events(body) = reply.content else { return Err(Fault::Broken) };
        let retry = self.messages.retry;
        self.messages = Messages::new(body, session.origin.client.max_response, Some(self.deadline));
        (self.messages.last_id, self.messages.retry) = (Some(last), retry);
        Ok(())
    }
}

impl Reading for Events {
    async fn next(&mut self) -> Result<Event, Fault> {
        loop {
            let text = self.message().await?;
            self.resumed = 0;
            match self.ear.hear(text.as_bytes())? {
                Heard::Done(outcome) => {
                    self.cancel.disarm();
                    return Ok(Event::Done(outcome));
                }
                Heard::Event(event) => return Ok(event),
                Heard::Changed(change) => self.cancel.session.herald.tell(change),
                Heard::Question(id, question) => {
                    self.deadline = self.deadline.max(Instant::now() + ask::PATIENCE);
                    self.messages.extend(self.deadline);
                    let session = Arc::clone(&self.cancel.session);
                    return Ok(Event::Asked(Ask::new(question, move |outcome| {
                        session.answer(&id, &outcome);
                    })));
                }
                Heard::Updated(uri) => self.cancel.session.herald.tell_updated(Some(&uri)),
                Heard::Asked(id, ping) => self.cancel.session.respond(&id, ping),
                Heard::Nothing => {}
            }
        }
    }

    fn name(&self) -> &str {
        &self.cancel.session.origin.name
    }
}
