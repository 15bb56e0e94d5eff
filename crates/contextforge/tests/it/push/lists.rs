//! Changed lists: told to clients of both eras, soon, and only to those who see the change.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{listen, session, stream};
use crate::{
    app::App,
    federation::{
        listed,
        peer::{Era, Peer},
        register,
    },
};

/// From the upstream's word to the client's.
const SOON: Duration = Duration::from_millis(1500);

const TOOLS: &str = "notifications/tools/list_changed";

#[tokio::test]
async fn clients_of_both_eras_hear_of_changes_upstream() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        let id = session(&app, "/mcp", &admin).await;
        let mut legacy = stream(&app, &admin, &id).await;
        let (mut modern, told) = listen(&app, &admin, json!({ "toolsListChanged": true })).await;
        assert_eq!(told, json!({ "toolsListChanged": true }));
        // A legacy upstream's stream is opened beside its registration.
        app.until(async || peer.state.listening()).await;
        let began = Instant::now();
        peer.state.grow().await;
        let (legacy, modern) = (legacy.next().await.unwrap(), modern.next().await.unwrap());
        let took = began.elapsed();
        assert!(took < SOON, "{name}: {took:?}");
        assert_eq!(legacy, json!({ "jsonrpc": "2.0", "method": TOOLS }), "{name}");
        assert_eq!(modern["method"], TOOLS, "{name}: {modern}");
        assert_eq!(modern["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9, "{modern}");
        assert!(listed(&app).await.contains(&format!("{name}-grown")), "{name}: what was told is so");
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_resumed_says_that_everything_changed() {
    let app = App::start().await;
    let admin = app.admin();
    let id = session(&app, "/mcp", &admin).await;
    let resumed = [("mcp-session-id", id.as_str()), ("last-event-id", "7")];
    let mut events = super::Events::open(super::get(&app, "/mcp", &admin, &resumed)).await;
    assert_eq!(events.status.as_u16(), 200);
    for list in ["tools", "prompts", "resources"] {
        assert_eq!(events.method().await, format!("notifications/{list}/list_changed"));
    }
    let mut anew = stream(&app, &admin, &id).await;
    assert!(events.end().await.is_empty(), "the new one takes its place");
    anew.silent().await;
}

#[tokio::test]
async fn only_what_was_asked_for_and_is_seen_is_told() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let mine = session(&app, "/mcp", &admin).await;
    let his = session(&app, "/mcp", &bob).await;
    let (mut seen, mut unseen) = (stream(&app, &admin, &mine).await, stream(&app, &bob, &his).await);
    let (mut prompts, _) = listen(&app, &admin, json!({ "promptsListChanged": true })).await;
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "demo-echo").unwrap().clone();
    let path = format!("/v1/tools/{}", tool["id"].as_str().unwrap());
    // What bob does not see any more has changed for him; what he did not see before and does not now has not.
    let change = json!({ "visibility": "private" });
    app.send("PUT", &path, &admin, Some(change)).await.expect(200);
    assert_eq!(unseen.method().await, TOOLS, "it went away");
    seen.silent().await;
    let change = json!({ "description": "Another text." });
    app.send("PUT", &path, &admin, Some(change)).await.expect(200);
    assert_eq!(seen.method().await, TOOLS);
    unseen.silent().await;
    prompts.silent().await;
}

#[tokio::test]
async fn every_process_tells_of_what_another_one_changed() {
    let one = App::start().await;
    let two = one.beside().await;
    let admin = one.admin();
    let id = session(&two, "/mcp", &admin).await;
    let mut events = stream(&two, &admin, &id).await;
    let tools = one.get("/v1/tools?limit=0", &admin).await.expect(200);
    let path = format!("/v1/tools/{}", tools[0]["id"].as_str().unwrap());
    let change = json!({ "description": "Changed on the other one." });
    one.send("PUT", &path, &admin, Some(change)).await.expect(200);
    assert_eq!(events.method().await, TOOLS);
}

#[tokio::test]
async fn a_virtual_server_tells_of_its_own() {
    let app = App::start().await;
    let admin = app.admin();
    let body = json!({ "server": { "name": "empty" }, "visibility": "public" });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    let id = server["id"].as_str().unwrap();
    let door = format!("/servers/{id}/mcp");
    let inside = session(&app, &door, &admin).await;
    let headers = [("mcp-session-id", inside.as_str())];
    let mut events = super::Events::open(super::get(&app, &door, &admin, &headers)).await;
    assert_eq!(events.status.as_u16(), 200);
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let tool = &tools[0]["id"];
    let rename = json!({ "description": "not in the server" });
    let path = format!("/v1/tools/{}", tool.as_str().unwrap());
    app.send("PUT", &path, &admin, Some(rename)).await.expect(200);
    events.silent().await;
    let chosen = json!({ "associated_tools": [tool] });
    app.send("PUT", &format!("/v1/servers/{id}"), &admin, Some(chosen)).await.expect(200);
    assert_eq!(events.method().await, TOOLS);
    app.send("DELETE", &format!("/v1/servers/{id}"), &admin, None).await;
    assert!(events.end().await.is_empty(), "a server that is gone has no stream");
}
