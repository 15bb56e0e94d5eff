//! What servers ask clients while they work on a call: elicitation, sampling and roots, in all four pairings of eras.
//!
//! The upstreams are the `fixture` peer pinned to one era; the clients speak raw JSON, so that what goes over the wire
//! is what stands here.

pub(crate) mod client;
mod logs;
mod roots;
mod stdio;

use serde_json::{Value, json};

use self::client::{Legacy, Modern};
use crate::{
    app::App,
    federation::{
        peer::{Era, Peer},
        register,
    },
};

/// Both upstreams behind one gateway: `new-…` and `old-…`.
async fn both() -> (App, [Peer; 2]) {
    let app = App::with(&[], &[]).await;
    let peers = [Peer::start(Era::Modern).await, Peer::start(Era::Legacy).await];
    register(&app, "New", &peers[0].url()).await;
    register(&app, "Old", &peers[1].url()).await;
    (app, peers)
}

fn everything() -> Value {
    json!({ "elicitation": {}, "sampling": {}, "roots": {} })
}

/// What a person, a model and a file system would say.
fn answer(question: &Value) -> Value {
    match question["method"].as_str().unwrap() {
        "elicitation/create" => {
            let content = json!({ "username": "ann", "email": "ann@example.com", "name": "Ann", "color": "blue", "ok": true, "context": "tests" });
            json!({ "action": "accept", "content": content })
        }
        "sampling/createMessage" => {
            json!({ "role": "assistant", "content": { "type": "text", "text": "Paris" }, "model": "m", "stopReason": "endTurn" })
        }
        "roots/list" => json!({ "roots": [{ "uri": "file:///here", "name": "here" }] }),
        other => panic!("nobody asks {other}"),
    }
}

fn methods(questions: &[Value]) -> Vec<&str> {
    questions.iter().map(|question| question["method"].as_str().unwrap()).collect()
}

/// The text of a tool's result.
fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

#[tokio::test]
async fn servers_of_both_eras_ask_clients_of_both() {
    let (app, _peers) = both().await;
    let token = app.admin();
    let legacy = Legacy::open(&app, &token, everything()).await;
    let modern = Modern { app: &app, token: &token, capabilities: everything() };
    let elicitation = "elicitation/create";
    let cases = [
        ("test-elicitation", json!({ "message": "Who?" }), vec![elicitation], "ann@example.com"),
        ("test-sampling", json!({ "prompt": "Capital?" }), vec!["sampling/createMessage"], "Paris"),
        ("test-input-required-result-list-roots", json!({}), vec!["roots/list"], "file:///here"),
        ("test-input-required-result-multi-round", json!({}), vec![elicitation, elicitation], "blue"),
        ("test-input-required-result-request-state", json!({}), vec![elicitation], "state-ok"),
    ];
    for upstream in ["new", "old"] {
        for (tool, arguments, asked, said) in &cases {
            let name = format!("{upstream}-{tool}");
            let (questions, result) = legacy.call(&name, arguments, answer).await;
            assert_eq!(methods(&questions), *asked, "legacy client, {name}");
            assert!(text(&result).contains(said), "legacy client, {name}: {result}");
            assert!(result["result"].get("resultType").is_none(), "{result}");
            let (questions, result) = modern.call(&name, arguments, answer).await;
            assert_eq!(methods(&questions), *asked, "modern client, {name}");
            assert!(text(&result).contains(said), "modern client, {name}: {result}");
            assert_eq!(result["result"]["resultType"], "complete");
        }
    }
    assert!(app.get("/health", "").await.status.is_success());
}

#[tokio::test]
async fn several_questions_are_asked_at_once() {
    let (app, _peers) = both().await;
    let token = app.admin();
    let legacy = Legacy::open(&app, &token, everything()).await;
    let modern = Modern { app: &app, token: &token, capabilities: everything() };
    for upstream in ["new", "old"] {
        let name = format!("{upstream}-test-input-required-result-multiple-inputs");
        let (questions, result) = legacy.call(&name, &json!({}), answer).await;
        assert_eq!((questions.len(), text(&result)), (3, "All inputs came."), "legacy client, {upstream}");
        let first = modern.ask(&name, &json!({}), json!({})).await;
        let requests = first["result"]["inputRequests"].as_object().unwrap();
        assert_eq!(requests.len(), 3, "{first}");
        let (_, result) = modern.go_on(&name, &json!({}), first, answer).await;
        assert_eq!(text(&result), "All inputs came.", "modern client, {upstream}");
    }
}

#[tokio::test]
async fn who_declares_nothing_is_asked_nothing() {
    let (app, _peers) = both().await;
    let token = app.admin();
    let legacy = Legacy::open(&app, &token, json!({})).await;
    let modern = Modern { app: &app, token: &token, capabilities: json!({}) };
    for upstream in ["new", "old"] {
        let whatever = format!("{upstream}-test-input-required-result-capabilities");
        let (questions, result) = legacy.call(&whatever, &json!({}), answer).await;
        assert_eq!((questions.len(), text(&result)), (0, "Nothing is left to ask."), "{upstream}");
        let (questions, result) = modern.call(&whatever, &json!({}), answer).await;
        assert_eq!((questions.len(), text(&result)), (0, "Nothing is left to ask."), "{upstream}");
        let needs = format!("{upstream}-test-missing-capability");
        let (_, result) = legacy.call(&needs, &json!({}), answer).await;
        assert_eq!(result["result"]["isError"], true, "a legacy client's model is told: {result}");
        let reply = modern.send(&needs, &json!({}), json!({})).await;
        assert_eq!(reply.status.as_u16(), 400, "{upstream}: {:?}", reply.body);
        let stubborn = format!("{upstream}-test-elicitation");
        let (questions, result) = legacy.call(&stubborn, &json!({ "message": "?" }), answer).await;
        assert!(questions.is_empty(), "{questions:?}");
        assert!(result["result"]["isError"] == true || result["error"].is_object(), "{upstream}: {result}");
    }
}

#[tokio::test]
async fn a_question_is_answered_by_nobody_else() {
    let (app, _peers) = both().await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let ann = Legacy::open(&app, &admin, everything()).await;
    let other = Legacy::open(&app, &bob, everything()).await;
    for upstream in ["new", "old"] {
        let mut call =
            ann.begin(&format!("{upstream}-test-elicitation"), &json!({ "message": "Who?" })).await;
        let question = call.next().await.unwrap();
        let id = question["id"].as_str().unwrap();
        assert!(id.starts_with("v1."), "sealed: {id}");
        let forged = json!({ "action": "accept", "content": { "email": "bob@example.com" } });
        other.respond(&question["id"], &forged).await;
        ann.respond(&json!("v1.1.AAAA"), &forged).await;
        ann.respond(&question["id"], &answer(&question)).await;
        let result = call.next().await.unwrap();
        assert!(text(&result).contains("ann@example.com"), "{result}");
        assert!(call.next().await.is_none(), "the stream ends with the answer");
    }
}

#[tokio::test]
async fn a_state_is_good_for_its_own_request_and_client() {
    let (app, _peers) = both().await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let ann = Modern { app: &app, token: &admin, capabilities: everything() };
    let other = Modern { app: &app, token: &bob, capabilities: everything() };
    for upstream in ["new", "old"] {
        let (name, arguments) = (format!("{upstream}-test-input-required-result-multi-round"), json!({}));
        let first = ann.ask(&name, &arguments, json!({})).await;
        let back = client::answered(&first, answer);
        let refused = async |client: &Modern<'_>, arguments: Value, back: Value| {
            let reply = client.ask(&name, &arguments, back).await;
            assert_eq!(reply["error"]["code"], -32602, "{upstream}: {reply}");
        };
        refused(&other, arguments.clone(), back.clone()).await;
        refused(&ann, json!({ "other": 1 }), back.clone()).await;
        let mut changed = back.clone();
        changed["requestState"] = json!(format!("{}x", back["requestState"].as_str().unwrap()));
        refused(&ann, arguments.clone(), changed).await;
        let mut unanswered = back.clone();
        unanswered["inputResponses"] = json!({ "nothing": { "action": "accept" } });
        let again = ann.ask(&name, &arguments, unanswered).await;
        assert_eq!(again["result"]["resultType"], "input_required", "asked again: {again}");
        let (questions, result) = ann.go_on(&name, &arguments, again, answer).await;
        assert_eq!((questions.len(), text(&result).contains("blue")), (2, true), "{result}");
    }
    // The call to the legacy server has gone on: its place is not good for a second time, and nothing is run again.
    let name = "old-test-elicitation";
    let first = ann.ask(name, &json!({ "message": "?" }), json!({})).await;
    let back = client::answered(&first, answer);
    assert!(text(&ann.ask(name, &json!({ "message": "?" }), back.clone()).await).contains("accept"));
    let second = ann.ask(name, &json!({ "message": "?" }), back).await;
    assert_eq!(second["error"]["code"], -32602, "{second}");
}

#[tokio::test]
async fn prompts_ask_too() {
    let (app, _peers) = both().await;
    let token = app.admin();
    let modern = Modern { app: &app, token: &token, capabilities: everything() };
    for upstream in ["new", "old"] {
        let name = format!("{upstream}-test-input-required-result-prompt");
        let first = modern.request("prompts/get", &name, json!({})).await.json();
        assert_eq!(first["result"]["resultType"], "input_required", "{upstream}: {first}");
        let result = modern.request("prompts/get", &name, client::answered(&first, answer)).await.json();
        let said = result["result"]["messages"][0]["content"]["text"].as_str();
        assert!(said.is_some_and(|said| said.contains("tests")), "{upstream}: {result}");
    }
}

#[tokio::test]
async fn what_a_legacy_server_says_beside_its_answer_reaches_the_caller() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Legacy).await;
    register(&app, "Old", &peer.url()).await;
    let token = app.admin();
    let client = Legacy::open(&app, &token, json!({})).await;
    let level =
        json!({ "jsonrpc": "2.0", "id": "l", "method": "logging/setLevel", "params": { "level": "debug" } });
    let session = [("mcp-session-id", client.session())];
    app.mcp_raw("/mcp", &token, &level.to_string(), &session).await.expect(200);
    // The fixture logs on the stream of the session, not on that of the call.
    let mut messages = client.begin("old-test-tool-with-logging", &json!({})).await;
    let mut logged = Vec::new();
    while let Some(message) = messages.next().await {
        if message["method"] == "notifications/message" {
            logged.push(message["params"]["data"].clone());
        }
    }
    assert_eq!(logged.first(), Some(&json!("Tool execution started")), "{logged:?}");
}

#[tokio::test]
async fn headers_that_mirror_arguments_must_say_what_the_arguments_say() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "New", &peer.url()).await;
    let (token, tool) = (app.admin(), "new-test-custom-header");
    let about = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
    let params = json!({ "name": tool, "arguments": { "region": "eu" }, "_meta": about });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let standard = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", tool)];
    for (given, status) in
        [(vec![("mcp-param-region", "eu")], 200), (vec![("mcp-param-region", "us")], 400), (vec![], 400)]
    {
        let headers: Vec<_> = standard.iter().copied().chain(given.iter().copied()).collect();
        let reply = app.mcp_raw("/mcp", &token, &body, &headers).await.expect(status);
        let code = reply["error"]["code"].as_i64();
        assert_eq!(code, (status == 400).then_some(-32020), "{given:?}: {reply}");
    }
}
