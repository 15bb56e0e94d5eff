//! An answer that is an event stream, read as it is asked for: no task, no channel.
//!
//! Dropping it closes the connection, which is how a modern request is cancelled.

use std::{collections::VecDeque, time::Duration};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use protocol::sse::{self, Decoder};
use tokio::time::{Instant, timeout_at};

use crate::fault::Fault;

/// The events of an answer.
#[derive(Debug)]
pub(crate) struct Messages {
    body: Incoming,
    decoder: Decoder,
    ready: VecDeque<sse::Event>,
    limit: u64,
    deadline: Option<Instant>,
    /// The id of the last event that had one; a legacy stream can be resumed after it.
    pub(crate) last_id: Option<String>,
    /// How long the server wants to be left alone before that.
    pub(crate) retry: Option<Duration>,
}

impl Messages {
    /// Reads `body` until `deadline`, or for as long as it takes.
    pub(crate) fn new(body: Incoming, limit: u64, deadline: Option<Instant>) -> Self {
        let decoder = Decoder::new(usize::try_from(limit).unwrap_or(usize::MAX));
        Self { body, decoder, ready: VecDeque::new(), limit, deadline, last_id: None, retry: None }
    }

    /// Reads on until `deadline`.
    pub(crate) fn extend(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// The next event that has data; `None` at the end. Can be dropped and asked again.
    pub(crate) async fn next(&mut self) -> Result<Option<sse::Event>, Fault> {
        loop {
            while let Some(event) = self.ready.pop_front() {
                if let Some(id) = &event.id {
                    self.last_id = Some(id.clone()).filter(|id| !id.is_empty());
                }
                self.retry = event.retry.map(Duration::from_millis).or(self.retry);
                if !event.data.is_empty() {
                    return Ok(Some(event));
                }
            }
            let frame = match self.deadline {
                Some(deadline) => {
                    timeout_at(deadline, self.body.frame()).await.map_err(|_| Fault::TimedOut)?
                }
                None => self.body.frame().await,
            };
            match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(Fault::Broken),
                Some(Ok(frame)) => {
                    let Some(data) = frame.data_ref() else { continue };
                    let events = self.decoder.push(data).map_err(|_| Fault::too_large(self.limit))?;
                    self.ready.extend(events);
                }
            }
        }
    }
}
