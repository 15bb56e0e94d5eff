//! The MCP endpoint in both eras, against the demonstration server.

use serde_json::{Value, json};

use crate::app::App;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A modern request with its headers.
async fn modern(app: &App, method: &str, mut params: Value, name: Option<&str>) -> (u16, Value) {
    params["_meta"] = json!({ VERSION: "2026-07-28", CAPABILITIES: {} });
    let body = json!({ "jsonrpc": "2.0", "id": "m1", "method": method, "params": params }).to_string();
    let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    headers.extend(name.map(|name| ("mcp-name", name)));
    let reply = app.mcp_raw("/mcp", &app.admin(), &body, &headers).await;
    (reply.status.as_u16(), reply.json())
}

#[tokio::test]
async fn a_legacy_client_shakes_hands_lists_and_calls() {
    let app = App::start().await;
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string();
    let reply = app.mcp_raw("/mcp", &app.admin(), &body, &[]).await;
    let session = reply.header("mcp-session-id").to_owned();
    let result = reply.expect(200)["result"].clone();
    assert_eq!(result["protocolVersion"], "2025-06-18");
    assert_eq!(result["serverInfo"]["name"], "ContextForge");
    assert!(!session.is_empty());
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-06-18")];
    let told = app
        .mcp_raw("/mcp", &app.admin(), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, &headers)
        .await;
    assert_eq!((told.status.as_u16(), told.body.len()), (202, 0));
    let list = app
        .mcp_raw("/mcp", &app.admin(), r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#, &headers)
        .await;
    let list = list.expect(200);
    assert_eq!(list["id"], "a");
    assert!(
        list["result"]["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "demo-echo"),
        "{list}"
    );
    assert!(list["result"].get("resultType").is_none(), "legacy clients get no modern members");
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"demo-echo","arguments":{"text":"hi"}}}"#;
    let call = app.mcp_raw("/mcp", &app.admin(), call, &headers).await.expect(200);
    assert_eq!(call["result"]["content"][0]["text"], "hi", "{call}");
}

#[tokio::test]
async fn a_modern_client_discovers_lists_and_calls() {
    let app = App::start().await;
    let (status, found) = modern(&app, "server/discover", json!({}), None).await;
    assert_eq!(status, 200);
    assert_eq!(found["result"]["supportedVersions"][0], "2026-07-28");
    assert_eq!(found["result"]["resultType"], "complete");
    let (_, list) = modern(&app, "tools/list", json!({}), None).await;
    assert_eq!(list["result"]["cacheScope"], "private");
    assert!(list["result"]["ttlMs"].is_u64());
    let call = json!({ "name": "demo-echo", "arguments": { "text": "hi" } });
    let (status, call) = modern(&app, "tools/call", call, Some("demo-echo")).await;
    assert_eq!((status, &call["id"]), (200, &json!("m1")));
    assert_eq!(call["result"]["resultType"], "complete", "{call}");
    assert_eq!(call["result"]["content"][0]["text"], "hi");
}

#[tokio::test]
async fn prompts_resources_templates_and_completion_work() {
    let app = App::start().await;
    let admin = app.admin();
    let ask =
        async |method: &str, params: Value| app.mcp("/mcp", &admin, method, params).await["result"].clone();
    let prompt = ask("prompts/get", json!({ "name": "demo-greet", "arguments": { "name": "Ann" } })).await;
    assert!(prompt["messages"][0]["content"]["text"].as_str().unwrap().contains("Ann"), "{prompt}");
    let read = ask("resources/read", json!({ "uri": "demo://about" })).await;
    assert_eq!(read["contents"][0]["uri"], "demo://about", "{read}");
    let templates = ask("resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "demo://item/{id}");
    let item = ask("resources/read", json!({ "uri": "demo://item/7" })).await;
    assert_eq!(item["contents"][0]["uri"], "demo://item/7", "{item}");
    let reference = json!({ "ref": { "type": "ref/prompt", "name": "demo-greet" }, "argument": { "name": "name", "value": "" } });
    assert!(ask("completion/complete", reference).await["completion"]["values"].is_array());
}

#[tokio::test]
async fn errors_have_the_codes_of_their_era() {
    let app = App::start().await;
    let admin = app.admin();
    let code = async |method: &str, params: Value| {
        app.mcp("/mcp", &admin, method, params).await["error"]["code"].clone()
    };
    assert_eq!(code("tools/call", json!({ "name": "nope" })).await, -32602);
    assert_eq!(code("tools/call", json!({})).await, -32602);
    assert_eq!(code("resources/read", json!({ "uri": "demo://nope" })).await, -32002);
    assert_eq!(code("no/such/method", json!({})).await, -32601);
    assert_eq!(code("tools/list", json!({ "cursor": "forged" })).await, -32602);
    assert_eq!(modern(&app, "ping", json!({}), None).await.0, 404);
    assert_eq!(
        modern(&app, "resources/read", json!({ "uri": "demo://nope" }), Some("demo://nope")).await.1["error"]
            ["code"],
        -32602
    );
    let (status, mismatch) =
        modern(&app, "tools/call", json!({ "name": "demo-echo" }), Some("demo-fail")).await;
    assert_eq!((status, mismatch["error"]["code"].clone()), (400, json!(-32020)));
}

#[tokio::test]
async fn malformed_messages_are_refused_by_name() {
    let app = App::start().await;
    let admin = app.admin();
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}{}}}"#,
        "{\"a\":".repeat(100_000),
        "1".to_owned() + &"}".repeat(100_000)
    );
    for (body, code) in [
        ("{bad", -32700),
        (deep.as_str(), -32700),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32600),
        ("[]", -32600),
    ] {
        let reply = app.mcp_raw("/mcp", &admin, body, &[]).await;
        assert_eq!(reply.status.as_u16(), 400, "{body:.80}");
        assert_eq!(reply.json()["error"]["code"], code, "{body:.80}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let status =
        async |headers: &[(&str, &str)]| app.mcp_raw("/mcp", &admin, ping, headers).await.status.as_u16();
    assert_eq!(status(&[("content-type", "text/plain")]).await, 415);
    assert_eq!(status(&[("accept", "text/html")]).await, 406);
    assert_eq!(status(&[("mcp-protocol-version", "1999-01-01")]).await, 400);
    assert_eq!(status(&[("accept", "application/json")]).await, 200);
}

#[tokio::test]
async fn escaped_method_names_and_number_texts_survive() {
    let app = App::start().await;
    let body = r#"{"jsonrpc":"2.0","id":1e400,"method":"ping"}"#;
    assert_eq!(
        app.mcp_raw("/mcp", &app.admin(), body, &[]).await.status.as_u16(),
        400,
        "an id is a text or an integer"
    );
    let body = r#"{"jsonrpc":"2.0","id":12345678901234567890123,"method":"tools\/call","params":{"name":"demo-echo","arguments":{"text":"\u00e9"}}}"#;
    let reply = app.mcp_raw("/mcp", &app.admin(), body, &[]).await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(text.contains(r#""id":12345678901234567890123"#), "{text}");
    assert_eq!(reply.json()["result"]["content"][0]["text"], "é");
}

#[tokio::test]
async fn batches_are_answered_where_the_revision_has_them() {
    let app = App::start().await;
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":2,"method":"nope"}]"#;
    let reply =
        app.mcp_raw("/mcp", &app.admin(), batch, &[("mcp-protocol-version", "2025-03-26")]).await.expect(200);
    let ids: Vec<_> = reply.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!(2)]);
    let reply = app.mcp_raw("/mcp", &app.admin(), batch, &[("mcp-protocol-version", "2025-06-18")]).await;
    assert_eq!(reply.status.as_u16(), 400);
}

#[tokio::test]
async fn progress_comes_in_order_under_the_clients_token() {
    let app = App::start().await;
    let params = json!({ "name": "demo-slow-count", "arguments": { "steps": 3 }, "_meta": { "progressToken": "mine" } });
    let body = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params }).to_string();
    let reply = app.mcp_raw("/mcp", &app.admin(), &body, &[]).await;
    assert!(reply.header("content-type").starts_with("text/event-stream"), "{:?}", reply.body);
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let messages: Vec<Value> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let (last, progress) = messages.split_last().unwrap();
    assert_eq!(last["id"], 5);
    assert!(last["result"]["content"].is_array(), "{last}");
    let steps: Vec<f64> =
        progress.iter().map(|message| message["params"]["progress"].as_f64().unwrap()).collect();
    assert_eq!(steps, [1.0, 2.0, 3.0]);
    assert!(progress.iter().all(|message| message["params"]["progressToken"] == "mine"));
    // A client that takes no streams gets the answer alone.
    let reply = app.mcp_raw("/mcp", &app.admin(), &body, &[("accept", "application/json")]).await.expect(200);
    assert_eq!(reply["id"], 5);
}

#[tokio::test]
async fn a_session_is_its_owners_and_ends() {
    let app = App::start().await;
    let bob = app.user("bob@example.com").await;
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let session = app.mcp_raw("/mcp", &bob, hello, &[]).await.header("mcp-session-id").to_owned();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let headers = [("mcp-session-id", session.as_str())];
    let status = async |token: &str| app.mcp_raw("/mcp", token, ping, &headers).await.status.as_u16();
    assert_eq!(status(&bob).await, 200);
    assert_eq!(status(&app.admin()).await, 404, "an administrator is somebody else");
    let end = async |token: &str| {
        let request = http::Request::builder()
            .method("DELETE")
            .uri(format!("{}/mcp", app.base))
            .header("authorization", format!("Bearer {token}"))
            .header("mcp-session-id", &session)
            .body(http_body_util::Full::default())
            .unwrap();
        crate::app::raw(request).await.status.as_u16()
    };
    assert_eq!(end(&app.admin()).await, 404);
    assert_eq!(status(&bob).await, 200, "what somebody else did changed nothing");
    assert_eq!(end(&bob).await, 200);
    assert_eq!(status(&bob).await, 404);
    assert_eq!(app.get("/mcp", &bob).await.status.as_u16(), 405);
}

#[tokio::test]
async fn ids_of_sessions_are_the_gateways_and_all_different() {
    let app = App::start().await;
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..100 {
        let chosen = [("mcp-session-id", "11111111-1111-4111-8111-111111111111"), ("x-session-id", "mine")];
        let sent = if number % 2 == 0 { &chosen[1..] } else { &[] };
        let id = app.mcp_raw("/mcp", &app.admin(), hello, sent).await.header("mcp-session-id").to_owned();
        assert!(id.len() >= 22 && id != "mine", "{id}");
        // What is the same in all of them is short.
        assert!(seen.insert(id.chars().rev().take(16).collect::<String>()), "{id}");
        assert!(seen.insert(id.chars().skip(8).take(16).collect::<String>()), "{id}");
    }
    let made_up = [("mcp-session-id", "11111111-1111-4111-8111-111111111111")];
    assert_eq!(app.mcp_raw("/mcp", &app.admin(), ping, &made_up).await.status.as_u16(), 404);
}

#[tokio::test]
async fn calls_are_counted_and_audited() {
    let app = App::start().await;
    let admin = app.admin();
    app.mcp("/mcp", &admin, "tools/call", json!({ "name": "demo-echo", "arguments": { "text": "x" } })).await;
    let metrics = app.get("/metrics/prometheus", &admin).await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(text.contains(r#"contextforge_calls_total{method="tools/call",outcome="success"} 1"#), "{text}");
    assert_eq!(app.get("/metrics/prometheus", "").await.status.as_u16(), 401);
}
