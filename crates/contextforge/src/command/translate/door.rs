//! The HTTP side: `/mcp`, the event stream with its messages, and `/healthz`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use protocol::{
    headers::SESSION_ID,
    jsonrpc::{self, Id, Message, RpcError},
    ladder,
    params::Params,
    sse,
};
use tokio::{sync::mpsc, time::timeout};

use super::session::{Session, Sessions};
use crate::cli::Translate;

/// What every request shares.
#[derive(Clone)]
pub(super) struct Door(Arc<Shared>);

struct Shared {
    sessions: Arc<Sessions>,
    token: Option<String>,
    /// The name that was bound; loopback names always count.
    host: String,
    sse_path: String,
    message_path: String,
    keep_alive: Duration,
}

impl Door {
    pub(super) fn new(sessions: Arc<Sessions>, options: &Translate, keep_alive: Duration) -> Self {
        Self(Arc::new(Shared {
            sessions,
            token: options.auth_token.clone(),
            host: options.host.to_string(),
            sse_path: options.sse_path.clone(),
            message_path: options.message_path.clone(),
            keep_alive,
        }))
    }

    /// The routes, for the transports that are wanted: streamable HTTP, HTTP+SSE.
    pub(super) fn routes(self, (streamable, with_sse): (bool, bool)) -> Router {
        let mut routes = Router::new();
        if streamable {
            routes = routes.route("/mcp", post(ask).get(listen).delete(end));
        }
        if with_sse {
            routes = routes.route(&self.0.sse_path, get(open)).route(&self.0.message_path, post(message));
        }
        let guarded = routes.layer(from_fn_with_state(self.clone(), admit));
        guarded.route("/healthz", get(async || "ok")).with_state(self)
    }

    /// Why a request is not let in.
    fn refusal(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if let Some(token) = &self.0.token {
            let shown = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if !shown.is_some_and(|shown| same(shown.trim(), token)) {
                return Some((StatusCode::UNAUTHORIZED, "the bearer token is missing or wrong"));
            }
            return None;
        }
        // Without a token, a web page must not reach it by any name.
        let host = text(header::HOST).unwrap_or_default();
        let here = |host: &str| {
            let name = host.rsplit_once(':').map_or(host, |(name, port)| {
                if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
            });
            let name = name.trim_start_matches('[').trim_end_matches(']');
            ["localhost", "127.0.0.1", "::1", self.0.host.as_str()].contains(&name)
        };
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        let from_here =
            origin.is_none_or(|origin| origin.split_once("://").is_some_and(|(_, host)| here(host)));
        (!here(host) || !from_here).then_some((StatusCode::FORBIDDEN, "this Host or Origin is not allowed"))
    }
}

/// Compares without telling by its time where the difference is.
fn same(shown: &str, wanted: &str) -> bool {
    let (shown, wanted) = (shown.as_bytes(), wanted.as_bytes());
    let differences = shown.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == wanted.len() && differences == 0
}

async fn admit(State(door): State<Door>, request: Request, next: Next) -> Response {
    match door.refusal(request.headers()) {
        Some((status, why)) => answer(status, jsonrpc::write_error(None, &failed(why))),
        None => next.run(request).await,
    }
}

fn failed(why: impl std::fmt::Display) -> RpcError {
    RpcError::new(ladder::INTERNAL_ERROR, why.to_string())
}

fn answer(status: StatusCode, message: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], message).into_response()
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(&SESSION_ID).and_then(|id| id.to_str().ok())
}

/// `POST /mcp`.
async fn ask(State(door): State<Door>, lines: HeaderMap, body: Bytes) -> Response {
    let message = match jsonrpc::parse(&body) {
        Ok(message) => message,
        Err(refusal) => {
            let error =
                refusal.rpc().unwrap_or_else(|| RpcError::new(ladder::INVALID_REQUEST, refusal.message()));
            return answer(StatusCode::BAD_REQUEST, jsonrpc::write_error(None, &error));
        }
    };
    let sessions = &door.0.sessions;
    let greeting = message.method() == Some("initialize");
    let found = match session_of(&lines) {
        Some(id) => match sessions.find(id) {
            Some(session) => Ok((None, session)),
            None => {
                return answer(
                    StatusCode::NOT_FOUND,
                    jsonrpc::write_error(message.id(), &failed("Session not found")),
                );
            }
        },
        None if greeting => sessions.open().map(|(id, session)| (Some(id), session)),
        None => sessions.shared().map(|session| (None, session)),
    };
    let (opened, session) = match found {
        Ok(found) => found,
        Err(error) => {
            return answer(
                StatusCode::SERVICE_UNAVAILABLE,
                jsonrpc::write_error(message.id(), &failed(error)),
            );
        }
    };
    let Message::Request { id, params, .. } = &message else {
        return match session.tell(body.to_vec()).await {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(error) => answer(StatusCode::BAD_GATEWAY, jsonrpc::write_error(None, &failed(error))),
        };
    };
    let params = Params::parse(*params).unwrap_or_default();
    let messages = match session.ask((id, &params), body.to_vec()).await {
        Ok(Some(messages)) => messages,
        Ok(None) => {
            let error = RpcError::new(ladder::INVALID_REQUEST, "id: a request with this id is under way");
            return answer(StatusCode::BAD_REQUEST, jsonrpc::write_error(Some(id), &error));
        }
        Err(error) => return answer(StatusCode::BAD_GATEWAY, jsonrpc::write_error(Some(id), &failed(error))),
    };
    let streams = lines.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let streams = streams.is_some_and(|accept| accept.contains("text/event-stream")) && !greeting;
    let mut response = if streams {
        stream_of(with_end(messages, id.clone(), session), door.0.keep_alive)
    } else {
        whole(messages, id).await
    };
    if let Some(value) = opened.and_then(|id| HeaderValue::try_from(id).ok()) {
        response.headers_mut().insert(SESSION_ID.clone(), value);
    }
    response
}

/// The answer alone, in one piece.
async fn whole(mut messages: mpsc::Receiver<Bytes>, id: &Id) -> Response {
    let mut last = None;
    while let Some(message) = messages.recv().await {
        last = Some(message);
    }
    match last.filter(|message| matches!(jsonrpc::parse(message), Ok(Message::Response { .. }))) {
        Some(message) => answer(StatusCode::OK, message.to_vec()),
        None => answer(StatusCode::BAD_GATEWAY, jsonrpc::write_error(Some(id), &failed(GONE))),
    }
}

const GONE: &str = "The server ended before it answered";

/// The messages of a call, with an error at the end where there is no answer. Holds the process.
fn with_end(
    messages: mpsc::Receiver<Bytes>,
    id: Id,
    session: Arc<Session>,
) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(Some((messages, id, session)), |state| async move {
        let (mut messages, id, session) = state?;
        match messages.recv().await {
            Some(message) => {
                let last = matches!(jsonrpc::parse(&message), Ok(Message::Response { .. }));
                Some((message, (!last).then_some((messages, id, session))))
            }
            None => Some((Bytes::from(jsonrpc::write_error(Some(&id), &failed(GONE))), None)),
        }
    })
}

fn of(receiver: mpsc::Receiver<Bytes>) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

/// An event stream, with comments where nothing is said.
fn stream_of(messages: impl Stream<Item = Bytes> + Send + 'static, keep_alive: Duration) -> Response {
    let frames = stream::unfold(messages.boxed(), move |mut messages| async move {
        match timeout(keep_alive, messages.next()).await {
            Ok(Some(message)) => Some((Bytes::from(sse::encode(message)), messages)),
            Ok(None) => None,
            Err(_) => Some((Bytes::from_static(sse::KEEP_ALIVE), messages)),
        }
    });
    let body = Body::from_stream(frames.map(Ok::<_, Infallible>));
    let lines =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache, no-transform")];
    (lines, body).into_response()
}

/// `GET /mcp`: what the server says unasked.
async fn listen(State(door): State<Door>, lines: HeaderMap) -> Response {
    let Some(id) = session_of(&lines) else { return StatusCode::METHOD_NOT_ALLOWED.into_response() };
    match door.0.sessions.find(id) {
        Some(session) => stream_of(of(session.listen()), door.0.keep_alive),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `DELETE /mcp`.
async fn end(State(door): State<Door>, lines: HeaderMap) -> Response {
    let ended = session_of(&lines).is_some_and(|id| !id.is_empty() && door.0.sessions.end(id));
    if ended { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }.into_response()
}

/// Ends a process with the stream that it was started for.
struct Line {
    sessions: Arc<Sessions>,
    id: String,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.sessions.end(&self.id);
    }
}

/// `GET /sse`: a stream with a process of its own.
async fn open(State(door): State<Door>) -> Response {
    let (id, session) = match door.0.sessions.open() {
        Ok(opened) => opened,
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    };
    let path = &door.0.message_path;
    let first = format!("event: endpoint\ndata: {path}?session_id={id}\n\n");
    let line = Line { sessions: Arc::clone(&door.0.sessions), id };
    let messages = of(session.listen());
    drop(session);
    let keep_alive = door.0.keep_alive;
    let frames = stream::unfold((messages.boxed(), line), move |(mut messages, line)| async move {
        let frame = match timeout(keep_alive, messages.next()).await {
            Ok(Some(message)) => {
                let mut frame = b"event: message\n".to_vec();
                frame.extend_from_slice(&sse::encode(message));
                Bytes::from(frame)
            }
            Ok(None) => return None,
            Err(_) => Bytes::from_static(sse::KEEP_ALIVE),
        };
        Some((frame, (messages, line)))
    });
    let frames = stream::iter([Bytes::from(first)]).chain(frames);
    let body = Body::from_stream(frames.map(Ok::<_, Infallible>));
    let lines =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache, no-transform")];
    (lines, body).into_response()
}

#[derive(serde::Deserialize)]
struct Named {
    session_id: String,
}

/// `POST /message`.
async fn message(State(door): State<Door>, Query(named): Query<Named>, body: Bytes) -> Response {
    let session = (!named.session_id.is_empty()).then(|| door.0.sessions.find(&named.session_id)).flatten();
    let Some(session) = session else { return StatusCode::NOT_FOUND.into_response() };
    if jsonrpc::parse(&body).is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match session.tell(body.to_vec()).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
