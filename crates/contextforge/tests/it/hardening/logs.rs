//! What the log tells, at its most talkative: never a credential.

use std::process::Stdio;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    app::{ADMIN, App, PASSWORD},
    token,
};

#[tokio::test]
async fn no_credential_stands_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Stdio::from(std::fs::File::create(&path).unwrap());
    let app = App::logging_to(log, &[("LOG_LEVEL", "trace")], &["--demo"]).await;
    let session = app.login(ADMIN).await;
    let body = json!({ "name": "ci", "expires_in_days": 1 });
    let issued = app.post("/tokens", &session, body).await.expect(201);
    let raw = issued["access_token"].as_str().unwrap().to_owned();
    app.get("/v1/tools", &raw).await.expect(200);
    for name in ["token", "access_token", "api_key"] {
        let reply = app.get(&format!("/v1/tools?{name}={raw}"), "").await;
        assert_eq!(reply.status.as_u16(), 401, "a credential is no parameter");
    }
    app.get("/v1/tools", &format!("{raw}x")).await.expect(401);
    let call = json!({ "name": "demo-echo", "arguments": { "text": "hi" } });
    app.mcp("/mcp", &raw, "tools/call", call).await;
    app.post("/auth/login", "", json!({ "email": ADMIN, "password": "Wrong-horse-battery-9" })).await;
    let link = app.post("/auth/email/reset-password/canary-of-a-link-0123456789", "", json!({})).await;
    assert!(link.status.is_client_error());
    let id = issued["token"]["id"].as_str().unwrap();
    app.send("DELETE", &format!("/tokens/{id}"), &session, None).await;
    app.get("/v1/tools", &raw).await.expect(401);
    // The last of these is in the log, so all of them are.
    app.get("/v1/the-last-request", &session).await.expect(404);
    app.until(async || std::fs::read_to_string(&path).unwrap().contains("the-last-request")).await;
    let log = std::fs::read_to_string(&path).unwrap();
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let claims = URL_SAFE_NO_PAD.decode(raw.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    for (what, secret) in [
        ("a session", signature(&session)),
        ("a token", signature(&raw)),
        ("the id in a token", claims["jti"].as_str().unwrap().to_owned()),
        ("a password", PASSWORD.to_owned()),
        ("a wrong password", "Wrong-horse".to_owned()),
        ("the signing key", token::KEY.to_owned()),
        ("the encryption secret", "v8-test-encryption-secret".to_owned()),
        ("a reset link", "canary-of-a-link".to_owned()),
    ] {
        assert!(!log.contains(&secret), "{what} stands in the log");
    }
}
