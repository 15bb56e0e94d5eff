//! The answer of a call that wants progress, as a stream.

use std::sync::Arc;

use domain::Error;
use futures_util::{Stream, stream};
use protocol::{jsonrpc::RpcError, ladder};
use tokio::time::{Instant, timeout_at};

use super::{Inner, session::InFlight, timed_out};
use crate::call::Event;

/// Progress as it comes, then the outcome. The stream holds the request: dropping it cancels.
pub(super) fn events(inner: Arc<Inner>, in_flight: InFlight, deadline: Instant) -> impl Stream<Item = Event> {
    stream::unfold(Some((inner, in_flight)), move |state| async move {
        let (inner, mut in_flight) = state?;
        let next = async {
            match in_flight.progress().await {
                Some(event) => Ok(event),
                None => in_flight.outcome().await.map(Event::Done),
            }
        };
        let event = timeout_at(deadline, next).await.unwrap_or_else(|_| Err(timed_out()));
        match event {
            Ok(done @ Event::Done(_)) => Some((done, None)),
            Ok(event) => Some((event, Some((inner, in_flight)))),
            Err(error) => Some((failed(&inner.named(error)), None)),
        }
    })
}

/// A failure after the answer has begun can only be told in JSON-RPC's words.
fn failed(error: &Error) -> Event {
    Event::Done(Err(RpcError::new(ladder::INTERNAL_ERROR, error.to_string())))
}
