//! Decisions about permissions in the audit record, where that is switched on.

use serde_json::json;

use crate::{
    app::{ADMIN, App},
    token,
};

/// The lines about decisions in the audit record, joined.
async fn lines(app: &App) -> String {
    let rows = app.get("/api/logs/audit-trails?limit=500", &app.admin()).await.expect(200);
    let batches = rows.as_array().unwrap().iter().filter(|row| row["action"] == "permission.batch");
    let checks = batches.flat_map(|row| row["details"]["checks"].as_array().unwrap().clone());
    checks.map(|line| line.as_str().unwrap().to_owned() + "\n").collect()
}

#[tokio::test]
async fn every_decision_is_on_record_where_that_is_wanted() {
    let app = App::with(&[("PERMISSION_AUDIT_ENABLED", "true")], &["--demo"]).await;
    let ann = app.user("ann@example.com").await;
    app.get("/v1/tools", &ann).await.expect(200);
    app.post("/auth/email/admin/users", &ann, json!({})).await.expect(403);
    let call = json!({ "name": "demo-echo", "arguments": { "text": "x" } });
    app.mcp("/mcp", &app.admin(), "tools/call", call.clone()).await;
    let mut claims = token::claims(ADMIN);
    claims["scopes"] = json!({ "permissions": ["tools.read"] });
    app.mcp("/mcp", &token::sign(&claims), "tools/call", call).await;
    let wanted = [
        "\tann@example.com\ttools.read\ttrue\tallowed\tGET /v1/tools\t127.0.0.1\t",
        "\tann@example.com\tadmin.user_management\tfalse\trole\tPOST /auth/email/admin/users\t127.0.0.1\t",
        "\tadmin@example.com\tservers.use\ttrue\tallowed\tPOST /mcp\t127.0.0.1\t",
        "\tadmin@example.com\ttools.execute\ttrue\tallowed\ttools/call\t127.0.0.1\t",
        "\tadmin@example.com\ttools.execute\tfalse\ttoken_cap\tPOST /mcp\t127.0.0.1\t",
    ];
    // They are written in their order: with this one, all before it are there.
    app.get("/v1/prompts", &ann).await.expect(200);
    app.until(async || lines(&app).await.contains("GET /v1/prompts")).await;
    let lines = lines(&app).await;
    for wanted in wanted {
        assert!(lines.contains(wanted), "{wanted:?} is not among\n{lines}");
    }
}

#[tokio::test]
async fn decisions_leave_no_trace_where_it_is_off() {
    let app = App::start().await;
    let ann = app.user("ann@example.com").await;
    app.get("/v1/tools", &ann).await.expect(200);
    // A call is on record within the same time.
    let call = json!({ "name": "demo-echo", "arguments": { "text": "x" } });
    app.mcp("/mcp", &app.admin(), "tools/call", call).await;
    app.until(async || {
        let rows = app.get("/api/logs/audit-trails?limit=500", &app.admin()).await.expect(200);
        rows.as_array().unwrap().iter().any(|row| row["action"] == "call.batch")
    })
    .await;
    assert_eq!(lines(&app).await, "");
}
