//! Sessions: how long they last, how they are continued, and how they end.

use serde_json::{Value, json};

use super::{ANN, make, session};
use crate::{
    app::{ADMIN, App, PASSWORD},
    token,
};

/// A session token made by hand, which began so many seconds ago.
fn old_session(id: &str, began: u64, issued: u64) -> String {
    token::sign(&json!({
        "sub": id, "iss": "mcpgateway", "aud": "mcpgateway-api", "token_use": "session",
        "iat": token::now() - issued, "exp": token::now() + 600, "session_start": token::now() - began,
        "jti": format!("{id}-{began}-{issued}"), "scopes": { "permissions": ["*"] },
    }))
}

fn subject(session: &str) -> String {
    use base64::Engine as _;
    let payload = session.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["sub"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_says_how_long_it_lasts() {
    let app = App::start().await;
    let token = app.login(ADMIN).await;
    let valid = app.get("/auth/validate", &token).await.expect(200);
    assert_eq!(valid["valid"], true);
    assert_eq!(valid["user"]["email"], ADMIN);
    assert_eq!(valid["session_source"], "header");
    assert!((1190..=1200).contains(&valid["expires_in"].as_u64().unwrap()), "{valid}");
    assert_eq!(
        valid["config"],
        json!({
            "token_expiry": 1200, "idle_timeout": 3600, "max_lifetime": 28800, "warning_time": 60,
            "refresh_buffer": 300, "activity_tracking": true,
        })
    );
}

#[tokio::test]
async fn a_refresh_replaces_the_token_once() {
    let app = App::start().await;
    let old = app.login(ADMIN).await;
    let reply = app.post("/auth/refresh", &old, json!({})).await.expect(200);
    let new = reply["access_token"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("bearer"), &json!(1200)));
    assert_eq!(reply["csrf_token"].as_str().unwrap().len(), 64);
    app.get("/v1/tools", new).await.expect(200);
    assert_eq!(app.get("/v1/tools", &old).await.status.as_u16(), 401, "the old one is revoked");
    assert_eq!(app.post("/auth/refresh", &old, json!({})).await.status.as_u16(), 401);
    let again = async || app.post("/auth/refresh", new, json!({})).await.status.as_u16();
    let (one, two, three) = tokio::join!(again(), again(), again());
    let mut statuses = [one, two, three];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401], "of several at once one wins");
}

#[tokio::test]
async fn only_sessions_are_refreshed_and_not_for_ever() {
    let app = App::with(&[("SESSION_MAX_LIFETIME", "30")], &[]).await;
    assert_eq!(app.post("/auth/refresh", &app.admin(), json!({})).await.status.as_u16(), 403, "an API token");
    let id = subject(&app.login(ADMIN).await);
    let young = old_session(&id, 25 * 60, 60);
    let reply = app.post("/auth/refresh", &young, json!({})).await.expect(200);
    assert!(reply["expires_in"].as_u64().unwrap() <= 300, "no longer than the longest lifetime: {reply}");
    let old = old_session(&id, 31 * 60, 60);
    assert_eq!(app.post("/auth/refresh", &old, json!({})).await.status.as_u16(), 401);
}

#[tokio::test]
async fn refreshes_are_limited() {
    let app = App::with(&[("SESSION_REFRESH_RATE_LIMIT", "3")], &[]).await;
    let mut token = app.login(ADMIN).await;
    for _ in 0..3 {
        let reply = app.post("/auth/refresh", &token, json!({})).await.expect(200);
        token = reply["access_token"].as_str().unwrap().to_owned();
    }
    assert_eq!(app.post("/auth/refresh", &token, json!({})).await.status.as_u16(), 429);
}

#[tokio::test]
async fn a_refresh_never_reaches_further() {
    let app = App::start().await;
    let id = subject(&app.login(ADMIN).await);
    let narrow = token::sign(&json!({
        "sub": id, "iss": "mcpgateway", "aud": "mcpgateway-api", "token_use": "session", "iat": token::now(),
        "exp": token::now() + 600, "jti": "narrow", "scopes": { "permissions": ["tools.read"] },
    }));
    app.get("/v1/gateways", &narrow).await.expect(403);
    let reply = app.post("/auth/refresh", &narrow, json!({})).await.expect(200);
    let next = reply["access_token"].as_str().unwrap();
    app.get("/v1/tools", next).await.expect(200);
    app.get("/v1/gateways", next).await.expect(403);
}

#[tokio::test]
async fn sessions_end_for_want_of_use_and_api_tokens_do_not() {
    let app = App::with(&[("TOKEN_IDLE_TIMEOUT", "1")], &[]).await;
    let id = subject(&app.login(ADMIN).await);
    let idle = app.get("/v1/tools", &old_session(&id, 90, 90)).await;
    assert_eq!(idle.status.as_u16(), 401);
    assert_eq!(idle.json(), json!({ "detail": "Session expired due to inactivity" }));
    app.get("/v1/tools", &old_session(&id, 90, 30)).await.expect(200);
    let mut claims = token::claims(ADMIN);
    claims["iat"] = json!(token::now() - 500);
    app.get("/v1/tools", &token::sign(&claims)).await.expect(200);
}

#[tokio::test]
async fn a_logout_ends_its_session_and_no_other() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    let (one, other) = (session(&app, ANN, PASSWORD).await, session(&app, ANN, PASSWORD).await);
    let reply = app.post("/auth/logout", &one, json!({})).await;
    let cookies: Vec<_> =
        reply.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-jwt_token=; Max-Age=0")), "{cookies:?}");
    assert_eq!(reply.expect(200)["message"], "Logged out successfully");
    assert_eq!(app.get("/v1/tools", &one).await.status.as_u16(), 401);
    app.get("/v1/tools", &other).await.expect(200);
    assert_eq!(app.post("/auth/refresh", &one, json!({})).await.status.as_u16(), 401);
}
