//! What servers log: to the client whose request it was about, from the level that this client wants.

use serde_json::{Value, json};

use super::{Events, ask, session};
use crate::{
    app::App,
    federation::{raw::Raw, register},
};

const HELLO: &str = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"l","version":"1"}}"#;

/// A server that logs at every level with every call.
async fn chatty() -> Raw {
    Raw::serve(|seen| match seen.method().as_str() {
        "initialize" => Some(HELLO.to_owned()),
        "tools/list" => Some(r#"{"tools":[{"name":"talk","inputSchema":{"type":"object"}}]}"#.to_owned()),
        "logging/setLevel" => Some("{}".to_owned()),
        "tools/call" => {
            let log = |level: &str| {
                let params = json!({ "level": level, "data": format!("at {level}") });
                let note = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params });
                format!("data: {note}\n\n")
            };
            let answer = json!({ "jsonrpc": "2.0", "id": seen.json()["id"], "result": { "content": [] } });
            let logs: String = ["debug", "info", "warning", "error"].into_iter().map(log).collect();
            Some(format!("events:{logs}data: {answer}\n\n"))
        }
        _ => None,
    })
    .await
}

/// The levels of the messages that come with a call.
async fn heard(app: &App, headers: &[(&str, &str)], meta: Value) -> Vec<String> {
    let mut request = http::Request::post(format!("{}/mcp", app.base))
        .header("authorization", format!("Bearer {}", app.admin()))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let params = json!({ "name": "log-talk", "arguments": {}, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params }).to_string();
    let reply = crate::app::raw(request.body(body.into()).unwrap()).await;
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let messages = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let messages = messages.map(|data| serde_json::from_str::<Value>(data).unwrap());
    let levels = messages.filter_map(|message| message["params"]["level"].as_str().map(str::to_owned));
    levels.collect()
}

#[tokio::test]
async fn a_session_hears_what_it_asked_for() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let server = chatty().await;
    register(&app, "log", &server.url).await;
    let (one, two) = (session(&app, "/mcp", &admin).await, session(&app, "/mcp", &admin).await);
    let call = async |id: &str| heard(&app, &[("mcp-session-id", id)], json!({})).await;
    assert_eq!(call(&one).await, ["info", "warning", "error"], "unless it says otherwise");
    let wrong = ask(&app, &admin, &one, "logging/setLevel", json!({ "level": "loud" })).await;
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    let done = ask(&app, &admin, &one, "logging/setLevel", json!({ "level": "error" })).await;
    assert_eq!(done["result"], json!({}), "{done}");
    assert_eq!(call(&one).await, ["error"]);
    let done = ask(&app, &admin, &two, "logging/setLevel", json!({ "level": "debug" })).await;
    assert_eq!(done["result"], json!({}), "{done}");
    assert_eq!(call(&two).await, ["debug", "info", "warning", "error"]);
    assert_eq!(call(&one).await, ["error"], "one session is not the other");
    assert_eq!(heard(&app, &[], json!({})).await, [""; 0], "a request without a session asked for nothing");
    let levels: Vec<_> =
        server.asked("logging/setLevel").iter().map(|seen| seen.json()["params"]["level"].clone()).collect();
    assert_eq!(levels, ["info", "debug"], "the server is asked for the most that anybody wants");
}

#[tokio::test]
async fn a_modern_request_says_it_itself() {
    let app = App::with(&[], &[]).await;
    let server = chatty().await;
    register(&app, "log", &server.url).await;
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "log-talk")];
    let meta = |level: Option<&str>| {
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        if let Some(level) = level {
            meta["io.modelcontextprotocol/logLevel"] = json!(level);
        }
        meta
    };
    assert_eq!(heard(&app, &headers, meta(None)).await, [""; 0]);
    assert_eq!(heard(&app, &headers, meta(Some("warning"))).await, ["warning", "error"]);
}

#[tokio::test]
async fn streams_carry_no_logs() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let server = chatty().await;
    register(&app, "log", &server.url).await;
    let id = session(&app, "/mcp", &admin).await;
    let mut events: Events = super::stream(&app, &admin, &id).await;
    let called = heard(&app, &[("mcp-session-id", &id)], json!({})).await;
    assert!(!called.is_empty());
    events.silent().await;
}
