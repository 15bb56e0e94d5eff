//! A legacy server that is one process for everybody: what it asks reaches the client of its call, and nobody else.

use serde_json::{Value, json};

use super::{
    answer,
    client::{Legacy, Modern},
    everything, methods, text,
};
use crate::{
    app::App,
    federation::{call, listed},
};

/// Tools that ask their client what they are called after, and one that waits until it is released.
const SERVER: &str = r#"
import json, sys
pending, held, cancelled, declared = {}, [], 0, {}
asks = {"elicit": "elicitation/create", "sample": "sampling/createMessage", "roots": "roots/list"}

def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

def result(call, value):
    send(id=call, result={"content": [{"type": "text", "text": json.dumps(value)}]})

for line in sys.stdin:
    message = json.loads(line)
    method, ident = message.get("method"), message.get("id")
    name = message.get("params", {}).get("name")
    if method is None:
        result(pending.pop(ident), message.get("result", message.get("error")))
    elif method == "initialize":
        declared = message["params"]["capabilities"]
        send(id=ident, result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
    elif method == "tools/list":
        names = [*asks, "hold", "release", "held", "declared"]
        send(id=ident, result={"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]})
    elif method == "notifications/cancelled":
        cancelled += 1
    elif name == "hold":
        held.append(ident)
    elif name == "release":
        for call in held:
            result(call, "released")
        held.clear()
        result(ident, "done")
    elif name == "held":
        result(ident, [len(held), cancelled])
    elif name == "declared":
        result(ident, sorted(declared))
    elif name in asks:
        question = f"q{ident}"
        pending[question] = ident
        send(id=question, method=asks[name], params=message["params"]["arguments"])
        if "elicitationId" in message["params"]["arguments"]:
            for done in ("other", "e1"):
                send(method="notifications/elicitation/complete", params={"elicitationId": done})
    elif ident is not None:
        send(id=ident, error={"code": -32601, "message": "no"})
"#;

async fn app() -> App {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    let servers =
        json!({ "mcpServers": { "local": { "command": "python3", "args": ["-u", "-c", SERVER] } } });
    std::fs::write(&file, servers.to_string()).unwrap();
    let app = App::with(&[], &["--servers", file.to_str().unwrap()]).await;
    app.until(async || listed(&app).await.contains(&"local-hold".to_owned())).await;
    app
}

/// How many calls wait, and how many were cancelled.
async fn held(app: &App) -> Value {
    serde_json::from_str(text(&call(app, "local-held", json!({})).await)).unwrap()
}

#[tokio::test]
async fn one_process_asks_clients_of_both_eras() {
    let app = app().await;
    let token = app.admin();
    let legacy = Legacy::open(&app, &token, everything()).await;
    let modern = Modern { app: &app, token: &token, capabilities: everything() };
    let cases = [
        ("elicit", "elicitation/create", json!({ "message": "Who?" }), "ann@example.com"),
        ("sample", "sampling/createMessage", json!({ "messages": [], "maxTokens": 1 }), "Paris"),
        ("roots", "roots/list", json!({}), "file:///here"),
    ];
    for (tool, method, arguments, said) in &cases {
        let name = format!("local-{tool}");
        let (questions, result) = legacy.call(&name, arguments, answer).await;
        assert_eq!(methods(&questions), [*method], "legacy client");
        assert!(text(&result).contains(said), "legacy client: {result}");
        let (questions, result) = modern.call(&name, arguments, answer).await;
        assert_eq!(methods(&questions), [*method], "modern client");
        assert!(text(&result).contains(said), "modern client: {result}");
    }
    // Roots would be kept by the process for everybody, so that there are any is not declared.
    assert_eq!(text(&call(&app, "local-declared", json!({})).await), r#"["elicitation", "sampling"]"#);
    let mute = Legacy::open(&app, &token, json!({})).await;
    let (questions, result) = mute.call("local-elicit", &json!({ "message": "?" }), answer).await;
    assert!(questions.is_empty() && text(&result).contains("cannot be asked"), "{result}");
}

#[tokio::test]
async fn where_it_could_be_for_somebody_else_nobody_is_asked() {
    let app = app().await;
    let (admin, bobs) = (app.admin(), app.user("bob@example.com").await);
    let ann = Legacy::open(&app, &admin, everything()).await;
    let bob = Legacy::open(&app, &bobs, everything()).await;
    let (nothing, who) = (json!({}), json!({ "message": "Who?" }));
    let refused = async |client: &Legacy<'_>| {
        let (questions, result) = client.call("local-elicit", &who, answer).await;
        assert!(questions.is_empty() && text(&result).contains("not certain"), "{result}");
    };
    let asked = async |client: &Legacy<'_>| {
        let (questions, _) = client.call("local-elicit", &who, answer).await;
        assert_eq!(questions.len(), 1);
    };
    let meanwhile = async {
        app.until(async || held(&app).await == json!([1, 0])).await;
        refused(&ann).await;
        refused(&bob).await;
        call(&app, "local-release", json!({})).await;
    };
    let (mut waited, ()) = tokio::join!(bob.begin("local-hold", &nothing), meanwhile);
    assert_eq!(text(&waited.next().await.unwrap()), "\"released\"", "and nothing before it");
    asked(&ann).await;
    // What Bob did not wait for, the server may still be working on.
    tokio::select! {
        _ = bob.begin("local-hold", &nothing) => panic!("it waits"),
        () = app.until(async || held(&app).await == json!([1, 0])) => {}
    }
    app.until(async || held(&app).await == json!([1, 1])).await;
    refused(&ann).await;
    asked(&bob).await;
    call(&app, "local-release", json!({})).await;
    asked(&ann).await;
}

#[tokio::test]
async fn whoever_was_asked_to_do_something_at_a_url_hears_that_it_is_done() {
    let app = app().await;
    let token = app.admin();
    let client = Legacy::open(&app, &token, json!({ "elicitation": { "url": {} } })).await;
    let question =
        json!({ "mode": "url", "message": "Sign in", "url": "https://a.test/", "elicitationId": "e1" });
    let mut messages = client.begin("local-elicit", &question).await;
    let asked = messages.next().await.unwrap();
    assert_eq!(asked["params"]["url"], "https://a.test/", "{asked}");
    let done = messages.next().await.unwrap();
    assert_eq!(done["method"], "notifications/elicitation/complete", "{done}");
    assert_eq!(done["params"], json!({ "elicitationId": "e1" }), "its own, and none that it never heard of");
    client.respond(&asked["id"], &json!({ "action": "accept" })).await;
    assert!(text(&messages.next().await.unwrap()).contains("accept"));
}
