//! The answer of a call: what is said before it as a stream, where there is anything.

use std::sync::Arc;

use domain::{Error, Result};
use futures_util::stream;
use protocol::{jsonrpc::RpcError, ladder};
use tokio::time::{Instant, timeout_at};

use super::{Inner, session::InFlight, timed_out};
use crate::{
    ask,
    call::{Answer, Event, EventStream},
};

/// A request under way. Dropping it cancels.
struct Reading {
    inner: Arc<Inner>,
    in_flight: InFlight,
    deadline: Instant,
}

/// Reads up to the first event for the caller; most calls have none but the answer.
pub(super) async fn answer(inner: Arc<Inner>, in_flight: InFlight, deadline: Instant) -> Result<Answer> {
    let mut reading = Reading { inner, in_flight, deadline };
    let first = match reading.next().await? {
        Event::Done(outcome) => return Ok(Answer::Done(outcome)),
        event => event,
    };
    let events = stream::unfold((Some(reading), Some(first)), |(reading, first)| async {
        if let Some(first) = first {
            return Some((first, (reading, None)));
        }
        let mut reading = reading?;
        match reading.next().await {
            Ok(done @ Event::Done(_)) => Some((done, (None, None))),
            Ok(event) => Some((event, (Some(reading), None))),
            Err(error) => Some((failed(&error), (None, None))),
        }
    });
    Ok(Answer::Stream(EventStream::new(events)))
}

impl Reading {
    async fn next(&mut self) -> Result<Event> {
        let next = async {
            match self.in_flight.event().await {
                Some(event) => Ok(event),
                None => self.in_flight.outcome().await.map(Event::Done),
            }
        };
        let event = timeout_at(self.deadline, next).await.unwrap_or_else(|_| Err(timed_out()));
        if let Ok(Event::Asked(_)) = &event {
            self.deadline = self.deadline.max(Instant::now() + ask::PATIENCE);
        }
        event.map_err(|error| self.inner.named(error))
    }
}

/// A failure after the answer has begun can only be told in JSON-RPC's words.
fn failed(error: &Error) -> Event {
    Event::Done(Err(RpcError::new(ladder::INTERNAL_ERROR, error.to_string())))
}
