//! What comes on a session's stream for one request.

use std::sync::Arc;

use protocol::jsonrpc::Outcome;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::session::Line;
use crate::{
    ask::{self, Ask},
    call::Event,
    fault::Fault,
    hear::{Ear, Heard},
    http::answer::Reading,
};

/// Forgets a request when dropped, and sends `notifications/cancelled` unless it came to its end.
pub(super) struct Cancel {
    line: Arc<Line>,
    id: i64,
    armed: bool,
}

impl Cancel {
    pub(super) fn new(line: Arc<Line>, id: i64) -> Self {
        Self { line, id, armed: true }
    }

    /// The request came to its end.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.line.forget(self.id, self.armed);
    }
}

/// The messages for one request.
pub(super) struct Events {
    cancel: Cancel,
    ear: Ear,
    messages: mpsc::Receiver<String>,
    deadline: Instant,
}

impl Events {
    pub(super) fn new(cancel: Cancel, ear: Ear, messages: mpsc::Receiver<String>, deadline: Instant) -> Self {
        Self { cancel, ear, messages, deadline }
    }

    /// The reply, notifications left out.
    pub(super) async fn reply(&mut self) -> Result<Outcome, Fault> {
        loop {
            if let Event::Done(outcome) = self.next().await? {
                return Ok(outcome);
            }
        }
    }
}

impl Reading for Events {
    async fn next(&mut self) -> Result<Event, Fault> {
        loop {
            let text = timeout_at(self.deadline, self.messages.recv()).await.map_err(|_| Fault::TimedOut)?;
            match self.ear.hear(text.ok_or(Fault::Broken)?.as_bytes())? {
                Heard::Done(outcome) => {
                    self.cancel.disarm();
                    return Ok(Event::Done(outcome));
                }
                Heard::Event(event) => return Ok(event),
                Heard::Question(id, question) => {
                    self.deadline = self.deadline.max(Instant::now() + ask::PATIENCE);
                    let line = Arc::clone(&self.cancel.line);
                    return Ok(Event::Asked(Ask::new(question, move |outcome| line.answer(&id, &outcome))));
                }
                Heard::Asked(id, ping) => self.cancel.line.respond(&id, ping),
                Heard::Changed(_) | Heard::Updated(_) | Heard::Nothing => {}
            }
        }
    }

    fn name(&self) -> &str {
        &self.cancel.line.origin.name
    }
}
