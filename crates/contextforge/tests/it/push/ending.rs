//! When streams end: with the session, the credential, the right, and the program; and how many there may be.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Events, get, listen, session, stream};
use crate::app::{ADMIN, App};

const SOON: Duration = Duration::from_secs(5);

async fn refused(app: &App, token: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = get(app, "/mcp", token, headers);
    if let Some((_, accept)) = headers.iter().find(|(name, _)| *name == "accept") {
        request.headers_mut().insert("accept", accept.parse().unwrap());
    }
    crate::app::raw(request).await.status.as_u16()
}

#[tokio::test]
async fn a_stream_belongs_to_a_session_of_its_principal() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let id = session(&app, "/mcp", &admin).await;
    assert_eq!(refused(&app, &admin, &[]).await, 405, "no session");
    assert_eq!(refused(&app, &admin, &[("mcp-protocol-version", "2026-07-28")]).await, 405, "stateless");
    assert_eq!(refused(&app, &bob, &[("mcp-session-id", &id)]).await, 404, "somebody else's");
    assert_eq!(refused(&app, &admin, &[("mcp-session-id", "made-up")]).await, 404);
    let json_only = [("mcp-session-id", id.as_str()), ("accept", "application/json")];
    assert_eq!(refused(&app, &admin, &json_only).await, 406);
    let mut first = stream(&app, &admin, &id).await;
    let mut second = stream(&app, &admin, &id).await;
    assert!(first.end().await.is_empty(), "the second takes its place");
    let ended = app.mcp_raw("/mcp", &admin, "", &[]).await;
    assert_ne!(ended.status.as_u16(), 200);
    let mut delete = get(&app, "/mcp", &admin, &[("mcp-session-id", &id)]);
    *delete.method_mut() = http::Method::DELETE;
    assert_eq!(crate::app::raw(delete).await.status.as_u16(), 200);
    assert!(second.end().await.is_empty(), "it ends with its session");
    assert_eq!(refused(&app, &admin, &[("mcp-session-id", &id)]).await, 404);
}

/// An API token of the administrator: its id and itself.
async fn issued(app: &App, login: &str) -> (String, String) {
    let made = app.post("/tokens", login, json!({ "name": "a", "expires_in_days": 1 })).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["token"]["id"]), text(&made["access_token"]))
}

#[tokio::test]
async fn streams_end_with_their_credential() {
    let app = App::start().await;
    let login = app.login(ADMIN).await;
    let (id, token) = issued(&app, &login).await;
    let mine = session(&app, "/mcp", &token).await;
    let mut legacy = stream(&app, &token, &mine).await;
    let (mut modern, _) = listen(&app, &token, json!({ "toolsListChanged": true })).await;
    let began = Instant::now();
    app.send("DELETE", &format!("/tokens/{id}"), &login, None).await.expect(204);
    assert!(legacy.end().await.is_empty() && modern.end().await.is_empty());
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_may_no_longer_is_not_told() {
    let app = App::start().await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    let id = session(&app, "/mcp", &ann).await;
    let mut events = stream(&app, &ann, &id).await;
    let roles = app.get("/rbac/users/ann@example.com/roles", &admin).await.expect(200);
    for role in roles.as_array().unwrap() {
        let scope = role["scope"].as_str().unwrap();
        let mut path =
            format!("/rbac/users/ann@example.com/roles/{}?scope={scope}", role["role_id"].as_str().unwrap());
        if let Some(team) = role["scope_id"].as_str() {
            path = format!("{path}&scope_id={team}");
        }
        app.send("DELETE", &path, &admin, None).await.expect(200);
    }
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let path = format!("/v1/tools/{}", tools[0]["id"].as_str().unwrap());
    let change = json!({ "description": "Something new." });
    app.send("PUT", &path, &admin, Some(change)).await.expect(200);
    assert!(events.end().await.is_empty(), "the change is not told, the stream ends");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_streams() {
    let mut app = App::with(&[("SHUTDOWN_DRAIN_SECONDS", "25")], &["--demo"]).await;
    let admin = app.admin();
    let id = session(&app, "/mcp", &admin).await;
    let mut legacy = stream(&app, &admin, &id).await;
    let (mut modern, _) = listen(&app, &admin, json!({ "toolsListChanged": true })).await;
    let pid = i32::try_from(app.process.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let began = Instant::now();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let (rest, none) = (modern.end().await, legacy.end().await);
    let result = json!({
        "resultType": "complete", "_meta": { "io.modelcontextprotocol/subscriptionId": 9 },
    });
    assert_eq!(rest, [json!({ "jsonrpc": "2.0", "id": 9, "result": result })], "a graceful end");
    assert!(none.is_empty());
    assert!(app.process.wait().await.unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn nobody_has_too_many_streams() {
    let app = App::with(&[("MCP_STREAMS_PER_PRINCIPAL", "2")], &["--demo"]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let (first, _) = listen(&app, &admin, json!({})).await;
    let (_second, _) = listen(&app, &admin, json!({})).await;
    let id = session(&app, "/mcp", &admin).await;
    let headers = [("mcp-session-id", id.as_str())];
    assert_eq!(refused(&app, &admin, &headers).await, 429);
    let his = session(&app, "/mcp", &bob).await;
    stream(&app, &bob, &his).await;
    let metrics =
        async || String::from_utf8(app.get("/metrics/prometheus", &admin).await.body.to_vec()).unwrap();
    assert!(metrics().await.contains(r#"contextforge_streams{kind="subscription"} 2"#));
    drop(first);
    app.until(async || metrics().await.contains(r#"contextforge_streams{kind="subscription"} 1"#)).await;
    let events = Events::open(get(&app, "/mcp", &admin, &headers)).await;
    assert_eq!(events.status.as_u16(), 200, "there is room again");
}

#[tokio::test]
async fn idle_streams_are_kept_open() {
    use http_body_util::BodyExt;
    let app = App::with(&[("SSE_KEEPALIVE_INTERVAL", "1")], &["--demo"]).await;
    let id = session(&app, "/mcp", &app.admin()).await;
    let mut events = stream(&app, &app.admin(), &id).await;
    for _ in 0..3 {
        let frame = tokio::time::timeout(SOON, events.body.frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.data_ref().unwrap().as_ref(), b":\n\n");
    }
}
