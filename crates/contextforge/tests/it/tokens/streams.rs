//! Answers under way end with the credential that they were asked for on: within five seconds, on every process.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use serde_json::json;

use super::{issue, signed, status};
use crate::{
    app::{ADMIN, App},
    federation::{
        listed,
        peer::{Era, Peer},
        register,
    },
    token,
};

const SOON: Duration = Duration::from_secs(5);

/// Calls a tool that takes a minute; gives the answer when its first event has come. Ends when it ends.
async fn stream(app: &App, peer: &Peer, token: &str) -> tokio::task::JoinHandle<(Instant, String)> {
    let params = json!({ "name": "up-wait", "arguments": { "milliseconds": 60_000 }, "_meta": { "progressToken": 1 } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let before = peer.state.waiting();
    let mut answer = app.mcp_stream("/mcp", token, &body).await;
    let first = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("notifications/progress"), "{first:?}");
    app.until(async || peer.state.waiting() == before + 1).await;
    tokio::spawn(async move {
        let rest = answer.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        (Instant::now(), format!("{rest:?}"))
    })
}

async fn ends(stream: tokio::task::JoinHandle<(Instant, String)>, began: Instant, what: &str) {
    let (ended, rest) = tokio::time::timeout(Duration::from_secs(20), stream).await.expect(what).unwrap();
    assert!(ended - began < SOON, "{what} took {:?}", ended - began);
    assert!(!rest.contains("result"), "{what}: {rest}");
}

async fn world() -> (App, App, Peer) {
    let one = App::with(&[], &[]).await;
    let two = one.beside().await;
    let peer = Peer::start(Era::Modern).await;
    register(&one, "up", &peer.url()).await;
    two.until(async || listed(&two).await.contains(&"up-wait".to_owned())).await;
    (one, two, peer)
}

#[tokio::test]
async fn a_revoked_token_ends_its_streams_on_every_process() {
    let (one, two, peer) = world().await;
    let session = one.login(ADMIN).await;
    let token = issue(&one, &session, json!({ "name": "a" })).await;
    let other = issue(&one, &session, json!({ "name": "b" })).await;
    let (here, there) = (stream(&one, &peer, &token.raw).await, stream(&two, &peer, &token.raw).await);
    let stays = stream(&two, &peer, &other.raw).await;
    let began = Instant::now();
    one.send("DELETE", &format!("/tokens/{}", token.id), &session, None).await.expect(204);
    ends(here, began, "a stream on the process that revoked").await;
    ends(there, began, "a stream on the other one").await;
    one.until(async || peer.state.waiting() == 1).await;
    assert!(!stays.is_finished(), "another token's stream goes on");
    stays.abort();
}

#[tokio::test]
async fn people_take_their_streams_with_them() {
    let (one, two, peer) = world().await;
    one.user("ann@example.com").await;
    let role = json!({ "role_id": "platform_admin", "scope": "global" });
    let path = "/rbac/users/ann@example.com/roles";
    let given = one.post(path, &one.admin(), role).await.status.as_u16();
    assert!([200, 201].contains(&given), "{given}");
    let login = async || one.login("ann@example.com").await;
    let user = "/auth/email/admin/users/ann@example.com";
    let session = login().await;
    let open = stream(&two, &peer, &session).await;
    let began = Instant::now();
    one.post("/auth/logout", &session, json!({})).await.expect(200);
    ends(open, began, "a logout").await;
    let session = login().await;
    let open = stream(&two, &peer, &session).await;
    let began = Instant::now();
    one.send("PUT", user, &one.admin(), Some(json!({ "is_active": false }))).await.expect(200);
    ends(open, began, "switching off").await;
    one.send("PUT", user, &one.admin(), Some(json!({ "is_active": true }))).await.expect(200);
    two.until(async || status(&two, "/v1/tools", &session).await == 200).await;
    let open = stream(&two, &peer, &session).await;
    let began = Instant::now();
    let body = json!({ "password": "Another-correct-horse-battery-7" });
    one.send("PUT", user, &one.admin(), Some(body)).await.expect(200);
    ends(open, began, "a new password").await;
}

#[tokio::test]
async fn an_answer_that_is_awaited_ends_too() {
    let (one, _two, peer) = world().await;
    let session = one.login(ADMIN).await;
    let token = issue(&one, &session, json!({})).await;
    let params = json!({ "name": "up-wait", "arguments": { "milliseconds": 60_000 } });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let json_only = [("accept", "application/json")];
    let ending = async {
        one.until(async || peer.state.waiting() == 1).await;
        let began = Instant::now();
        one.send("DELETE", &format!("/tokens/{}", token.id), &session, None).await.expect(204);
        began
    };
    let (reply, began) = tokio::join!(one.mcp_raw("/mcp", &token.raw, &message, &json_only), ending);
    assert!(began.elapsed() < SOON);
    assert_eq!(reply.status.as_u16(), 401, "{:?}", reply.body);
    one.until(async || peer.state.waiting() == 0).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let (one, _two, peer) = world().await;
    let end = token::now() + 3;
    let short = signed(ADMIN, json!({ "exp": end }));
    let open = stream(&one, &peer, &short).await;
    let began = Instant::now();
    ends(open, began, "an expiry").await;
    assert!(token::now() >= end, "not before");
}
