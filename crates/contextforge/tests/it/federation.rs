//! Real upstreams behind the gateway: registered, changed, lost and found again, and called in both eras.
//!
//! The upstreams are the `fixture` peer, which shares no code with the gateway, and raw servers for what no decent
//! server does. All of them listen on loopback in this process; the gateway is the real binary.

mod bytes;
mod cancelling;
mod changes;
mod client;
mod credentials;
mod cut;
mod eras;
mod faults;
mod leaving;
mod local_faults;
mod names;
pub(crate) mod peer;
pub(crate) mod processes;
pub(crate) mod raw;
mod reach;

use serde_json::{Value, json};

use crate::app::App;

/// Registers an upstream that everybody sees.
pub(crate) async fn register(app: &App, name: &str, url: &str) -> Value {
    let body = json!({ "name": name, "url": url, "transport": "STREAMABLEHTTP", "visibility": "public" });
    app.post("/v1/gateways", &app.admin(), body).await.expect(200)
}

/// The path of a gateway.
fn path(gateway: &Value) -> String {
    format!("/v1/gateways/{}", gateway["id"].as_str().unwrap())
}

/// A gateway as it is now.
async fn now(app: &App, gateway: &Value) -> Value {
    app.get(&path(gateway), &app.admin()).await.expect(200)
}

/// The rows of `/tools` whose names start so.
pub(crate) async fn tools(app: &App, prefix: &str) -> Vec<Value> {
    let all = app.get("/v1/tools?limit=0&include_inactive=true", &app.admin()).await.expect(200);
    let named = |tool: &&Value| tool["name"].as_str().unwrap().starts_with(prefix);
    all.as_array().unwrap().iter().filter(named).cloned().collect()
}

/// The tool of that name, from `/tools`.
async fn tool(app: &App, name: &str) -> Value {
    tools(app, name).await.into_iter().find(|tool| tool["name"] == name).unwrap()
}

/// The names that an MCP client is shown.
pub(crate) async fn listed(app: &App) -> Vec<String> {
    let list = app.mcp("/mcp", &app.admin(), "tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// Calls a tool as a legacy client without a session.
pub(crate) async fn call(app: &App, name: &str, arguments: Value) -> Value {
    app.mcp("/mcp", &app.admin(), "tools/call", json!({ "name": name, "arguments": arguments })).await
}

/// The first text of a tool's result.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}
