//! Definitions that upstreams change: what is served, what is held back, and who decides.

mod cleaning;
mod drift;
mod held;
mod many;

use serde_json::{Value, json};

use crate::{app::App, federation::raw::Raw};

/// A tool as an upstream lists it.
fn tool(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object", "properties": { "a": { "type": "string" } } } })
}

/// An upstream whose tools a test changes.
struct Upstream {
    raw: Raw,
    tools: std::sync::Arc<std::sync::Mutex<Vec<Value>>>,
}

impl Upstream {
    async fn start(tools: Vec<Value>) -> Self {
        let tools = std::sync::Arc::new(std::sync::Mutex::new(tools));
        let listed = std::sync::Arc::clone(&tools);
        let raw = Raw::serve(move |seen| match seen.method().as_str() {
            "tools/list" => Some(json!({ "tools": *listed.lock().unwrap() }).to_string()),
            "tools/call" => Some(r#"{"content":[{"type":"text","text":"done"}]}"#.to_owned()),
            _ => None,
        })
        .await;
        Self { raw, tools }
    }

    /// Changes the tools and has the gateway look.
    async fn say(&self, app: &App, gateway: &Value, tools: Vec<Value>) -> Value {
        *self.tools.lock().unwrap() = tools;
        let path = format!("/v1/gateways/{}/tools/refresh", gateway["id"].as_str().unwrap());
        app.send("POST", &path, &app.admin(), None).await.expect(200)
    }
}

/// The pin of the tool of that public name.
async fn pin(app: &App, name: &str) -> Value {
    let rows = crate::federation::tools(app, name).await;
    let row = rows.iter().find(|row| row["name"] == name).unwrap();
    app.get(&format!("/v1/tools/{}/pin", row["id"].as_str().unwrap()), &app.admin()).await.expect(200)
}

/// Approves or rejects what is on offer.
async fn decide(app: &App, pin: &Value, verb: &str) -> Value {
    let path = format!("/v1/tools/{}/pin/{verb}", pin["tool_id"].as_str().unwrap());
    let body = json!({ "fingerprint": pin["offered_fingerprint"] });
    app.post(&path, &app.admin(), body).await.expect(200)
}

/// The description under which clients are shown a tool, if they are shown it.
async fn description(app: &App, name: &str) -> Option<String> {
    let list = app.mcp("/mcp", &app.admin(), "tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().unwrap().clone();
    let found = tools.into_iter().find(|tool| tool["name"] == name)?;
    Some(found["description"].as_str().unwrap().to_owned())
}

/// The audit records of an action, newest first.
async fn audited(app: &App, action: &str) -> Vec<Value> {
    let rows = app.get("/api/logs/audit-trails?limit=200", &app.admin()).await.expect(200);
    let rows = rows.as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["action"] == action).collect()
}
