//! A client says that its roots changed: servers that may ask it for them are told, and nobody else's.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::post};
use http::StatusCode;
use serde_json::{Value, json};

use super::{client::Legacy, everything};
use crate::{
    app::App,
    federation::{listed, register},
};

type Seen = Arc<Mutex<Vec<String>>>;

/// A legacy server with sessions, numbered as they are opened, and what was said in which of them.
async fn server() -> (String, Seen) {
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let router = Router::new().route("/mcp", post(answer)).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

async fn answer(
    State(seen): State<Seen>,
    headers: http::HeaderMap,
    Json(message): Json<Value>,
) -> axum::response::Response {
    let method = message["method"].as_str().unwrap_or_default();
    let session = headers.get("mcp-session-id").map_or("", |id| id.to_str().unwrap());
    let mut seen = seen.lock().unwrap();
    seen.push(format!("{session} {method}"));
    let result = match method {
        "initialize" => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "r", "version": "1" },
        }),
        "tools/list" => json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": session }] }),
        "server/discover" => return StatusCode::BAD_REQUEST.into_response(),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    let number = seen.iter().filter(|line| line.ends_with(" initialize")).count();
    let reply = Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
    ([("mcp-session-id", format!("s{number}"))], reply).into_response()
}

#[tokio::test]
async fn servers_are_told_of_the_roots_of_their_own_clients() {
    let app = App::with(&[], &[]).await;
    let (url, seen) = server().await;
    register(&app, "Old", &url).await;
    app.until(async || listed(&app).await == ["old-t"]).await;
    let (admin, bobs) = (app.admin(), app.user("bob@example.com").await);
    let ann = Legacy::open(&app, &admin, everything()).await;
    let without = Legacy::open(&app, &admin, json!({})).await;
    let bob = Legacy::open(&app, &bobs, everything()).await;
    let mut sessions = Vec::new();
    for client in [&ann, &without, &bob] {
        let (_, answer) = client.call("old-t", &json!({}), super::answer).await;
        sessions.push(super::text(&answer).to_owned());
    }
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" });
    let told = || -> Vec<String> {
        let seen = seen.lock().unwrap();
        seen.iter()
            .filter_map(|line| line.strip_suffix(" notifications/roots/list_changed"))
            .map(str::to_owned)
            .collect()
    };
    // Who has no roots has none that changed.
    without.post(&changed).await;
    bob.post(&changed).await;
    app.until(async || told() == [sessions[2].clone()]).await;
    ann.post(&changed).await;
    app.until(async || told() == [sessions[2].clone(), sessions[0].clone()]).await;
}
