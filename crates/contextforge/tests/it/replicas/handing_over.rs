//! Two processes without affinity: what waits in one of them is handed to it by the other.

use serde_json::{Value, json};

use super::listed;
use crate::{
    app::App,
    doors::sse::Client,
    federation::{
        peer::{Era, Peer},
        register,
    },
    push::{Events, ask, session, stream},
    relay::client::{Legacy, Modern, answered},
    token,
};

/// Two processes that can reach each other, with the same upstream of the legacy era behind both.
async fn both() -> (App, App, Peer) {
    let one = App::with(&[("REPLICA_URL", "http://127.0.0.1:0")], &[]).await;
    let two = one.beside().await;
    let peer = Peer::start(Era::Legacy).await;
    register(&one, "Old", &peer.url()).await;
    two.until(async || listed(&two).await.contains(&"old-echo".to_owned())).await;
    (one, two, peer)
}

fn accept(_: &Value) -> Value {
    json!({ "action": "accept", "content": { "username": "ann", "email": "ann@example.com" } })
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

#[tokio::test]
async fn a_call_that_waits_is_answered_through_the_other_process() {
    let (one, two, _peer) = both().await;
    let admin = one.admin();
    let capabilities = json!({ "elicitation": {} });
    let here = Modern { app: &one, token: &admin, capabilities: capabilities.clone() };
    let there = Modern { app: &two, token: &admin, capabilities };
    let (tool, arguments) = ("old-test-elicitation", json!({ "message": "Who?" }));
    for (first, second) in [(&here, &there), (&there, &here)] {
        let asked = first.ask(tool, &arguments, json!({})).await;
        assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
        let back = answered(&asked, accept);
        let done = second.ask(tool, &arguments, back.clone()).await;
        assert!(text(&done).contains("ann@example.com"), "{done}");
        let again = second.ask(tool, &arguments, back).await;
        assert_eq!(again["error"]["code"], -32602, "nothing is run twice: {again}");
    }
    // Whoever is somebody else is refused by the process that it was handed to, as by any other.
    let bob = one.user("bob@example.com").await;
    two.until(async || two.get("/v1/tools", &bob).await.status.as_u16() == 200).await;
    let asked = here.ask(tool, &arguments, json!({})).await;
    let stranger = Modern { app: &two, token: &bob, capabilities: json!({ "elicitation": {} }) };
    let refused = stranger.ask(tool, &arguments, answered(&asked, accept)).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    assert!(text(&there.ask(tool, &arguments, answered(&asked, accept)).await).contains("ann"));
}

#[tokio::test]
async fn a_session_is_one_whichever_process_is_asked() {
    let (one, two, peer) = both().await;
    let admin = one.admin();
    let here = Legacy::open(&one, &admin, json!({ "elicitation": {} })).await;
    let there = here.at(&two);
    let arguments = json!({ "message": "Who?" });
    for (caller, answerer) in [(&here, &there), (&there, &here), (&there, &there)] {
        let mut messages = caller.begin("old-test-elicitation", &arguments).await;
        let question = messages.next().await.expect("a question");
        answerer.respond(&question["id"], &accept(&question)).await;
        let done = messages.next().await.expect("an answer");
        assert!(text(&done).contains("ann@example.com"), "{done}");
    }
    let mut changes = stream(&two, &admin, here.session()).await;
    peer.state.grow().await;
    assert_eq!(changes.method().await, "notifications/tools/list_changed");
    let ended = two.send_in_session("DELETE", &admin, here.session()).await;
    assert_eq!(ended, 200);
    assert!(changes.end().await.is_empty());
    for app in [&one, &two] {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
        let headers = [("mcp-session-id", here.session())];
        assert_eq!(app.mcp_raw("/mcp", &admin, &list, &headers).await.status.as_u16(), 404);
    }
}

#[tokio::test]
async fn a_call_is_cancelled_through_the_other_process() {
    let (one, two, peer) = both().await;
    let admin = one.admin();
    let id = session(&one, "/mcp", &admin).await;
    let wait = json!({ "name": "old-wait", "arguments": { "milliseconds": 60_000 } });
    // A header that another process did not write changes nothing.
    let headers = [("mcp-session-id", id.as_str()), ("x-contextforge-handed-over", "1.forged")];
    for (caller, canceller) in [(&one, &two), (&two, &one)] {
        let calling = ask(caller, &admin, &id, "tools/call", wait.clone());
        let cancelling = async {
            canceller.until(async || peer.state.waiting() == 1).await;
            let cancel = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 5 } });
            let reply = canceller.mcp_raw("/mcp", &admin, &cancel.to_string(), &headers).await;
            assert_eq!(reply.status.as_u16(), 202);
        };
        let (cancelled, ()) = tokio::join!(calling, cancelling);
        assert_eq!(cancelled["error"]["code"], -32800, "{cancelled}");
        canceller.until(async || peer.state.waiting() == 0).await;
    }
}

#[tokio::test]
async fn messages_find_the_stream_that_they_are_for() {
    let (one, two, _peer) = both().await;
    let admin = one.admin();
    let mut client = Client::open(&one, "/sse", &admin).await;
    let ping = json!({ "jsonrpc": "2.0", "id": 4, "method": "ping" });
    assert_eq!(two.post(&client.endpoint, &admin, ping).await.status.as_u16(), 202);
    let (first, _) = client.ask("ping", json!({})).await;
    assert_eq!(first["result"], json!({}));
    let stranger = token::sign(&token::claims("nobody@example.com"));
    let reply = two.post(&client.endpoint, &stranger, json!({})).await;
    assert!(reply.status.is_client_error(), "{:?}", reply.status);
}

#[tokio::test]
async fn what_a_process_took_with_it_is_refused_clearly_and_the_rest_goes_on() {
    let (mut one, two, _peer) = both().await;
    let admin = one.admin();
    let id = session(&one, "/mcp", &admin).await;
    let capabilities = json!({ "elicitation": {} });
    let (tool, arguments) = ("old-test-elicitation", json!({ "message": "Who?" }));
    let here = Modern { app: &one, token: &admin, capabilities: capabilities.clone() };
    let back = answered(&here.ask(tool, &arguments, json!({})).await, accept);
    let mut changes: Events = stream(&two, &admin, &id).await;
    one.process.kill().await.unwrap();
    changes.end().await;
    let there = Modern { app: &two, token: &admin, capabilities };
    let refused = there.ask(tool, &arguments, back).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("call again"), "{refused}");
    let call = json!({ "name": "old-echo", "arguments": { "message": "hi" } });
    let called = ask(&two, &admin, &id, "tools/call", call).await;
    assert_eq!(text(&called), "hi");
}
