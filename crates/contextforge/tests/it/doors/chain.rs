//! A gateway behind a gateway, over transports that no other test peer speaks: HTTP+SSE, and a child process.

use serde_json::{Value, json};

use crate::{
    app::App,
    federation::{
        listed,
        peer::{Era, Peer},
        register,
    },
    push::{Events, get, session},
};

const TEXT: &str = "test://static-text";

/// What happens far away arrives here.
async fn changes_arrive(outer: &App, peer: &Peer, prefix: &str) {
    let admin = outer.admin();
    let tool = format!("{prefix}-up-echo");
    outer.until(async || listed(outer).await.contains(&tool)).await;
    let id = session(outer, "/mcp", &admin).await;
    let headers = [("mcp-session-id", id.as_str())];
    let mut events = Events::open(get(outer, "/mcp", &admin, &headers)).await;
    let params = json!({ "uri": TEXT });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": params });
    let done = outer.mcp_raw("/mcp", &admin, &message.to_string(), &headers).await.expect(200);
    assert_eq!(done["result"], json!({}), "{done}");
    outer.until(async || peer.state.followed() == [TEXT]).await;
    peer.state.touch(TEXT).await;
    let updated: Value = events.next().await.unwrap();
    assert_eq!(updated["params"]["uri"], TEXT, "{updated}");
    peer.state.grow().await;
    assert_eq!(events.method().await, "notifications/tools/list_changed");
    assert!(listed(outer).await.contains(&format!("{prefix}-up-grown")));
    drop(events);
}

#[tokio::test]
async fn over_the_oldest_transport() {
    let (inner, outer) = (App::with(&[], &[]).await, App::with(&[], &[]).await);
    let peer = Peer::start(Era::Modern).await;
    register(&inner, "up", &peer.url()).await;
    let body = json!({
        "name": "far", "url": format!("{}/sse", inner.base), "transport": "SSE", "visibility": "public",
        "auth_type": "bearer", "auth_token": inner.admin(),
    });
    outer.post("/v1/gateways", &outer.admin(), body).await.expect(200);
    changes_arrive(&outer, &peer, "far").await;
}

#[tokio::test]
async fn over_a_child_process() {
    let inner = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&inner, "up", &peer.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    let command = json!({
        "command": env!("CARGO_BIN_EXE_contextforge"),
        "args": ["wrapper", "--url", format!("{}/mcp", inner.base), "--auth", inner.admin()],
    });
    std::fs::write(&file, json!({ "mcpServers": { "far": command } }).to_string()).unwrap();
    let outer = App::with(&[], &["--servers", file.to_str().unwrap()]).await;
    changes_arrive(&outer, &peer, "far").await;
}
