//! Revision 2026-07-28: every request stands alone, in one POST.
//!
//! There is no state but the next id. A JSON answer costs one request and no task; an event stream is read when
//! the caller asks for the next event, and dropping it closes the connection, which cancels the request.

mod follow;
mod listen;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use protocol::{
    headers,
    jsonrpc::{self, Id, Outcome},
    ladder, version,
};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{
    Content, Origin, Reply,
    answer::{Reading, answer},
    herald::Herald,
    messages::Messages,
    unexpected,
};
use crate::{
    call::{Answer, Call, CallContext, Connected, Event, empty_object},
    fault::Fault,
    hear::{Ear, Heard},
    probe::{self, Verdict},
};

/// A modern upstream.
#[derive(Debug)]
pub(crate) struct Modern {
    origin: Arc<Origin>,
    herald: Herald,
    ids: AtomicI64,
    listening: std::sync::atomic::AtomicBool,
}

impl Modern {
    pub(crate) fn new(origin: Arc<Origin>, herald: Herald) -> Self {
        Self { origin, herald, ids: AtomicI64::new(1), listening: false.into() }
    }

    /// Asks what the server is, and begins to listen for changes of its lists.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Connected, Fault> {
        match self.probe(deadline).await? {
            Verdict::Modern(connected) => {
                self.listen(&connected);
                Ok(connected)
            }
            Verdict::Legacy => Err(Fault::Contradiction { reply: None, status: 400 }),
            Verdict::Unusable(message) => Err(Fault::Useless(message)),
        }
    }

    /// Asks what the server is.
    pub(crate) async fn probe(&self, deadline: Instant) -> Result<Verdict, Fault> {
        let verdict = self.discover(deadline).await?;
        // A server that refuses the revision it says it supports is asked once more.
        if let Verdict::Unusable(_) = &verdict {
            return self.discover(deadline).await;
        }
        Ok(verdict)
    }

    async fn discover(&self, deadline: Instant) -> Result<Verdict, Fault> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = self.request(id, "server/discover", &empty_object(), &CallContext::plain(""))?;
        let Reply { status, headers: lines, content } = self.origin.exchange(request, deadline).await?;
        let session = lines.contains_key(&headers::SESSION_ID);
        let outcome = self.origin.outcome(content, &Ear { id, ..Ear::default() }, deadline).await?;
        if status == StatusCode::INTERNAL_SERVER_ERROR && outcome.is_none() {
            return Err(Fault::Useless("failed (HTTP 500)".to_owned()));
        }
        Ok(probe::verdict(status.as_u16(), outcome.as_ref(), session))
    }

    /// Sends one request.
    pub(crate) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = self.request(id, &call.method, &call.params, &call.context)?;
        let Reply { status, content, .. } = self.origin.exchange(request, deadline).await?;
        let ear = Ear::new(id, &call.context);
        match content {
            Content::Json(body) => answered(&ear, &body, status).map(Answer::Done),
            Content::Events(body) if status.is_success() => {
                let messages = self.messages(body, deadline);
                let (origin, herald) = (Arc::clone(&self.origin), self.herald.clone());
                answer(Events { origin, herald, ear, messages }).await
            }
            Content::Events(_) | Content::Other(_) => Err(unexpected(status)),
        }
    }

    fn messages(&self, body: Incoming, deadline: Instant) -> Messages {
        Messages::new(body, self.origin.client.max_response, Some(deadline))
    }

    /// Stops listening.
    pub(crate) fn close(&self) {
        self.herald.closed.cancel();
    }

    /// The request as it goes out: headers repeat what the body says.
    fn request(
        &self,
        id: i64,
        method: &str,
        params: &RawValue,
        context: &CallContext,
    ) -> Result<Request<Full<Bytes>>, Fault> {
        let (params, target) = crate::hop::params(method, params, context, (true, id))?;
        let body = jsonrpc::write_request_of(&Id::from(id), method, &params);
        let mut lines = self.origin.headers(context);
        for (name, value) in headers::standard(version::MODERN, method, target.as_deref()) {
            lines.insert(name, value);
        }
        for (name, value) in &context.param_headers {
            if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
                lines.insert(name, value);
            }
        }
        Ok(Origin::post(&self.origin.uri, lines, body))
    }
}

/// A stream that is being read.
struct Events {
    origin: Arc<Origin>,
    herald: Herald,
    ear: Ear,
    messages: Messages,
}

impl Reading for Events {
    async fn next(&mut self) -> Result<Event, Fault> {
        while let Some(event) = self.messages.next().await? {
            match self.ear.hear(event.data.as_bytes())? {
                Heard::Done(outcome) => return Ok(Event::Done(outcome)),
                Heard::Event(event) => return Ok(event),
                Heard::Changed(change) => self.herald.tell(change),
                // Servers of this era ask nothing; whoever does gets no answer.
                Heard::Updated(_) | Heard::Asked(..) | Heard::Question(..) | Heard::Nothing => {}
            }
        }
        Err(Fault::Broken)
    }

    fn name(&self) -> &str {
        &self.origin.name
    }
}

/// The outcome in a JSON answer. An error of a kind that this era does not have means another era.
fn answered(ear: &Ear, body: &[u8], status: StatusCode) -> Result<Outcome, Fault> {
    let heard = ear.hear(body);
    if status.is_success() {
        return match heard? {
            Heard::Done(outcome) => Ok(outcome),
            _ => Err(Fault::Useless("answered another request".to_owned())),
        };
    }
    match heard {
        Ok(Heard::Done(Err(error))) => match (status.as_u16(), error.code) {
            (_, ladder::UNSUPPORTED_VERSION) | (400 | 404, ladder::INVALID_REQUEST | -32019..=-32000) => {
                Err(Fault::Contradiction { reply: Some(error), status: status.as_u16() })
            }
            _ => Ok(Err(error)),
        },
        _ => Err(unexpected(status)),
    }
}
