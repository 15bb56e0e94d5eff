//! A call under way: one JSON answer, or an event stream with progress in order and the answer last.
//!
//! When the client goes away the stream is dropped, and with it the call: nobody could receive its answer, because
//! streams are not resumed. When the client's credential ends, the stream ends with it.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use domain::Error;
use engine::invoke::{Event, Outcome, Running, Watched};
use futures_util::{StreamExt, future::BoxFuture, stream};
use protocol::{
    era::Era,
    json::RawObject,
    jsonrpc::{self, Id},
    ladder, sse,
};
use serde_json::value::RawValue;

use super::{
    dispatch::for_client,
    endpoint::Request,
    reply::{self, Reply},
    session::Entry,
};

/// Who waits for the call, and how they want it.
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) era: Era,
    pub(crate) progress_token: Option<Box<RawValue>>,
    /// Keeps the call in the table of calls that the client may cancel.
    pub(crate) entry: Option<Entry>,
    /// Whether the answer carries caching hints in the modern era.
    pub(crate) cacheable: bool,
}

/// Waits for the answer, or streams it if it comes as a stream and the client takes one.
pub(crate) async fn reply(request: &Request, running: Running, client: Client) -> Reply {
    match running {
        Running::Done(outcome) => finish(outcome, &client),
        Running::Stream(events) if request.streams => {
            let ended = Ended::watch(request);
            Reply::Stream(Body::from_stream(messages(events, client, ended)))
        }
        Running::Stream(events) => {
            let outcome = last(events).await;
            finish(outcome, &client)
        }
    }
}

/// Ready when the credential that a stream was opened with has ended.
struct Ended(BoxFuture<'static, Error>);

impl Ended {
    fn watch(request: &Request) -> Self {
        let (app, credential) = (request.auth.app.clone(), Arc::clone(&request.auth.credential));
        Self(Box::pin(async move { credential.ended(app.engine()).await }))
    }
}

fn finish(outcome: Outcome, client: &Client) -> Reply {
    match translated(outcome, client) {
        Ok(outcome) => Reply::done(client.id.clone(), outcome),
        Err(error) => Reply::failed(client.id.clone(), error, client.era),
    }
}

/// The outcome as the client's era expects it.
fn translated(outcome: Outcome, client: &Client) -> Result<Outcome, Error> {
    match outcome {
        Ok(result) => for_client(&result, client.era, client.cacheable).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

async fn last(mut events: Watched) -> Outcome {
    while let Some(event) = events.next().await {
        if let Event::Done(outcome) = event {
            return outcome;
        }
    }
    Err(jsonrpc::RpcError::new(ladder::INTERNAL_ERROR, "the upstream closed the stream before it answered"))
}

/// Server-sent events: the notifications in order, and the answer.
fn messages(
    events: Watched,
    client: Client,
    ended: Ended,
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(Some((events, client, ended)), |state| async move {
        let (mut events, client, mut ended) = state?;
        loop {
            let cancelled = async {
                match &client.entry {
                    None => std::future::pending().await,
                    Some(entry) => entry.cancelled.cancelled().await,
                }
            };
            let event = tokio::select! {
                event = events.next() => event,
                () = cancelled => return None,
                _ = &mut ended.0 => return None,
            };
            match event? {
                Event::Notification { method, params } => {
                    if let Some(text) = notification(&method, params.as_deref(), &client) {
                        return Some((Ok(Bytes::from(sse::encode(text))), Some((events, client, ended))));
                    }
                }
                Event::Done(outcome) => {
                    let text = finish(outcome, &client).into_message().unwrap_or_default();
                    return Some((Ok(Bytes::from(sse::encode(text))), None));
                }
            }
        }
    })
}

/// A notification as this client may see it: progress under its own token, log messages, nothing else.
fn notification(method: &str, params: Option<&RawValue>, client: &Client) -> Option<Vec<u8>> {
    match method {
        "notifications/progress" => {
            let token = client.progress_token.as_deref()?;
            let mut object = RawObject::parse(params?).ok()?;
            object.set("progressToken", token);
            Some(jsonrpc::write_notification(method, Some(&object.to_raw())))
        }
        "notifications/message" => Some(jsonrpc::write_notification(method, params)),
        _ => None,
    }
}

/// The answer of a call that its client cancelled: legacy clients expect none, the stream just ends.
pub(crate) fn cancelled(id: Id) -> Reply {
    Reply::done(id, Err(jsonrpc::RpcError::new(reply::CANCELLED, "Request cancelled")))
}
