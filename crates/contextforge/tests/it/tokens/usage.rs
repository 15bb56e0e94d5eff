//! How often a token may be used, and how it was.

use serde_json::{Value, json};

use super::{Issued, issue, signed, status};
use crate::app::{ADMIN, App};

async fn limited(app: &App, limits: Value) -> (String, Issued) {
    let session = app.login(ADMIN).await;
    let token =
        issue(app, &session, json!({ "name": limits.to_string(), "scope": { "usage_limits": limits } }))
            .await;
    (session, token)
}

/// The statistics, once they hold `total` requests.
async fn counted(app: &App, session: &str, token: &Issued, total: i64) -> Value {
    let path = format!("/tokens/{}/usage", token.id);
    app.until(async || app.get(&path, session).await.expect(200)["total_requests"] == total).await;
    app.get(&path, session).await.expect(200)
}

#[tokio::test]
async fn more_than_the_limit_is_refused_and_told_when_to_come_back() {
    let app = App::start().await;
    for (limits, until) in [
        (json!({ "requests_per_hour": 3 }), 3600),
        (json!({ "requests_per_hour": 9, "requests_per_day": 3 }), 86_400),
    ] {
        let (_, token) = limited(&app, limits).await;
        for _ in 0..3 {
            assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
        }
        for _ in 0..2 {
            let refused = app.get("/v1/tools", &token.raw).await;
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert_eq!(refused.status.as_u16(), 429);
            assert!((1..=until + 1).contains(&wait), "{wait}");
        }
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(app.mcp_raw("/mcp", &token.raw, ping, &[]).await.status.as_u16(), 429, "at every door");
    }
    // The same for a token that is in no catalogue.
    let signed = signed(ADMIN, json!({ "scopes": { "usage_limits": { "requests_per_hour": 1 } } }));
    assert_eq!(
        (status(&app, "/v1/tools", &signed).await, status(&app, "/v1/tools", &signed).await),
        (200, 429)
    );
}

#[tokio::test]
async fn a_restart_does_not_begin_anew() {
    let mut app = App::start().await;
    let (session, token) = limited(&app, json!({ "requests_per_day": 3 })).await;
    for _ in 0..3 {
        assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
    }
    counted(&app, &session, &token, 3).await;
    app.kill_and_restart().await;
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 429);
}

#[tokio::test]
async fn replicas_count_together() {
    let one = App::with(&[], &[]).await;
    let two = one.beside().await;
    let (session, token) = limited(&one, json!({ "requests_per_day": 4 })).await;
    for app in [&one, &two] {
        for _ in 0..2 {
            assert_eq!(status(app, "/v1/tools", &token.raw).await, 200);
        }
    }
    counted(&one, &session, &token, 4).await;
    // Each has counted two; that the other has as well is read back within seconds of its next request.
    for app in [&one, &two] {
        app.until(async || status(app, "/v1/tools", &token.raw).await == 429).await;
    }
}

#[tokio::test]
async fn statistics_say_how_a_token_was_used() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({ "scope": { "permissions": ["tools.read"] } })).await;
    let path = format!("/tokens/{}/usage", token.id);
    let nothing = app.get(&path, &session).await.expect(200);
    let expected = json!({ "period_days": 30, "total_requests": 0, "successful_requests": 0, "blocked_requests": 0,
        "success_rate": 0.0, "average_response_time_ms": 0.0, "top_endpoints": [] });
    assert_eq!(nothing, expected);
    for _ in 0..2 {
        assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
    }
    assert_eq!(status(&app, &format!("/v1/tools/{}", "0".repeat(32)), &token.raw).await, 404);
    assert_eq!(status(&app, "/v1/gateways", &token.raw).await, 403);
    let found = counted(&app, &session, &token, 4).await;
    assert_eq!((&found["successful_requests"], &found["blocked_requests"]), (&json!(3), &json!(1)));
    assert_eq!(found["success_rate"], json!(0.75));
    assert!(found["average_response_time_ms"].as_f64().unwrap() > 0.0);
    let expected = json!([["GET /v1/tools", 2], ["GET /v1/gateways", 1], ["GET /v1/tools/{id}", 1]]);
    assert_eq!(found["top_endpoints"], expected, "routes, not paths");
    let shown = app.get(&format!("/tokens/{}", token.id), &session).await.expect(200);
    assert!(shown["last_used"].is_string(), "{shown}");
    assert_eq!(app.get(&format!("{path}?days=7"), &session).await.expect(200)["period_days"], 7);
    app.get(&format!("{path}?days=0"), &session).await.expect(422);
    app.user("ann@example.com").await;
    assert_eq!(status(&app, &path, &app.login("ann@example.com").await).await, 404);
}
