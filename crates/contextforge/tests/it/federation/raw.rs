//! A server that answers whatever a test wants, byte for byte.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) http: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// The body as JSON, as far as JSON values can hold it.
    pub(crate) fn json(&self) -> Value {
        // Number texts beyond any float are not what is asked for here.
        serde_json::from_str(&self.body.replace("1e400", "0")).unwrap_or_default()
    }

    pub(crate) fn method(&self) -> String {
        self.json()["method"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A JSON-RPC reply with this text as its result, or as its error.
    fn reply(&self, told: &str) -> String {
        let (member, value) = told.strip_prefix("error:").map_or(("result", told), |error| ("error", error));
        format!(r#"{{"jsonrpc":"2.0","id":{},"{member}":{value}}}"#, self.json()["id"])
    }
}

/// A running server of revision 2025-06-18 without sessions, and what it was asked.
pub(crate) struct Raw {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
}

impl Raw {
    /// Starts a server. `answer` gives the result of a request, an error as `error:{…}`, a whole event stream
    /// as `events:…`, or nothing for a method that it does not know; the handshake is answered for it where it does not.
    pub(crate) async fn serve(answer: impl Fn(&Seen) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    /// The same on a port of the caller's.
    pub(crate) fn listen(
        listener: TcpListener,
        answer: impl Fn(&Seen) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let service = service_fn(move |request| {
                    let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                    async move {
                        let seen = read(request).await;
                        log.lock().unwrap().push(seen.clone());
                        Ok::<_, Infallible>(respond(&seen, &*answer))
                    }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, seen, serving }
    }

    /// One whose only tools have these definitions, and whose calls are answered with `result`.
    pub(crate) async fn tools(definitions: &'static str, result: &'static str) -> Self {
        Self::serve(move |seen| match seen.method().as_str() {
            "tools/list" => Some(format!(r#"{{"tools":[{definitions}]}}"#)),
            "tools/call" => Some(result.to_owned()),
            _ => None,
        })
        .await
    }

    /// Ends it with all of its connections.
    pub(crate) async fn stop(&mut self) {
        self.serving.abort();
        drop((&mut self.serving).await);
    }

    /// The requests with this JSON-RPC method.
    pub(crate) fn asked(&self, method: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.method() == method).cloned().collect()
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Seen { http: parts.method, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn respond(seen: &Seen, answer: &dyn Fn(&Seen) -> Option<String>) -> Response<Full<Bytes>> {
    if seen.http != Method::POST {
        return full(405, String::new());
    }
    if seen.json().get("id").is_none() {
        return full(202, String::new());
    }
    let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"raw","version":"1"}}"#;
    let unknown = r#"error:{"code":-32601,"message":"Method not found"}"#;
    let told = match seen.method().as_str() {
        "initialize" => answer(seen).unwrap_or_else(|| hello.to_owned()),
        "ping" => "{}".to_owned(),
        _ => answer(seen).unwrap_or_else(|| unknown.to_owned()),
    };
    if let Some(events) = told.strip_prefix("events:") {
        let response = Response::builder().header("content-type", "text/event-stream");
        return response.body(Full::from(events.to_owned())).unwrap();
    }
    full(200, seen.reply(&told))
}

fn full(status: u16, body: String) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::from(body)).unwrap()
}
