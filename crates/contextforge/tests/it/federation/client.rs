//! MCP clients of either era, as far as these tests need them.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client as Connections, rt::TokioExecutor};
use serde_json::{Value, json};

use crate::app::{App, Reply};

/// A client with an administrator's token.
pub(crate) struct Client<'a> {
    app: &'a App,
    /// The session of a legacy client; a modern one has none.
    session: Option<String>,
}

impl<'a> Client<'a> {
    /// One that speaks 2026-07-28.
    pub(crate) fn modern(app: &'a App) -> Self {
        Self { app, session: None }
    }

    /// One that shook hands as 2025-11-25 has it.
    pub(crate) async fn legacy(app: &'a App) -> Self {
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string();
        let reply = app.mcp_raw("/mcp", &app.admin(), &body, &[]).await;
        let client = Self { app, session: Some(reply.header("mcp-session-id").to_owned()) };
        reply.expect(200);
        client.tell("notifications/initialized", json!({})).await;
        client
    }

    /// The era, for messages.
    pub(crate) fn era(&self) -> &'static str {
        if self.session.is_some() { "legacy" } else { "modern" }
    }

    /// Asks and gives the whole answer; events before it are left out.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        self.messages(method, params).await.pop().unwrap()
    }

    /// Asks and gives every message that comes, the answer last.
    pub(crate) async fn messages(&self, method: &str, params: Value) -> Vec<Value> {
        let reply = crate::app::raw(self.request(7, method, params)).await;
        messages(&reply)
    }

    /// Asks, and gives the response before its body is read. Dropping it closes the connection.
    pub(crate) async fn begin(&self, id: u32, method: &str, params: Value) -> Response<Incoming> {
        let client: Connections<_, Full<Bytes>> = Connections::builder(TokioExecutor::new()).build_http();
        client.request(self.request(id, method, params)).await.unwrap()
    }

    /// Sends a notification.
    pub(crate) async fn tell(&self, method: &str, params: Value) {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        let reply = crate::app::raw(self.post(method, &body, None)).await;
        assert_eq!(reply.status.as_u16(), 202, "{:?}", reply.body);
    }

    fn request(&self, id: u32, method: &str, mut params: Value) -> Request<Full<Bytes>> {
        if self.session.is_none() {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let target = params.get("name").or(params.get("uri")).and_then(Value::as_str).map(str::to_owned);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.post(method, &body, target.as_deref())
    }

    fn post(&self, method: &str, body: &Value, target: Option<&str>) -> Request<Full<Bytes>> {
        let mut request = Request::post(format!("{}/mcp", self.app.base))
            .header("authorization", format!("Bearer {}", self.app.admin()))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        } else {
            request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
            request = target.into_iter().fold(request, |request, target| request.header("mcp-name", target));
        }
        request.body(Full::from(body.to_string())).unwrap()
    }
}

/// The messages of an answer, whether it is one or a stream of them.
fn messages(reply: &Reply) -> Vec<Value> {
    if !reply.header("content-type").starts_with("text/event-stream") {
        return vec![reply.json()];
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}
