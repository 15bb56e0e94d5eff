//! MCP over a WebSocket: one message a frame, in both directions. `/ws`, and `/servers/{id}/ws` for one virtual server.
//!
//! The connection is the session: what `initialize` settles counts for it alone, and ends with it. Changes and answers
//! take the way of HTTP+SSE (`sse`), so that they have its bounds and end as it does: with the credential, the place or
//! the program. Before every message the policy is asked anew. A message of the stateless era needs no session, and the
//! headers that HTTP wants of it are made here, since there are none on a frame.

use std::sync::Arc;

use axum::{
    body::BodyDataStream,
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Error, Result, permission::grant::ServersUse};
use engine::{
    push::{Listener, Lists},
    resolve,
};
use futures_util::StreamExt;
use http::HeaderMap;
use protocol::{
    abilities::Abilities,
    headers,
    jsonrpc::{self, Message, RpcError},
    ladder::{self, Refusal},
    params::Params,
    sse::Decoder,
    version,
};

use super::sse::Line;
use crate::{
    api::problem::Failure,
    guard::Authorized,
    mcp::{
        endpoint::{self, Request},
        handshake::settled,
        push::{
            self,
            feed::{Check, Feed, Voice},
        },
        reply::Reply,
        session::Session,
    },
    socket::{End, Heard, Socket, Upgrade},
};

/// Signs of life that may be missing before a connection counts as lost.
const MISSING: u32 = 2;

/// `GET /ws`.
pub(crate) async fn everything(
    auth: Authorized<ServersUse>,
    upgrade: Upgrade,
    headers: HeaderMap,
) -> Response {
    open(auth, None, upgrade, headers).unwrap_or_else(|error| Failure(error).into_response())
}

/// `GET /servers/{id}/ws`.
pub(crate) async fn server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    upgrade: Upgrade,
    headers: HeaderMap,
) -> Response {
    open(auth, Some(&id), upgrade, headers).unwrap_or_else(|error| Failure(error).into_response())
}

fn open(
    auth: Authorized<ServersUse>,
    server: Option<&str>,
    upgrade: Upgrade,
    headers: HeaderMap,
) -> Result<Response> {
    let place = resolve::place(auth.app.engine(), &auth, server)?;
    let app = auth.app.clone();
    let at = format!("ws:{}", server.unwrap_or_default());
    let id = app.sessions().open(auth.actor(), &at, version::ASSUMED, Abilities::default())?;
    let session = app.sessions().find(auth.actor(), &at, &id);
    let session = session.ok_or_else(|| Error::internal("a session that was just opened is not there"))?;
    let slot = app.push().slots().take(&app, "ws", &auth.actor().email)?;
    let request =
        Request { auth, place, at: at.clone(), headers, session: Some(session.clone()), streams: true };
    let state = app.push().states().of(&session.key);
    let mut feed = Feed::new(&request, Voice::Plain, slot, state.inbox.clone());
    feed.lists = Lists::ALL;
    feed.check = Some(Check { id, at });
    let (open, answers) = app.push().lines().open(&app, &session.key);
    feed.ends = vec![("session", state.ended.clone()), ("slow", open.gone.clone())];
    feed.answers = Some(answers);
    feed.line = Some(open);
    let line = app.push().lines().get(&session.key);
    let line = line.ok_or_else(|| Error::internal("a line that was just opened is not there"))?;
    let listener = push::listener(&request);
    let door = Door { request, session, listener, line, silent: 0 };
    Ok(upgrade.then(move |socket| door.serve(socket, feed)))
}

/// One client.
struct Door {
    /// As the connection was opened.
    request: Request,
    /// What `initialize` settled, under the key of the connection.
    session: Session,
    listener: Listener,
    line: Line,
    silent: u32,
}

impl Door {
    async fn serve(mut self, mut socket: Socket, feed: Feed) {
        let app = self.request.auth.app.clone();
        let credential = Arc::clone(&self.request.auth.credential);
        let mut out = feed.into_body().into_data_stream();
        let end = tokio::select! {
            end = self.talk(&mut socket, &mut out) => end,
            // Also while somebody does not read.
            _ = credential.ended(app.engine()) => Some(End::Policy),
        };
        // Ends what is under way, which nobody could hear the end of.
        drop(out);
        if let Some(end) = end {
            let stopping = app.engine().draining().is_cancelled();
            socket.end(if stopping { End::Stopping } else { end }).await;
        }
    }

    /// Until one side ends it; says why, where that is this side.
    async fn talk(&mut self, socket: &mut Socket, out: &mut BodyDataStream) -> Option<End> {
        let mut decoder = Decoder::new(usize::MAX);
        loop {
            tokio::select! {
                chunk = out.next() => {
                    let Some(Ok(chunk)) = chunk else { return Some(End::Policy) };
                    let Ok(events) = decoder.push(&chunk) else { return Some(End::Policy) };
                    if !self.pass_on(socket, events.into_iter().map(|event| event.data).collect()).await {
                        return None;
                    }
                }
                heard = socket.hear() => {
                    self.silent = 0;
                    match heard {
                        Heard::Text(text) => {
                            if self.take(Bytes::from(text), socket).await.is_err() {
                                return Some(End::Policy);
                            }
                        }
                        Heard::Alive => {}
                        Heard::Binary => return Some(End::NoText),
                        Heard::Over => return None,
                    }
                }
            }
        }
    }

    /// A chunk without a message is the feed's sign of life, which here is a ping.
    async fn pass_on(&mut self, socket: &mut Socket, messages: Vec<String>) -> bool {
        if messages.is_empty() {
            self.silent += 1;
            return self.silent <= MISSING && socket.ping().await;
        }
        for message in messages.into_iter().filter(|message| !message.is_empty()) {
            if !socket.say(message).await {
                return false;
            }
        }
        true
    }

    /// Takes a message. An error ends the connection: the caller may not be here any more.
    async fn take(&mut self, text: Bytes, socket: &mut Socket) -> Result<()> {
        let message = match jsonrpc::parse(&text) {
            Ok(message) => message,
            Err(refusal) => {
                socket.say(in_words(Reply::Refused { id: None, refusal, era: None })).await;
                return Ok(());
            }
        };
        let request = self.request_for(&message).await?;
        match &message {
            Message::Request { method, .. } if method == "initialize" => {
                let reply = endpoint::one(&request, message).await;
                if let Some(handshake) = settled(&request, &reply) {
                    self.session = self.session.clone().after(&handshake);
                }
                socket.say(in_words(reply)).await;
            }
            Message::Request { id, .. } => {
                let id = id.clone();
                if let Err(error) = self.line.clone().take(request, text.clone()) {
                    let error = RpcError::new(ladder::INTERNAL_ERROR, error.to_string());
                    socket.say(text_of(jsonrpc::write_error(Some(&id), &error))).await;
                }
            }
            // In their order: an answer or a cancellation is about what came before.
            _ => drop(endpoint::one(&request, message).await),
        }
        Ok(())
    }

    /// The request that a message makes, for whoever the client is now.
    async fn request_for(&mut self, message: &Message<'_>) -> Result<Request> {
        let (permit, place) = self.listener.current().await?;
        let mut lines = self.request.headers.clone();
        let modern = modern_lines(message);
        let session = modern.is_empty().then(|| self.session.clone());
        for name in [&headers::PROTOCOL_VERSION, &headers::METHOD, &headers::NAME] {
            lines.remove(name);
        }
        lines.extend(modern);
        let auth = self.request.auth.renewed(permit);
        Ok(Request { auth, place, at: self.request.at.clone(), headers: lines, session, streams: true })
    }
}

/// What a message of the stateless era would have in its headers; nothing where it is none.
fn modern_lines(message: &Message<'_>) -> HeaderMap {
    let Message::Request { method, params, .. } = message else { return HeaderMap::new() };
    let Ok(params) = Params::parse(*params) else { return HeaderMap::new() };
    match params.version() {
        Some(named) if version::is_modern_or_later(&named) => {
            headers::standard(&named, method, params.target(method).as_deref()).into_iter().collect()
        }
        _ => HeaderMap::new(),
    }
}

fn in_words(reply: Reply) -> String {
    let refused = || {
        let error = RpcError::new(ladder::INVALID_REQUEST, Refusal::HttpMethod.message());
        jsonrpc::write_error(None, &error)
    };
    text_of(reply.into_message().unwrap_or_else(refused))
}

fn text_of(message: Vec<u8>) -> String {
    String::from_utf8(message).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
