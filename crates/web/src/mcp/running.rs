//! A call under way: one JSON answer, or an event stream with progress in order and the answer last.
//!
//! An upstream may ask its client something on the way: a legacy client is asked on the stream, a modern one gets
//! `input_required` while its call waits ([`super::parking`]). When the client goes away the stream is dropped, and with
//! it the call: nobody could receive its answer, because streams are not resumed. When the client's credential ends, the
//! stream ends with it.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use domain::Error;
use engine::invoke::{Ask, Event, Outcome, Running, Watched};
use futures_util::{StreamExt, future::BoxFuture, stream};
use protocol::{
    abilities::Abilities,
    era::Era,
    json::RawObject,
    jsonrpc::{self, Id},
    ladder, rounds, sse,
};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::{
    answers,
    endpoint::Request,
    questions::Asked,
    reply::{self, Reply},
    session::Entry,
    tasks::Seat,
};
use crate::app::App;

/// How long it is waited for more questions after the first: servers ask several things in one go.
const MORE: Duration = Duration::from_millis(100);

/// What was to be done at a URL is done. Modern clients are not told: they come back when they have done it.
const ELICITED: &str = "notifications/elicitation/complete";

/// Who waits for the call, and how they want it.
pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) era: Era,
    pub(crate) progress_token: Option<Box<RawValue>>,
    /// Keeps the call in the table of calls that the client may cancel.
    pub(crate) entry: Option<Entry>,
    /// Whether the answer carries caching hints in the modern era.
    pub(crate) cacheable: bool,
    /// Whether a tool is called: what goes wrong can then be told to the model.
    pub(crate) tool: bool,
    /// What the client can be asked.
    pub(crate) abilities: Abilities,
    /// What the request is about, where a modern client may have to make it again.
    pub(crate) digest: Option<String>,
    /// What the answer has to do with tasks.
    pub(crate) tasks: Option<Seat>,
}

/// Waits for the answer, or streams it if it comes as a stream and the client takes one.
pub(crate) async fn reply(request: &Request, running: Running, client: Client) -> Reply {
    let (app, binding) = (request.auth.app.clone(), request.binding());
    let mut conversation = Conversation {
        app,
        binding,
        client,
        streams: request.streams,
        events: None,
        asked: Vec::new(),
        elicited: Vec::new(),
        pending: Vec::new(),
        park_at: Instant::now(),
    };
    match running {
        Running::Done(outcome) => conversation.finish(outcome),
        Running::Stream(events) => {
            conversation.events = Some(events);
            if request.streams {
                let ended = Ended::watch(request);
                return Reply::Stream(Body::from_stream(messages(conversation, ended)));
            }
            loop {
                if let Piece::End(reply) = conversation.next().await {
                    return reply;
                }
            }
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

/// What comes next for the client.
enum Piece {
    /// A notification or a question.
    Message(Vec<u8>),
    /// The answer.
    End(Reply),
}

/// A call and its client.
struct Conversation {
    app: App,
    /// Whose call it is, and where it came in.
    binding: String,
    client: Client,
    streams: bool,
    /// Absent when the answer was given.
    events: Option<Watched>,
    /// What a legacy client was asked; withdrawn when the call ends.
    asked: Vec<Asked>,
    /// What it was asked to do at a URL, by the server's names.
    elicited: Vec<String>,
    /// What a modern client is about to be asked.
    pending: Vec<Ask>,
    park_at: Instant,
}

impl Conversation {
    async fn next(&mut self) -> Piece {
        loop {
            let Some(events) = &mut self.events else { return Piece::End(self.broken()) };
            let event = if self.pending.is_empty() {
                events.next().await
            } else {
                match timeout_at(self.park_at, events.next()).await {
                    Ok(event) => event,
                    Err(_) => return Piece::End(self.park()),
                }
            };
            match event {
                None => return Piece::End(self.broken()),
                Some(Event::Done(outcome)) => return Piece::End(self.finish(outcome)),
                Some(Event::Notification { method, params }) if method == ELICITED => {
                    let done =
                        self.elicited.iter().any(|id| elicitation(params.as_deref()).as_ref() == Some(id));
                    if done {
                        return Piece::Message(jsonrpc::write_notification(&method, params.as_deref()));
                    }
                }
                Some(Event::Notification { method, params }) => {
                    if let Some(text) = notification(&method, params.as_deref(), &self.client) {
                        return Piece::Message(text);
                    }
                }
                Some(Event::Asked(ask)) if self.client.era.is_modern() => {
                    self.pending.push(ask);
                    self.park_at = Instant::now() + MORE;
                }
                Some(Event::Asked(ask)) => {
                    if let Some(text) = self.ask(ask) {
                        return Piece::Message(text);
                    }
                }
            }
        }
    }

    /// Asks a legacy client. A question that cannot be asked is dropped, which tells the server.
    fn ask(&mut self, ask: Ask) -> Option<Vec<u8>> {
        if !self.streams {
            return None;
        }
        let about = (self.binding.as_str(), self.client.era.version());
        let elicited = elicitation(ask.question.params.as_deref());
        match self.app.questions().ask(self.app.sealer(), about, ask) {
            Ok((request, asked)) => {
                self.asked.push(asked);
                self.elicited.extend(elicited);
                Some(request)
            }
            Err(error) => {
                tracing::warn!(%error, "a question to a client could not be asked");
                None
            }
        }
    }

    /// Lets the call wait, and asks its modern client to come back with the answers.
    fn park(&mut self) -> Reply {
        let open = std::mem::take(&mut self.pending);
        let (Some(events), Some(digest)) = (self.events.take(), &self.client.digest) else {
            return self.broken();
        };
        park(&self.app, (&self.binding, digest), (events, open), &self.client)
    }

    fn finish(&mut self, outcome: Outcome) -> Reply {
        self.events = None;
        self.asked.clear();
        answers::answer(&self.app, &self.binding, outcome, &self.client)
    }

    fn broken(&self) -> Reply {
        let error = jsonrpc::RpcError::new(
            ladder::INTERNAL_ERROR,
            "the upstream closed the stream before it answered",
        );
        Reply::done(self.client.id.clone(), Err(error))
    }
}

/// Keeps a call that waits for its client's answers, and asks for them.
pub(crate) fn park(
    app: &App,
    about: (&str, &str),
    (events, open): (Watched, Vec<Ask>),
    client: &Client,
) -> Reply {
    let questions: Vec<_> = open.iter().map(|ask| ask.question.clone()).collect();
    match app.parking().park(app, about, (events, open)) {
        Ok(state) => Reply::done(client.id.clone(), Ok(rounds::input_required(&questions, &state))),
        Err(error) => Reply::failed(client.id.clone(), error, client.era),
    }
}

/// Server-sent events: the notifications and questions in order, and the answer.
fn messages(
    conversation: Conversation,
    ended: Ended,
) -> impl futures_util::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(Some((conversation, ended)), |state| async move {
        let (mut conversation, mut ended) = state?;
        let cancelled = conversation.client.entry.as_ref().map(|entry| entry.cancelled.clone());
        let cancelled = async move {
            match cancelled {
                None => std::future::pending().await,
                Some(cancelled) => cancelled.cancelled().await,
            }
        };
        let piece = tokio::select! {
            piece = conversation.next() => piece,
            () = cancelled => return None,
            _ = &mut ended.0 => return None,
        };
        match piece {
            Piece::Message(text) => Some((Ok(Bytes::from(sse::encode(text))), Some((conversation, ended)))),
            Piece::End(reply) => {
                let text = reply.into_message().unwrap_or_default();
                Some((Ok(Bytes::from(sse::encode(text))), None))
            }
        }
    })
}

/// What the server calls something that is to be done at a URL.
fn elicitation(params: Option<&RawValue>) -> Option<String> {
    let object = RawObject::parse(params?).ok()?;
    object.text("elicitationId").map(std::borrow::Cow::into_owned)
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
