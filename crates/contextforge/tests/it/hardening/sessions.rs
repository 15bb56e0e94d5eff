//! Legacy MCP sessions: ids of requests in them, and the token that they were opened with.

use serde_json::json;

use crate::{
    app::{ADMIN, App, Reply},
    federation::{
        peer::{Era, Peer},
        register,
    },
};

async fn session(app: &App, token: &str) -> String {
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string();
    app.mcp_raw("/mcp", token, &body, &[]).await.header("mcp-session-id").to_owned()
}

async fn send(app: &App, token: &str, session: &str, message: serde_json::Value) -> Reply {
    app.mcp_raw("/mcp", token, &message.to_string(), &[("mcp-session-id", session)]).await
}

#[tokio::test]
async fn a_request_id_in_use_is_refused_and_the_call_stays_cancellable() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let peer = Peer::start(Era::Modern).await;
    register(&app, "p", &peer.url()).await;
    let session = session(&app, &admin).await;
    let wait = json!({ "name": "p-wait", "arguments": { "milliseconds": 60_000 } });
    let call = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": wait });
    let first = send(&app, &admin, &session, call.clone());
    let rest = async {
        app.until(async || peer.state.waiting() == 1).await;
        let second = send(&app, &admin, &session, call.clone()).await.json();
        assert_eq!((&second["error"]["code"], &second["id"]), (&json!(-32600), &json!(5)), "{second}");
        assert_eq!(peer.state.waiting(), 1, "it was not begun");
        let cancel =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 5 } });
        assert_eq!(send(&app, &admin, &session, cancel).await.status.as_u16(), 202);
    };
    let (answer, ()) = tokio::join!(first, rest);
    assert!(!String::from_utf8_lossy(&answer.body).contains("\"result\""), "{:?}", answer.body);
    app.until(async || peer.state.waiting() == 0).await;
    // The id is free again.
    let short = json!({ "name": "p-wait", "arguments": { "milliseconds": 1 } });
    let call = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": short });
    app.until(async || {
        String::from_utf8_lossy(&send(&app, &admin, &session, call.clone()).await.body).contains("\"result\"")
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_was_taken_away() {
    let app = App::with(&[], &[]).await;
    let (first, second) = (app.login(ADMIN).await, app.login(ADMIN).await);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let (mine, other) = (session(&app, &first).await, session(&app, &second).await);
    // A client that has a new token goes on with its session.
    assert_eq!(send(&app, &second, &mine, ping.clone()).await.status.as_u16(), 200);
    app.send("POST", "/auth/logout", &first, None).await.expect(200);
    assert_eq!(
        send(&app, &second, &mine, ping.clone()).await.status.as_u16(),
        404,
        "it ended with its token"
    );
    assert_eq!(send(&app, &second, &other, ping).await.status.as_u16(), 200);
}
