//! What clients are told unasked: changed lists, updated resources, log messages, and when the telling ends.

mod ending;
mod levels;
mod lists;
mod updates;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client as Connections, rt::TokioExecutor};
use serde_json::{Value, json};

use crate::app::App;

/// How long something that should come may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open event stream, read event by event.
pub(crate) struct Events {
    body: Incoming,
    buffer: String,
    /// The head of the answer.
    pub(crate) status: StatusCode,
}

impl Events {
    pub(crate) async fn open(request: Request<Full<Bytes>>) -> Self {
        let client: Connections<_, Full<Bytes>> = Connections::builder(TokioExecutor::new()).build_http();
        Self::of(client.request(request).await.unwrap())
    }

    pub(crate) fn of(response: http::Response<Incoming>) -> Self {
        Self { status: response.status(), body: response.into_body(), buffer: String::new() }
    }

    /// The name and the data of the next event; comments are left out. `None` at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let event: String = self.buffer.drain(..end + 2).collect();
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                match field("data:") {
                    Some(data) => return Some((field("event:").unwrap_or_default(), data)),
                    None => continue,
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.buffer.push_str(std::str::from_utf8(data).unwrap());
            }
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let event = tokio::time::timeout(PATIENCE, self.event()).await.expect("a message in time");
        event.map(|(_, data)| serde_json::from_str(&data).unwrap())
    }

    /// The method of the next message.
    pub(crate) async fn method(&mut self) -> String {
        self.next().await.expect("a message")["method"].as_str().unwrap_or_default().to_owned()
    }

    /// That nothing comes for a while.
    pub(crate) async fn silent(&mut self) {
        let heard = tokio::time::timeout(Duration::from_millis(700), self.event()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    /// That the stream ends; gives what was left in it.
    pub(crate) async fn end(&mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(message) = self.next().await {
            rest.push(message);
        }
        rest
    }
}

/// A legacy session of whoever holds `token`.
pub(crate) async fn session(app: &App, door: &str, token: &str) -> String {
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string();
    let reply = app.mcp_raw(door, token, &body, &[]).await;
    let id = reply.header("mcp-session-id").to_owned();
    let capabilities = reply.expect(200)["result"]["capabilities"].clone();
    assert_eq!(capabilities["tools"]["listChanged"], true, "{capabilities}");
    id
}

/// The GET of a stream.
pub(crate) fn get(app: &App, path: &str, token: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(Method::GET)
        .uri(format!("{}{path}", app.base))
        .header("authorization", format!("Bearer {token}"))
        .header("accept", "text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

/// The stream of a session.
pub(crate) async fn stream(app: &App, token: &str, session: &str) -> Events {
    let events = Events::open(get(app, "/mcp", token, &[("mcp-session-id", session)])).await;
    assert_eq!(events.status.as_u16(), 200);
    events
}

/// A request in a session.
pub(crate) async fn ask(app: &App, token: &str, session: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 5, "method": method, "params": params }).to_string();
    app.mcp_raw("/mcp", token, &message, &[("mcp-session-id", session)]).await.json()
}

/// The subscription of a modern client, and what was acknowledged.
async fn listen(app: &App, token: &str, notifications: Value) -> (Events, Value) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "notifications": notifications, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen", "params": params });
    let request = Request::post(format!("{}/mcp", app.base))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "subscriptions/listen")
        .body(Full::from(body.to_string()))
        .unwrap();
    let mut events = Events::open(request).await;
    assert_eq!(events.status.as_u16(), 200);
    let first = events.next().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9, "{first}");
    (events, first["params"]["notifications"].clone())
}
