//! Turns what comes in for one request into an answer: the bare reply where nothing precedes it, else a stream.

use std::future::Future;

use futures_util::stream;

use crate::{
    call::{Answer, Event, EventStream},
    fault::Fault,
};

/// Something that a request's events are read from. Dropping it cancels the request.
pub(crate) trait Reading: Send + 'static {
    /// The next event; the reply is the last one.
    fn next(&mut self) -> impl Future<Output = Result<Event, Fault>> + Send;
    /// The upstream's name.
    fn name(&self) -> &str;
}

/// Reads up to the first event for the caller: many servers answer everything with a stream of one event.
pub(crate) async fn answer<R: Reading>(mut reading: R) -> Result<Answer, Fault> {
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
            Err(fault) => {
                let outcome = fault.into_outcome(reading.name());
                Some((Event::Done(outcome), (None, None)))
            }
        }
    });
    Ok(Answer::Stream(EventStream::new(events)))
}
