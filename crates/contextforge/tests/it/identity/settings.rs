//! Settings of ContextForge's that decide who comes in and what is written down of it.

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App, PASSWORD, command},
    token,
};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

async fn statuses(app: &App) -> [u16; 4] {
    let rpc: Value = serde_json::from_str(LIST).unwrap();
    [
        app.mcp_raw("/mcp", "", LIST, &[]).await.status.as_u16(),
        app.post("/rpc", "", rpc).await.status.as_u16(),
        app.get("/v1/tools", "").await.status.as_u16(),
        app.get("/teams/", "").await.status.as_u16(),
    ]
}

#[tokio::test]
async fn mcp_clients_may_be_anonymous_where_others_may_not() {
    let app = App::with(&[("MCP_REQUIRE_AUTH", "false")], &["--demo"]).await;
    assert_eq!(statuses(&app).await, [200, 401, 401, 401]);
    // They see what is public, and nothing else.
    let admin = app.admin();
    let shown = async || {
        let tools = app.mcp("/mcp", "", "tools/list", json!({})).await;
        tools["result"]["tools"].as_array().unwrap().len()
    };
    let before = shown().await;
    let all = app.get("/v1/tools", &admin).await.expect(200);
    let hidden = all.as_array().unwrap().first().unwrap()["id"].as_str().unwrap().to_owned();
    let private = json!({ "visibility": "private" });
    app.send("PUT", &format!("/v1/tools/{hidden}"), &admin, Some(private)).await.expect(200);
    app.until(async || shown().await + 1 == before).await;
    assert_eq!(app.mcp_raw("/mcp", "a.b.c", LIST, &[]).await.status.as_u16(), 401, "a bad token is not none");
}

#[tokio::test]
async fn mcp_clients_may_have_to_sign_in_where_others_need_not() {
    let app = App::with(&[("AUTH_REQUIRED", "false"), ("MCP_REQUIRE_AUTH", "true")], &[]).await;
    assert_eq!(statuses(&app).await, [401, 200, 200, 403]);
}

#[tokio::test]
async fn anonymous_callers_are_never_administrators() {
    let app = App::with(&[("AUTH_REQUIRED", "false"), ("ALLOW_UNAUTHENTICATED_ADMIN", "true")], &[]).await;
    assert_eq!(app.get("/auth/email/admin/users", "").await.status.as_u16(), 403);
    assert_eq!(app.post("/teams/", "", json!({ "name": "Red" })).await.status.as_u16(), 403);
}

#[tokio::test]
async fn a_token_of_nobody_is_refused_whatever_the_setting() {
    let app = App::with(&[("REQUIRE_USER_IN_DB", "false")], &[]).await;
    let stranger = token::sign(&token::claims("nobody@example.com"));
    assert_eq!(app.get("/v1/tools", &stranger).await.status.as_u16(), 401);
}

#[tokio::test]
async fn without_accounts_there_is_no_way_in_but_tokens() {
    let app = App::with(&[("EMAIL_AUTH_ENABLED", "false")], &[]).await;
    let login = json!({ "email": ADMIN, "password": PASSWORD });
    for path in ["/auth/login", "/v1/auth/login", "/auth/email/register", "/teams/", "/tokens", "/rbac/roles"]
    {
        assert_eq!(app.post(path, &app.admin(), login.clone()).await.status.as_u16(), 404, "{path}");
    }
    assert_eq!(app.get("/accept-invitation/abc", "").await.status.as_u16(), 404);
    app.get("/v1/tools", &app.admin()).await.expect(200);
}

#[tokio::test]
async fn without_statistics_limits_are_counted_all_the_same() {
    let app = App::with(&[("TOKEN_USAGE_LOGGING_ENABLED", "false")], &[]).await;
    let session = app.login(ADMIN).await;
    let issue = async |name: &str, scope: Value| {
        let body = json!({ "name": name, "expires_in_days": 1, "scope": scope });
        let made = app.post("/tokens", &session, body).await.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["token"]["id"]), text(&made["access_token"]))
    };
    let (id, plain) = issue("plain", json!({})).await;
    app.get("/v1/tools", &plain).await.expect(200);
    // When it was used is no statistics.
    let shown = async || app.get(&format!("/tokens/{id}"), &session).await.expect(200);
    app.until(async || shown().await["last_used"].is_string()).await;
    let usage = app.get(&format!("/tokens/{id}/usage"), &session).await.expect(200);
    assert_eq!((&usage["total_requests"], &usage["top_endpoints"]), (&json!(0), &json!([])));
    let (id, limited) = issue("limited", json!({ "usage_limits": { "requests_per_day": 2 } })).await;
    for expected in [200, 200, 429] {
        assert_eq!(app.get("/v1/tools", &limited).await.status.as_u16(), expected);
    }
    let counted = async || app.get(&format!("/tokens/{id}/usage"), &session).await.expect(200);
    app.until(async || counted().await["total_requests"] == 3).await;
}

#[tokio::test]
async fn when_a_token_was_used_is_written_now_and_then() {
    let app = App::with(&[("TOKEN_LAST_USED_UPDATE_INTERVAL_MINUTES", "1440")], &[]).await;
    let session = app.login(ADMIN).await;
    let body = json!({ "name": "mine", "expires_in_days": 1 });
    let made = app.post("/tokens", &session, body).await.expect(201);
    let (id, raw) = (made["token"]["id"].as_str().unwrap(), made["access_token"].as_str().unwrap());
    let path = format!("/tokens/{id}");
    let used = async || app.get(&path, &session).await.expect(200)["last_used"].clone();
    app.get("/v1/tools", raw).await.expect(200);
    app.until(async || used().await.is_string()).await;
    let first = used().await;
    app.get("/v1/tools", raw).await.expect(200);
    let usage = format!("{path}/usage");
    app.until(async || app.get(&usage, &session).await.expect(200)["total_requests"] == 2).await;
    assert_eq!(used().await, first);
}

#[tokio::test]
async fn a_file_of_the_python_gateway_starts_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = "# A comment\n\
        JWT_SECRET_KEY=\"v8-test-signing-key_that-is-long_7Rw2$x\"  # pragma: allowlist secret\n\
        AUTH_ENCRYPTION_SECRET='v8-test-encryption-secret_that-is-long_7Rw2'\n\
        PLATFORM_ADMIN_FULL_NAME=Platform Administrator\n\
        PLATFORM_ADMIN_PASSWORD=Correct-horse-$battery-staple-9\n\
        ALLOWED_ORIGINS=[\"http://localhost:3000\", \"http://localhost:8080\"]\n\
        CSRF_SECRET_KEY=\n\
        CSRF_EXEMPT_PATHS=[\"/health\"]\n\
        REQUIRE_USER_IN_DB=false\n\
        PASSWORD_RESET_INVALIDATE_SESSIONS=false\n\
        CSRF_ROTATE_ON_LOGIN=true\n\
        MIN_SECRET_LENGTH=16\n\
        CACHE_TYPE=redis\n\
        SSL=true\n\
        PLUGINS_ENABLED=true\n";
    tokio::fs::write(folder.path().join(".env"), file).await.unwrap();
    let output = command(folder.path(), &[]).args(["config", "check"]).output().await.unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    for name in [
        "CSRF_EXEMPT_PATHS: accepted, has no effect",
        "PLUGINS_ENABLED: accepted, has no effect",
        "CACHE_TYPE: accepted, has no effect",
        "REQUIRE_USER_IN_DB=false is not supported",
        "PASSWORD_RESET_INVALIDATE_SESSIONS=false is not supported",
        "SSL=true is not supported",
        "MIN_SECRET_LENGTH=16 has no effect",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(!said.contains("CSRF_ROTATE_ON_LOGIN") && !said.contains("that-is-long"), "{said}");
}
