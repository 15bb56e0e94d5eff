//! Tasks through the gateway: of modern upstreams (the `fixture` peer) and of ones of revision 2025-11-25 (written out, so
//! that their answers can be chosen; a stock server that has them is in the matrix), for clients of both eras.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::{
    app::{App, Reply},
    federation::{
        peer::{Era, Peer},
        raw::Raw,
        register,
    },
};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// A modern request; `declares` says whether the client has the extension.
async fn modern(
    app: &App,
    (door, token): (&str, &str),
    method: &str,
    mut params: Value,
    declares: bool,
) -> Reply {
    let extensions = if declares { json!({ EXTENSION: {} }) } else { json!({}) };
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {}, "extensions": extensions }
    });
    let name =
        params.get("name").or(params.get("taskId")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    if !name.is_empty() {
        headers.push(("mcp-name", &name));
    }
    app.mcp_raw(door, token, &body, &headers).await
}

/// The result of a modern request of a client with the extension.
async fn result(app: &App, token: &str, method: &str, params: Value) -> Value {
    let reply = modern(app, ("/mcp", token), method, params, true).await.expect(200);
    assert!(reply.get("result").is_some(), "{method}: {reply}");
    reply["result"].clone()
}

async fn call(app: &App, token: &str, tool: &str, arguments: Value) -> Value {
    result(app, token, "tools/call", json!({ "name": tool, "arguments": arguments })).await
}

/// The task when it has this status.
async fn once(app: &App, token: &str, task: &str, status: &str) -> Value {
    let mut seen = Value::Null;
    app.until(async || {
        seen = result(app, token, "tasks/get", json!({ "taskId": task })).await;
        seen["status"] == status
    })
    .await;
    seen
}

fn id(created: &Value) -> String {
    assert_eq!(created["resultType"], "task", "{created}");
    created["taskId"].as_str().unwrap().to_owned()
}

async fn with_modern() -> (App, Peer) {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "New", &peer.url()).await;
    (app, peer)
}

#[tokio::test]
async fn a_call_becomes_a_task_and_its_outcome_is_read() {
    let (app, _peer) = with_modern().await;
    let admin = app.admin();
    let discovered = modern(&app, ("/mcp", &admin), "server/discover", json!({}), false).await.expect(200);
    assert!(discovered["result"]["capabilities"]["extensions"].get(EXTENSION).is_some(), "{discovered}");
    let created = call(&app, &admin, "new-slow-compute", json!({ "seconds": 0.2 })).await;
    let task = id(&created);
    assert!(task.starts_with("v1.") && task.len() < 1024, "sealed, and fit for a header: {task}");
    assert!(created["createdAt"].is_string() && created.get("content").is_none(), "{created}");
    let done = once(&app, &admin, &task, "completed").await;
    assert_eq!((&done["taskId"], &done["resultType"]), (&json!(task), &json!("complete")), "{done}");
    assert_eq!(done["result"]["content"][0]["text"], "Computed.", "{done}");
    let failed = id(&call(&app, &admin, "new-protocol-error-job", json!({})).await);
    let failed = once(&app, &admin, &failed, "failed").await;
    assert_eq!(failed["error"]["code"], -32603, "{failed}");
}

#[tokio::test]
async fn a_task_asks_its_client_and_can_be_cancelled() {
    let (app, _peer) = with_modern().await;
    let admin = app.admin();
    let task = id(&call(&app, &admin, "new-confirm-delete", json!({ "filename": "a" })).await);
    let asks = once(&app, &admin, &task, "input_required").await;
    assert_eq!(asks["inputRequests"]["confirm"]["method"], "elicitation/create", "{asks}");
    let answers = json!({ "confirm": { "action": "accept", "content": { "confirm": true } } });
    let acknowledged =
        result(&app, &admin, "tasks/update", json!({ "taskId": task, "inputResponses": answers })).await;
    assert_eq!(acknowledged["resultType"], "complete", "{acknowledged}");
    let done = once(&app, &admin, &task, "completed").await;
    assert_eq!(done["result"]["content"][0]["text"], "Deleted.", "{done}");
    let slow = id(&call(&app, &admin, "new-slow-compute", json!({ "seconds": 60 })).await);
    result(&app, &admin, "tasks/cancel", json!({ "taskId": slow })).await;
    once(&app, &admin, &slow, "cancelled").await;
}

#[tokio::test]
async fn a_task_is_its_callers_where_it_was_made() {
    let (app, _peer) = with_modern().await;
    let (admin, other) = (app.admin(), app.user("other@example.com").await);
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let tools: Vec<&Value> = tools.as_array().unwrap().iter().map(|tool| &tool["id"]).collect();
    let body = json!({ "server": { "name": "one", "associated_tools": tools }, "visibility": "public" });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    let door = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    let task = id(&call(&app, &admin, "new-slow-compute", json!({ "seconds": 60 })).await);
    let mine = result(&app, &admin, "tasks/get", json!({ "taskId": task })).await;
    assert_eq!(mine["status"], "working", "{mine}");
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let unknown =
            modern(&app, ("/mcp", &admin), method, json!({ "taskId": "t-1" }), true).await.expect(200);
        assert_eq!(unknown["error"]["code"], -32602, "{method}: {unknown}");
        let changed = format!("{}x", &task[..task.len() - 1]);
        for (place, token, id) in
            [("/mcp", &other, &task), (door.as_str(), &admin, &task), ("/mcp", &admin, &changed)]
        {
            let theirs =
                modern(&app, (place, token), method, json!({ "taskId": id }), true).await.expect(200);
            assert_eq!(theirs["error"], unknown["error"], "{method} at {place}");
        }
    }
    let mine = result(&app, &admin, "tasks/get", json!({ "taskId": task })).await;
    assert_eq!(mine["status"], "working", "nobody else cancelled it: {mine}");
}

#[tokio::test]
async fn without_the_extension_there_are_no_tasks() {
    let (app, _peer) = with_modern().await;
    let admin = app.admin();
    let plain = json!({ "name": "new-slow-compute", "arguments": { "seconds": 0 } });
    let plain = modern(&app, ("/mcp", &admin), "tools/call", plain, false).await.expect(200);
    assert_eq!(plain["result"]["content"][0]["text"], "Computed.", "{plain}");
    let needs = json!({ "name": "new-failing-job", "arguments": {} });
    let needs = modern(&app, ("/mcp", &admin), "tools/call", needs, false).await.expect(400);
    assert_eq!(needs["error"]["code"], -32021, "{needs}");
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let refused =
            modern(&app, ("/mcp", &admin), method, json!({ "taskId": "t" }), false).await.expect(400);
        assert_eq!(refused["error"]["code"], -32021, "{method}");
        let required = &refused["error"]["data"]["requiredCapabilities"]["extensions"];
        assert!(required.get(EXTENSION).is_some(), "{refused}");
    }
    for method in ["tasks/list", "tasks/result"] {
        let gone = modern(&app, ("/mcp", &admin), method, json!({}), true).await.expect(404);
        assert_eq!(gone["error"]["code"], -32601, "{method}");
    }
    // A legacy client of a modern upstream gets its answer when the work is done, whatever it asks for.
    let legacy =
        json!({ "name": "new-slow-compute", "arguments": { "seconds": 0 }, "task": { "ttl": 1000 } });
    let legacy = in_revision(&app, &admin, "tools/call", legacy).await;
    assert_eq!(legacy["result"]["content"][0]["text"], "Computed.", "{legacy}");
}

/// A request of revision 2025-11-25 without a session.
async fn in_revision(app: &App, token: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    app.mcp_raw("/mcp", token, &body, &[("mcp-protocol-version", "2025-11-25")]).await.expect(200)
}

const HELLO: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"raw","version":"1"}}"#;
const TOOLS: &str = r#"{"tools":[{"name":"job","inputSchema":{"type":"object"},"execution":{"taskSupport":"required"}},{"name":"maybe","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}}]}"#;

/// An upstream of revision 2025-11-25 whose tasks are completed when they are looked at a second time.
async fn with_revision() -> (App, Raw) {
    let looked = AtomicUsize::new(0);
    let task = |status: &str| {
        format!(
            r#"{{"taskId":"own-1","status":"{status}","createdAt":"2026-01-01T00:00:00Z","lastUpdatedAt":"2026-01-01T00:00:00Z","ttl":60000,"pollInterval":100}}"#
        )
    };
    let raw = Raw::serve(move |seen| {
        let asked = seen.json();
        let about_it = asked["params"]["taskId"] == "own-1";
        Some(match seen.method().as_str() {
            "initialize" => HELLO.to_owned(),
            "tools/list" => TOOLS.to_owned(),
            "tools/call" if asked["params"].get("task").is_some() => {
                format!(r#"{{"task":{}}}"#, task("working"))
            }
            "tools/call" => r#"{"content":[{"type":"text","text":"at once"}]}"#.to_owned(),
            "tasks/get" if about_it && looked.fetch_add(1, Ordering::SeqCst) == 0 => task("working"),
            "tasks/get" if about_it => task("completed"),
            "tasks/cancel" if about_it => task("cancelled"),
            "tasks/result" if about_it => r#"{"content":[{"type":"text","text":"later"}],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"own-1"}}}"#.to_owned(),
            _ => return None,
        })
    })
    .await;
    let app = App::with(&[], &[]).await;
    register(&app, "Old", &raw.url).await;
    (app, raw)
}

#[tokio::test]
async fn a_modern_client_sees_tasks_of_the_older_revision_as_its_own() {
    let (app, raw) = with_revision().await;
    let admin = app.admin();
    let created = call(&app, &admin, "old-job", json!({})).await;
    let task = id(&created);
    assert_eq!((&created["ttlMs"], &created["pollIntervalMs"]), (&json!(60000), &json!(100)), "{created}");
    assert!(created.get("task").is_none() && created.get("ttl").is_none(), "{created}");
    assert_eq!(once(&app, &admin, &task, "working").await["taskId"], json!(task));
    let done = once(&app, &admin, &task, "completed").await;
    assert_eq!(done["result"], json!({ "content": [{ "type": "text", "text": "later" }] }), "{done}");
    let acknowledged = result(&app, &admin, "tasks/cancel", json!({ "taskId": task })).await;
    assert_eq!(acknowledged["resultType"], "complete", "{acknowledged}");
    assert_eq!(raw.asked("tools/call").len(), 1, "called once");
    let plain = call(&app, &admin, "old-maybe", json!({})).await;
    assert_eq!(plain["content"][0]["text"], "at once", "{plain}");
    let needs =
        modern(&app, ("/mcp", &admin), "tools/call", json!({ "name": "old-job" }), false).await.expect(400);
    assert_eq!(needs["error"]["code"], -32021, "{needs}");
    assert_eq!(raw.asked("tools/call").len(), 2, "what cannot be answered is not called");
}

#[tokio::test]
async fn a_client_of_the_older_revision_has_its_tasks_under_sealed_ids() {
    let (app, raw) = with_revision().await;
    let (admin, other) = (app.admin(), app.user("other@example.com").await);
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let hello = in_revision(&app, &admin, "initialize", hello).await;
    let offered = &hello["result"]["capabilities"]["tasks"];
    assert_eq!(*offered, json!({ "cancel": {}, "requests": { "tools": { "call": {} } } }), "{hello}");
    let params = json!({ "name": "old-maybe", "arguments": {}, "task": { "ttl": 1000 } });
    let created = in_revision(&app, &admin, "tools/call", params).await;
    let task = created["result"]["task"]["taskId"].as_str().unwrap_or_else(|| panic!("{created}"));
    assert!(task.starts_with("v1."), "{created}");
    assert_eq!(raw.asked("tools/call")[0].json()["params"]["task"], json!({ "ttl": 1000 }));
    let got = in_revision(&app, &admin, "tasks/get", json!({ "taskId": task })).await;
    assert_eq!((&got["result"]["taskId"], &got["result"]["ttl"]), (&json!(task), &json!(60000)), "{got}");
    let told = in_revision(&app, &admin, "tasks/result", json!({ "taskId": task })).await;
    assert_eq!(told["result"]["content"][0]["text"], "later", "{told}");
    let related = &told["result"]["_meta"]["io.modelcontextprotocol/related-task"]["taskId"];
    assert_eq!(*related, json!(task), "{told}");
    let theirs = in_revision(&app, &other, "tasks/get", json!({ "taskId": task })).await;
    let unknown = in_revision(&app, &admin, "tasks/get", json!({ "taskId": "own-1" })).await;
    assert_eq!(theirs["error"], unknown["error"]);
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    let listed = in_revision(&app, &admin, "tasks/list", json!({})).await;
    assert_eq!(listed["error"]["code"], -32601, "{listed}");
    assert_eq!(raw.asked("tools/call").len(), 1, "called once");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": { "taskId": task } });
    let older =
        app.mcp_raw("/mcp", &admin, &body.to_string(), &[("mcp-protocol-version", "2025-06-18")]).await;
    assert_eq!(older.json()["error"]["code"], -32601, "no revision before it has tasks");
}
