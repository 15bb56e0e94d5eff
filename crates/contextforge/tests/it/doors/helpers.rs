//! The helpers: single methods without the envelope of JSON-RPC.

use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn helpers_do_what_their_methods_do() {
    let app = App::start().await;
    let admin = app.admin();
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    for path in ["/initialize", "/protocol/initialize", "/v1/protocol/initialize"] {
        let reply = app.post(path, &admin, hello.clone()).await;
        let session = reply.header("mcp-session-id").to_owned();
        let result = reply.expect(200);
        assert_eq!(result["protocolVersion"], "2025-06-18", "{path}: {result}");
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let pinged = app.mcp_raw("/mcp", &admin, ping, &[("mcp-session-id", &session)]).await;
        assert_eq!(pinged.status.as_u16(), 200, "{path}: the session is good");
    }
    let wrong = app.post("/initialize", &admin, json!({})).await;
    assert_eq!(wrong.status.as_u16(), 400, "{:?}", wrong.body);
    for path in ["/ping", "/v1/protocol/ping"] {
        let ping = json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" });
        let answer = app.post(path, &admin, ping).await.expect(200);
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": 3, "result": {} }));
        let other = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" });
        assert_eq!(app.post(path, &admin, other).await.status.as_u16(), 400);
    }
    let told = app.post("/notifications", &admin, json!({ "method": "notifications/initialized" })).await;
    assert_eq!(told.expect(200), Value::Null);
    let complete = json!({
        "ref": { "type": "ref/prompt", "name": "nothing" }, "argument": { "name": "a", "value": "" },
    });
    let answer = app.post("/v1/protocol/completion/complete", &admin, complete).await;
    assert_eq!(answer.status.as_u16(), 400, "{:?}", answer.body);
    for path in ["/protocol/sampling/createMessage", "/v1/protocol/sampling/createMessage"] {
        let question = json!({ "messages": [], "maxTokens": 1 });
        let none = app.post(path, &admin, question.clone()).await.expect(501);
        assert!(none["detail"].as_str().unwrap().contains("no model"), "{none}");
        assert_eq!(app.post(path, &admin, json!([])).await.status.as_u16(), 422);
        assert_eq!(app.post(path, "", question).await.status.as_u16(), 401);
    }
    assert_eq!(app.post("/rpc", "", json!({})).await.status.as_u16(), 401);
}
