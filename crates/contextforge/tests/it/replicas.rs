//! Two gateway processes on one database: what one of them changes, the other one follows.

mod handing_over;

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    app::{App, PASSWORD},
    federation::{
        call, listed,
        peer::{Era, Peer},
        register, text,
    },
};

/// How soon a change must be seen without a bus.
const SOON: Duration = Duration::from_secs(2);
/// How soon with one: well before the sequences are read again.
const AT_ONCE: Duration = Duration::from_millis(500);

/// Waits until it is true, and fails where that takes longer than `limit`.
async fn within(limit: Duration, app: &App, what: &str, ask: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    app.until(ask).await;
    let took = began.elapsed();
    assert!(took < limit, "{what} took {took:?}");
}

async fn follows(one: &App, two: &App, limit: Duration) {
    let peer = Peer::start(Era::Modern).await;
    for round in 0..3 {
        let name = format!("g{round}");
        let tool = format!("{name}-echo");
        let gateway = register(one, &name, &peer.url()).await;
        within(limit, two, "a registration", async || listed(two).await.contains(&tool)).await;
        assert_eq!(text(&call(two, &tool, json!({ "message": "hi" })).await), "hi");
        let path = format!("/v1/gateways/{}", gateway["id"].as_str().unwrap());
        two.send("DELETE", &path, &two.admin(), None).await.expect(200);
        within(limit, one, "a removal", async || listed(one).await.is_empty()).await;
        assert!(call(one, &tool, json!({ "message": "hi" })).await["error"].is_object());
    }
}

async fn logs_out(one: &App, two: &App, limit: Duration) {
    let email = "ann@example.com";
    let first = one.user(email).await;
    for _ in 0..3 {
        let session = one.login(email).await;
        let status = async |token: &str| two.get("/v1/tools", token).await.status.as_u16();
        assert_eq!(status(&session).await, 200);
        assert_eq!(one.post("/auth/logout", &session, json!({})).await.status.as_u16(), 200);
        within(limit, two, "a logout", async || status(&session).await == 401).await;
        assert_eq!(status(&first).await, 200, "other sessions go on");
    }
}

#[tokio::test]
async fn a_change_is_seen_by_the_other_process_within_two_seconds() {
    let one = App::with(&[], &[]).await;
    let two = one.beside().await;
    follows(&one, &two, SOON).await;
    logs_out(&one, &two, SOON).await;
    let body = json!({ "email": "bob@example.com", "password": PASSWORD, "full_name": "Bob" });
    one.post("/auth/email/admin/users", &one.admin(), body).await.expect(201);
    two.login("bob@example.com").await;
}

/// Runs where `TEST_REDIS_URL` names a server.
#[tokio::test]
async fn with_redis_a_change_is_seen_at_once() {
    let Some((_, url)) = std::env::vars_os().find(|(name, _)| name == "TEST_REDIS_URL") else { return };
    let one = App::with(&[("REDIS_URL", url.to_str().unwrap())], &[]).await;
    let two = one.beside().await;
    follows(&one, &two, AT_ONCE).await;
    logs_out(&one, &two, AT_ONCE).await;
}

#[tokio::test]
async fn two_processes_write_at_the_same_time() {
    let one = App::with(&[], &[]).await;
    let two = one.beside().await;
    for round in 0..10 {
        let body = |who: &str| json!({ "server": { "name": format!("{who} {round}") } });
        let (admin, same) = (one.admin(), body("same"));
        let (a, b) = tokio::join!(
            one.post("/v1/servers", &admin, body("one")),
            two.post("/v1/servers", &admin, body("two"))
        );
        assert_eq!((a.status.as_u16(), b.status.as_u16()), (201, 201), "{:?} {:?}", a.body, b.body);
        let (a, b) = tokio::join!(
            one.post("/v1/servers", &admin, same.clone()),
            two.post("/v1/servers", &admin, same)
        );
        let mut both = [a.status.as_u16(), b.status.as_u16()];
        both.sort_unstable();
        assert_eq!(both, [201, 409], "{:?} {:?}", a.body, b.body);
    }
    let all = two.get("/v1/servers?limit=0", &two.admin()).await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 30);
}
