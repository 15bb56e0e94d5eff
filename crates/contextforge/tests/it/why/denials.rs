//! Every answer 403 has a number, and the number an explanation.

use serde_json::json;

use super::{BOB, signed, step};
use crate::app::{ADMIN, App, raw};

fn capped() -> String {
    signed(ADMIN, &json!({ "scopes": { "permissions": ["tools.read"] } }))
}

#[tokio::test]
async fn a_refusal_is_looked_up_by_its_number() {
    let app = App::start().await;
    let bob = app.user(BOB).await;
    let refused = app.get("/v1/gateways?secret=1", &capped()).await;
    let id = refused.header("x-decision-id").to_owned();
    assert_eq!(refused.status.as_u16(), 403);
    assert_eq!(refused.json(), json!({ "detail": "Access denied", "decision_id": id }));
    let request = refused.header("x-request-id").to_owned();
    let found = app.get(&format!("/rbac/decisions/{id}"), &app.admin()).await.expect(200);
    assert_eq!(
        (&found["decision_id"], &found["user_email"], &found["reason"], &found["permission"]),
        (&json!(id), &json!(ADMIN), &json!("token_cap"), &json!("gateways.read"))
    );
    assert_eq!((&found["path"], &found["method"]), (&json!("/v1/gateways"), &json!("GET")), "no query");
    assert_eq!((&found["request_id"], &found["client_ip"]), (&json!(request), &json!("127.0.0.1")));
    assert_eq!(step(&found, "role")["outcome"], "passed");
    let cap = step(&found, "token_cap");
    assert_eq!(cap["outcome"], "denied");
    assert!(cap["why"].as_str().unwrap().contains("gateways.read"), "{cap}");
    assert!(cap["change"].as_str().unwrap().contains("scopes.permissions"), "{cap}");
    // It is for auditors, who are refused with a number themselves.
    let other = app.get(&format!("/rbac/decisions/{id}"), &bob).await;
    assert_eq!(other.status.as_u16(), 403);
    assert_ne!(other.header("x-decision-id"), id);
    app.get("/rbac/decisions", &bob).await.expect(403);
    app.get("/rbac/decisions/0", &app.admin()).await.expect(404);
    let list = app.get("/rbac/decisions?limit=2", &app.admin()).await.expect(200);
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(ids, ["/rbac/decisions", &format!("/rbac/decisions/{id}")], "newest first");
    let before = list[1]["decision_id"].as_str().unwrap();
    let rest = app.get(&format!("/rbac/decisions?before={before}"), &app.admin()).await.expect(200);
    assert_eq!(rest[0]["decision_id"], id);
    let own = app.get(&format!("/rbac/decisions?user_email={BOB}"), &app.admin()).await.expect(200);
    assert_eq!(own.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn refusals_in_json_rpc_have_numbers_in_their_data() {
    let app = App::start().await;
    let call = json!({ "name": "demo-echo", "arguments": { "text": "x" } });
    let one = app.mcp("/mcp", &capped(), "tools/call", call.clone()).await;
    assert_eq!((&one["error"]["code"], &one["error"]["message"]), (&json!(-32003), &json!("Access denied")));
    let batch = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "tools/list" },
        { "jsonrpc": "2.0", "id": 2, "method": "prompts/list" },
        { "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call },
    ]);
    let reply = app.mcp_raw("/mcp", &capped(), &batch.to_string(), &[]).await;
    assert_eq!(reply.status.as_u16(), 200);
    let answers = reply.json();
    assert!(answers[0]["result"]["tools"].is_array(), "{answers}");
    for (answer, needs) in
        [(&one, "tools.execute"), (&answers[1], "prompts.read"), (&answers[2], "tools.execute")]
    {
        let id = answer["error"]["data"]["decision_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let found = app.get(&format!("/rbac/decisions/{id}"), &app.admin()).await.expect(200);
        assert_eq!((&found["permission"], &found["path"]), (&json!(needs), &json!("/mcp")));
    }
}

#[tokio::test]
async fn every_kind_of_refusal_has_a_reason_that_is_counted() {
    let app = App::start().await;
    let bob = app.user(BOB).await;
    let host = http::Request::get(format!("{}/health", app.base)).header("host", "evil.example");
    let edge = raw(host.body(http_body_util::Full::default()).unwrap()).await;
    let at = |scopes: serde_json::Value| signed(BOB, &json!({ "scopes": scopes }));
    let get = async |path: &str, token: &str| app.get(path, token).await;
    let team = signed(BOB, &json!({ "teams": ["0".repeat(32)] }));
    let public = json!({ "server": { "name": "x" }, "visibility": "private" });
    let cases = [
        ("edge", edge),
        ("role", get("/v1/version", &bob).await),
        ("token_cap", get("/v1/tools", &at(json!({ "permissions": ["prompts.read"] }))).await),
        ("token_cap", get("/v1/auth/email/me", &at(json!({ "permissions": ["prompts.read"] }))).await),
        ("server_binding", get("/v1/tools", &at(json!({ "server_id": "0".repeat(32) }))).await),
        ("network", get("/v1/tools", &at(json!({ "ip_restrictions": ["192.0.2.0/24"] }))).await),
        ("membership", get("/v1/tools", &team).await),
        (
            "public_only",
            app.post("/v1/servers", &signed(ADMIN, &json!({ "teams": [], "token_use": "api" })), public)
                .await,
        ),
    ];
    let admin = app.admin();
    for (reason, reply) in &cases {
        assert_eq!(reply.status.as_u16(), 403, "{reason}");
        let id = reply.header("x-decision-id");
        assert_eq!(reply.json()["decision_id"], id, "{reason}");
        let found = app.get(&format!("/rbac/decisions/{id}"), &admin).await.expect(200);
        assert_eq!(found["reason"], *reason, "{found}");
    }
    let metrics = app.get("/metrics/prometheus", &admin).await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    for (reason, count) in [("edge", 1), ("token_cap", 2), ("network", 1), ("server_binding", 1)] {
        let line = format!(r#"contextforge_denials_total{{reason="{reason}"}} {count}"#);
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}
