//! Clients of either era that can be asked something.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};

use crate::app::{App, Reply, raw};

/// A client with a session of revision 2025-11-25.
pub(crate) struct Legacy<'a> {
    app: &'a App,
    token: &'a str,
    session: String,
    ids: AtomicU32,
}

/// The messages of one call, as they come.
pub(crate) struct Messages {
    body: Incoming,
    text: String,
}

impl<'a> Legacy<'a> {
    pub(crate) async fn open(app: &'a App, token: &'a str, capabilities: Value) -> Self {
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "t", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string();
        let reply = app.mcp_raw("/mcp", token, &body, &[]).await;
        let session = reply.header("mcp-session-id").to_owned();
        reply.expect(200);
        let client = Self { app, token, session, ids: AtomicU32::new(1) };
        client.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        client
    }

    /// The same client, at another process from now on.
    pub(crate) fn at<'b>(&'b self, app: &'b App) -> Legacy<'b> {
        let ids = AtomicU32::new(self.ids.fetch_add(1000, Ordering::Relaxed) + 500);
        Legacy { app, token: self.token, session: self.session.clone(), ids }
    }

    /// The id of its session.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Calls a tool, answers whatever is asked, and gives the questions and the answer.
    pub(crate) async fn call(
        &self,
        name: &str,
        arguments: &Value,
        answer: impl Fn(&Value) -> Value,
    ) -> (Vec<Value>, Value) {
        let mut messages = self.begin(name, arguments).await;
        let mut questions = Vec::new();
        loop {
            let message = messages.next().await.expect("an answer at the end");
            if message.get("method").is_none() {
                return (questions, message);
            }
            self.respond(&message["id"], &answer(&message)).await;
            questions.push(message);
        }
    }

    /// Calls a tool, and gives what comes as it comes.
    pub(crate) async fn begin(&self, name: &str, arguments: &Value) -> Messages {
        let params = json!({ "name": name, "arguments": arguments });
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(self.request(&body)).await.unwrap();
        Messages { body: response.into_body(), text: String::new() }
    }

    /// Any other request, answered in one piece.
    pub(crate) async fn request_of(&self, method: &str, params: Value) -> Value {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        raw(self.request(&body)).await.expect(200)
    }

    /// Answers a question.
    pub(crate) async fn respond(&self, id: &Value, result: &Value) {
        self.post(&json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    }

    /// A message that is accepted without an answer.
    pub(crate) async fn post(&self, body: &Value) {
        let reply = raw(self.request(body)).await;
        assert_eq!(reply.status.as_u16(), 202, "{:?}", reply.body);
    }

    fn request(&self, body: &Value) -> Request<Full<Bytes>> {
        Request::post(format!("{}/mcp", self.app.base))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", "2025-11-25")
            .body(Full::from(body.to_string()))
            .unwrap()
    }
}

impl Messages {
    /// The next message; a JSON answer is one.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data: String = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                let rest = rest.to_owned();
                self.text = rest;
                if !data.is_empty() {
                    return Some(serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            match self.body.frame().await {
                Some(frame) => {
                    let data = frame.unwrap().into_data().unwrap_or_default();
                    self.text.push_str(std::str::from_utf8(&data).unwrap());
                }
                None if self.text.trim().is_empty() => return None,
                None => return Some(serde_json::from_str(&std::mem::take(&mut self.text)).unwrap()),
            }
        }
    }
}

/// A client of revision 2026-07-28.
pub(crate) struct Modern<'a> {
    pub(crate) app: &'a App,
    pub(crate) token: &'a str,
    pub(crate) capabilities: Value,
}

impl Modern<'_> {
    /// Calls a tool, comes back with answers until there is a result, and gives the questions and the answer.
    pub(crate) async fn call(
        &self,
        name: &str,
        arguments: &Value,
        answer: impl Fn(&Value) -> Value,
    ) -> (Vec<Value>, Value) {
        let first = self.ask(name, arguments, json!({})).await;
        self.go_on(name, arguments, first, answer).await
    }

    /// The same after the first answer.
    pub(crate) async fn go_on(
        &self,
        name: &str,
        arguments: &Value,
        first: Value,
        answer: impl Fn(&Value) -> Value,
    ) -> (Vec<Value>, Value) {
        let (mut questions, mut reply) = (Vec::new(), first);
        while reply["result"]["resultType"] == "input_required" {
            questions.extend(reply["result"]["inputRequests"].as_object().unwrap().values().cloned());
            assert!(questions.len() < 10, "it ends: {questions:?}");
            reply = self.ask(name, arguments, answered(&reply, &answer)).await;
        }
        (questions, reply)
    }

    /// One round; `back` is what is brought back.
    pub(crate) async fn ask(&self, name: &str, arguments: &Value, back: Value) -> Value {
        last(&self.send(name, arguments, back).await)
    }

    pub(crate) async fn send(&self, name: &str, arguments: &Value, mut back: Value) -> Reply {
        back["arguments"] = arguments.clone();
        self.request("tools/call", name, back).await
    }

    /// Any request with a name; an answer that is a stream is made one message.
    pub(crate) async fn request(&self, method: &str, name: &str, mut params: Value) -> Reply {
        params["name"] = json!(name);
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": self.capabilities
        });
        let body = json!({ "jsonrpc": "2.0", "id": "m", "method": method, "params": params }).to_string();
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", name)];
        let mut reply = self.app.mcp_raw("/mcp", self.token, &body, &headers).await;
        reply.body = last(&reply).to_string().into();
        reply.headers.remove("content-type");
        reply
    }
}

/// The answers to the questions of a reply, with its state.
pub(crate) fn answered(reply: &Value, answer: impl Fn(&Value) -> Value) -> Value {
    let requests = reply["result"]["inputRequests"].as_object().unwrap_or_else(|| panic!("asks: {reply}"));
    let responses: serde_json::Map<_, _> =
        requests.iter().map(|(key, question)| (key.clone(), answer(question))).collect();
    let mut back = json!({ "inputResponses": responses });
    if let Some(state) = reply["result"].get("requestState") {
        back["requestState"] = state.clone();
    }
    back
}

/// The last message of a reply.
fn last(reply: &Reply) -> Value {
    if !reply.header("content-type").starts_with("text/event-stream") {
        return reply.json();
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    serde_json::from_str(data).unwrap()
}
