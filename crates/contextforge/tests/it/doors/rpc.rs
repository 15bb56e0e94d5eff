//! `POST /rpc` says what `/mcp` says, in plain JSON.

use serde_json::{Value, json};

use crate::{app::App, token};

async fn rpc(app: &App, token: &str, body: &str) -> (u16, Value) {
    let reply = app.mcp_raw("/rpc", token, body, &[("accept", "application/json")]).await;
    let body = if reply.body.is_empty() { Value::Null } else { reply.json() };
    (reply.status.as_u16(), body)
}

#[tokio::test]
async fn both_doors_say_the_same() {
    let app = App::start().await;
    let limited = {
        let mut claims = token::claims(crate::app::ADMIN);
        claims["scopes"] = json!({ "permissions": ["tools.read"] });
        token::sign(&claims)
    };
    let requests = [
        ("ping", json!({})),
        ("tools/list", json!({})),
        ("prompts/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("tools/call", json!({ "name": "demo-echo", "arguments": { "text": "hi" } })),
        ("tools/call", json!({ "name": "nothing", "arguments": {} })),
        ("tools/call", json!({})),
        ("resources/read", json!({ "uri": "demo://nothing" })),
        ("prompts/get", json!({ "name": "nothing" })),
        ("demo-echo", json!({ "text": "a tool's name is no method" })),
        ("tools/fly", json!({})),
        ("subscriptions/listen", json!({})),
    ];
    for token in [app.admin(), limited] {
        for (method, params) in &requests {
            let body = json!({ "jsonrpc": "2.0", "id": "x", "method": method, "params": params }).to_string();
            let mcp = app.mcp_raw("/mcp", &token, &body, &[("accept", "application/json")]).await;
            let (status, mut answer) = rpc(&app, &token, &body).await;
            let mut expected = mcp.json();
            for answer in [&mut answer, &mut expected] {
                // The number of a refusal is its own.
                if let Some(data) = answer["error"]["data"].as_object_mut() {
                    data.remove("decision_id");
                }
            }
            assert_eq!((status, &answer), (mcp.status.as_u16(), &expected), "{method}");
        }
    }
    let admin = app.admin();
    for (wrong, expected, code) in [
        ("{bad", 400, -32700),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, 400, -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
    ] {
        let (status, answer) = rpc(&app, &admin, wrong).await;
        assert_eq!((status, &answer["error"]["code"]), (expected, &json!(code)), "{wrong}: {answer}");
    }
    let told = rpc(&app, &admin, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!(told, (202, Value::Null), "a notification has no answer");
}

#[tokio::test]
async fn a_server_is_named_in_the_parameters() {
    let app = App::start().await;
    let admin = app.admin();
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let echo = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "demo-echo").unwrap();
    let server = async |name: &str, tools: Value| {
        let body = json!({ "server": { "name": name, "associated_tools": tools }, "visibility": "public" });
        app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (server("one", json!([echo["id"]])).await, server("other", json!([])).await);
    let bound = {
        let mut claims = token::claims(crate::app::ADMIN);
        claims["scopes"] = json!({ "server_id": one });
        token::sign(&claims)
    };
    let names = async |token: &str, params: Value| {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params }).to_string();
        let (_, answer) = rpc(&app, token, &body).await;
        answer["result"]["tools"].as_array().map(Vec::len)
    };
    assert!(names(&admin, json!({})).await > Some(1));
    assert_eq!(names(&admin, json!({ "server_id": one })).await, Some(1));
    assert_eq!(names(&admin, json!({ "server_id": other })).await, Some(0));
    assert_eq!(names(&admin, json!({ "server_id": "f".repeat(32) })).await, None);
    assert_eq!(names(&admin, json!({ "server_id": 7 })).await, None);
    assert_eq!(names(&bound, json!({})).await, Some(1), "it finds itself on its server");
    assert_eq!(names(&bound, json!({ "server_id": one })).await, Some(1));
    assert_eq!(names(&bound, json!({ "server_id": other })).await, None, "and on no other");
    let call = json!({ "name": "demo-time", "arguments": {} });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call }).to_string();
    assert_eq!(rpc(&app, &bound, &body).await.1["error"]["code"], -32602, "nor a tool beyond it");
    for path in ["/initialize", "/ping", "/notifications", "/v1/protocol/initialize"] {
        assert_eq!(app.post(path, &bound, json!({})).await.status.as_u16(), 403, "{path}");
    }
}
