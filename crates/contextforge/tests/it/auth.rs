//! Who comes in, and who does not: credentials, logins, revocation and the limits of tokens.

use serde_json::json;

use crate::{
    app::{ADMIN, App, PASSWORD},
    token,
};

#[tokio::test]
async fn login_gives_a_token_that_works() {
    let app = App::start().await;
    let body = json!({ "email": "ADMIN@example.com", "password": PASSWORD });
    let answer = app.post("/auth/login", "", body).await.expect(200);
    assert_eq!(answer["token_type"], "bearer");
    assert_eq!(answer["expires_in"], 1200);
    assert_eq!(answer["user"]["email"], ADMIN);
    assert_eq!(answer["user"]["is_admin"], true);
    let token = answer["access_token"].as_str().unwrap();
    app.get("/v1/tools", token).await.expect(200);
    assert_eq!(app.get("/auth/email/me", token).await.expect(200)["email"], ADMIN);
}

#[tokio::test]
async fn wrong_password_and_unknown_user_look_the_same() {
    let app = App::start().await;
    let try_login = async |email: &str, password: &str| {
        let reply = app.post("/auth/login", "", json!({ "email": email, "password": password })).await;
        (reply.status.as_u16(), reply.body)
    };
    let wrong = try_login(ADMIN, "not-the-password-1").await;
    let unknown = try_login("nobody@example.com", "not-the-password-1").await;
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn bad_credentials_are_401_and_never_anonymous() {
    let app = App::start().await;
    let none = app.get("/v1/tools", "").await;
    assert_eq!(none.json(), json!({ "detail": "Authorization token required" }));
    assert_eq!(none.status.as_u16(), 401);
    let good = app.admin();
    let mut forged = good.clone();
    forged.replace_range(good.len() - 4.., "AAAA");
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = token::claims(ADMIN);
        claims[name] = value;
        token::sign(&claims)
    };
    for (why, bad) in [
        ("forged", forged),
        ("nonsense", "a.b.c".to_owned()),
        ("expired", with("exp", json!(token::now() - 1))),
        ("another issuer", with("iss", json!("other"))),
        ("another audience", with("aud", json!("other"))),
        ("another environment", with("env", json!("production"))),
        ("no id", with("jti", json!(null))),
        ("a wrong type", with("teams", json!("all"))),
        ("an unknown user", token::sign(&token::claims("nobody@example.com"))),
    ] {
        let reply = app.get("/v1/tools", &bad).await;
        assert_eq!(reply.status.as_u16(), 401, "{why}");
        assert_eq!(reply.json(), json!({ "detail": "Invalid authentication credentials" }), "{why}");
    }
}

#[tokio::test]
async fn mcp_endpoints_challenge() {
    let app = App::start().await;
    let reply = app.mcp_raw("/mcp", "", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, &[]).await;
    assert_eq!(reply.status.as_u16(), 401);
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(reply.json(), json!({ "detail": "Authentication required for MCP endpoints" }));
}

#[tokio::test]
async fn a_logged_out_token_is_refused_at_once() {
    let app = App::start().await;
    let token = app.login(ADMIN).await;
    app.get("/v1/tools", &token).await.expect(200);
    app.post("/auth/logout", &token, json!({})).await.expect(200);
    app.get("/v1/tools", &token).await.expect(401);
}

#[tokio::test]
async fn a_disabled_account_is_refused_at_once() {
    let app = App::start().await;
    let token = app.user("bob@example.com").await;
    app.get("/v1/tools", &token).await.expect(200);
    let off = json!({ "is_active": false });
    app.send("PUT", "/auth/email/admin/users/bob@example.com", &app.admin(), Some(off)).await.expect(200);
    app.get("/v1/tools", &token).await.expect(401);
}

#[tokio::test]
async fn a_token_is_never_more_than_its_limits() {
    let app = App::start().await;
    let limited = |scopes: serde_json::Value| {
        let mut claims = token::claims(ADMIN);
        claims["scopes"] = scopes;
        token::sign(&claims)
    };
    let reader = limited(json!({ "permissions": ["tools.read"] }));
    app.get("/v1/tools", &reader).await.expect(200);
    app.get("/v1/gateways", &reader).await.expect(403);
    let call = app
        .mcp("/mcp", &reader, "tools/call", json!({ "name": "demo-echo", "arguments": { "text": "x" } }))
        .await;
    assert_eq!(call["error"]["message"], "Access denied", "{call}");
    let elsewhere = limited(json!({ "ip_restrictions": ["192.0.2.0/24"] }));
    app.get("/v1/tools", &elsewhere).await.expect(403);
    app.get("/v1/tools", &limited(json!({ "ip_restrictions": ["127.0.0.0/8", "::1"] }))).await.expect(200);
    // Limits that are not understood are not accepted either.
    app.get("/v1/tools", &limited(json!({ "time_restrictions": { "holidays_only": true } })))
        .await
        .expect(401);
}

#[tokio::test]
async fn a_server_token_reaches_its_server_only() {
    let app = App::start().await;
    let admin = app.admin();
    let server = async |name: &str| {
        let body = json!({ "server": { "name": name }, "visibility": "public" });
        app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let (mine, other) = (server("mine").await, server("other").await);
    let mut claims = token::claims(ADMIN);
    claims["scopes"] = json!({ "server_id": mine });
    let token = token::sign(&claims);
    let listed = app.mcp(&format!("/servers/{mine}/mcp"), &token, "tools/list", json!({})).await;
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    let listed = app.mcp("/mcp", &token, "tools/list", json!({})).await;
    assert_eq!(
        listed["result"]["tools"],
        json!([]),
        "the server has none, and nothing else is shown: {listed}"
    );
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(app.mcp_raw(&format!("/servers/{other}/mcp"), &token, ping, &[]).await.status.as_u16(), 403);
    app.get("/v1/tools", &token).await.expect(403);
    app.get("/health", &token).await.expect(200);
}
