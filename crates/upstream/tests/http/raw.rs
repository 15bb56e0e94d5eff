//! A server that answers whatever a test wants, for what no decent server does.

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Seen {
    /// The JSON-RPC method, or the HTTP one.
    pub(crate) fn kind(&self) -> &str {
        self.body["method"].as_str().unwrap_or_else(|| self.method.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// A JSON reply to this request.
    pub(crate) fn reply(&self, result: &Value) -> Response<Body> {
        json_body(200, &json!({"jsonrpc": "2.0", "id": self.body["id"], "result": result}))
    }

    /// A JSON-RPC error to this request.
    pub(crate) fn error(&self, status: u16, error: &Value) -> Response<Body> {
        json_body(status, &json!({"jsonrpc": "2.0", "id": self.body["id"], "error": error}))
    }
}

/// A running server, and what it was asked.
pub(crate) struct Raw {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Raw {
    /// Starts a server.
    pub(crate) async fn serve(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                    async move {
                        let seen = read(request).await;
                        log.lock().unwrap().push(seen.clone());
                        Ok::<_, io::Error>(answer(&seen))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, seen }
    }

    /// What was asked, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen.kind().to_owned()).collect()
    }

    /// The requests of one kind.
    pub(crate) fn of(&self, kind: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.kind() == kind).cloned().collect()
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Seen { method: parts.method, path, headers: parts.headers, body }
}

/// An answer of any kind.
pub(crate) fn body(status: u16, media: &str, text: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(text.into()).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if !media.is_empty() {
        response.headers_mut().insert("content-type", media.parse().unwrap());
    }
    response
}

pub(crate) fn json_body(status: u16, value: &Value) -> Response<Body> {
    body(status, "application/json", value.to_string())
}

pub(crate) fn empty(status: u16) -> Response<Body> {
    body(status, "", "")
}

/// An answer in pieces; an error breaks the connection.
pub(crate) fn pieces(
    media: &str,
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static,
) -> Response<Body> {
    let mut response =
        Response::new(BodyExt::boxed(StreamBody::new(pieces.map(|piece| piece.map(Frame::data)))));
    response.headers_mut().insert("content-type", media.parse().unwrap());
    response
}

/// An event stream of these messages, and then what happens at its end.
pub(crate) fn event_stream(messages: &[Value], end: End) -> Response<Body> {
    let events: Vec<_> =
        messages.iter().map(|message| Ok(Bytes::from(format!("data: {message}\n\n")))).collect();
    let events = stream::iter(events);
    match end {
        End::Closed => pieces("text/event-stream", events),
        End::Broken => pieces("text/event-stream", events.chain(broken())),
    }
}

/// What happens after the last event.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Closed,
    Broken,
}

/// Breaks the connection, after what came before it was sent.
pub(crate) fn broken() -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
    stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("broken on purpose"))
    })
}

/// A modern server that offers tools; other methods are up to `answer`.
pub(crate) fn modern(seen: &Seen, answer: impl Fn(&Seen) -> Response<Body>) -> Response<Body> {
    if seen.kind() == "server/discover" {
        return seen.reply(&json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
        }));
    }
    answer(seen)
}

/// A legacy server with sessions; other methods are up to `answer`.
pub(crate) fn legacy(seen: &Seen, answer: impl Fn(&Seen) -> Response<Body>) -> Response<Body> {
    match seen.kind() {
        "server/discover" => seen.error(400, &json!({"code": -32000, "message": "No valid session ID"})),
        "initialize" => {
            let mut reply = seen.reply(&json!({
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "logging": {}},
                "serverInfo": {"name": "raw", "version": "1"},
            }));
            reply.headers_mut().insert("mcp-session-id", "s-1".parse().unwrap());
            reply
        }
        "notifications/initialized" | "notifications/cancelled" => empty(202),
        _ => answer(seen),
    }
}
