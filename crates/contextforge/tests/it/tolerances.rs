//! Every tolerance towards clients in the field (`web::mcp::tolerances`), and next to each what is refused all the same.

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::app::{App, Reply, raw};

/// A request with exactly these headers besides the credential.
async fn send(app: &App, body: &Value, headers: &[(&str, &str)]) -> Reply {
    let mut request =
        Request::post(format!("{}/mcp", app.base)).header("authorization", format!("Bearer {}", app.admin()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    raw(request.body(Full::from(body.to_string())).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");
const BOTH: (&str, &str) = ("accept", "application/json, text/event-stream");

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })
}

fn hello() -> Value {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

#[tokio::test]
async fn accept_may_be_missing_or_name_one_form() {
    let app = App::start().await;
    send(&app, &ping(), &[JSON]).await.expect(200);
    for one in ["application/json", "text/event-stream", "application/*", "*/*", "APPLICATION/JSON;q=0.9"] {
        send(&app, &ping(), &[JSON, ("accept", one)]).await.expect(200);
    }
    send(&app, &ping(), &[JSON, ("accept", "text/html")]).await.expect(406);
    send(&app, &ping(), &[("content-type", "text/plain"), BOTH]).await.expect(415);
    send(&app, &ping(), &[("content-type", "application/json; charset=utf-8"), BOTH]).await.expect(200);
}

#[tokio::test]
async fn the_revision_may_be_missing_or_hoped_for() {
    let app = App::start().await;
    send(&app, &ping(), &[JSON, BOTH]).await.expect(200);
    let hoped = send(&app, &hello(), &[JSON, BOTH, ("mcp-protocol-version", "2025-12-01")]).await.expect(200);
    assert_eq!(hoped["result"]["protocolVersion"], "2025-11-25", "{hoped}");
    for wrong in ["2025-12-01", "1.0", ""] {
        send(&app, &ping(), &[JSON, BOTH, ("mcp-protocol-version", wrong)]).await.expect(400);
    }
    let twice = [("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2025-06-18")];
    send(&app, &ping(), &[JSON, BOTH, twice[0], twice[1]]).await.expect(400);
}

#[tokio::test]
async fn a_session_may_be_missing_but_not_wrong() {
    let app = App::start().await;
    let listed = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    send(&app, &listed, &[JSON, BOTH, ("mcp-protocol-version", "2025-11-25")]).await.expect(200);
    send(&app, &listed, &[JSON, BOTH, ("mcp-session-id", "made-up")]).await.expect(404);
    let opened = send(&app, &hello(), &[JSON, BOTH, ("mcp-session-id", "made-up")]).await;
    let id = opened.header("mcp-session-id").to_owned();
    assert!(opened.status == 200 && id.len() > 60, "it has an id of the gateway's: {id}");
    send(&app, &listed, &[JSON, BOTH, ("mcp-session-id", &id)]).await.expect(200);
    // A modern request has no session, so its id is not looked at.
    let about = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
    let modern = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": about } });
    let headers = [
        JSON,
        BOTH,
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/list"),
        ("mcp-session-id", "x"),
    ];
    let reply = send(&app, &modern, &headers).await;
    assert_eq!(reply.header("mcp-session-id"), "", "none is given either");
    reply.expect(200);
}

#[tokio::test]
async fn clients_may_be_early() {
    let app = App::start().await;
    let opened = send(&app, &hello(), &[JSON, BOTH]).await;
    let session = opened.header("mcp-session-id").to_owned();
    opened.expect(200);
    // VS Code sets the level before it says that it is ready; Copilot probes for the modern era in its legacy session.
    let level =
        json!({ "jsonrpc": "2.0", "id": 2, "method": "logging/setLevel", "params": { "level": "info" } });
    send(&app, &level, &[JSON, BOTH, ("mcp-session-id", &session)]).await.expect(200);
    let probe = json!({ "jsonrpc": "2.0", "id": 3, "method": "server/discover", "params": null });
    let probed = send(&app, &probe, &[JSON, BOTH, ("mcp-session-id", &session)]).await.expect(200);
    assert_eq!(probed["error"]["code"], -32601, "it goes on in its session: {probed}");
    send(&app, &ping(), &[JSON, BOTH, ("mcp-session-id", &session)]).await.expect(200);
}
