//! A database that is stopped, and one that hangs: the table of `engine::authn::revocation::standing`.
//!
//! With a real PostgreSQL behind a line that fails; these tests run where `TEST_POSTGRES_URL` names a server. In
//! [`real`] it is the server itself that stops and dies; those tests start their own, where PostgreSQL is installed.

mod real;
mod server;

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Issued, issue, proxy::Proxy, status, team};
use crate::app::{ADMIN, App, command, fresh_schema};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
/// How long a request may take while the database hangs: two seconds, and some for a busy machine.
const PATIENCE: Duration = Duration::from_secs(4);

struct World {
    app: App,
    line: Proxy,
    /// Another connection to the same server, as an operator has it, and the name of the gateway's schema there.
    server: sqlx::PgPool,
    schema: String,
    session: String,
    known: Issued,
    unknown: Issued,
    revoked: Issued,
}

/// A gateway that has seen two tokens, of which one is revoked, and has not seen a third.
async fn world(vars: &[(&str, &str)]) -> Option<World> {
    let (_, server) = std::env::vars_os().find(|(name, _)| name == "TEST_POSTGRES_URL")?;
    let server = server.into_string().unwrap();
    let url = fresh_schema(&server).await;
    let authority = server.split("://").nth(1).unwrap().split(['/', '?']).next().unwrap();
    let host = authority.rsplit('@').next().unwrap().to_owned();
    let line = Proxy::to(host.clone()).await;
    let schema = url.rsplit("%3D").next().unwrap().to_owned();
    let url = format!("{}&application_name={schema}", url.replacen(&host, &line.address.to_string(), 1));
    let vars: Vec<_> = vars.iter().copied().chain([("DATABASE_URL", &*url)]).collect();
    let app = App::with(&vars, &["--demo"]).await;
    let session = app.login(ADMIN).await;
    let [known, unknown, revoked] = [
        issue(&app, &session, json!({ "name": "known" })).await,
        issue(&app, &session, json!({ "name": "unknown" })).await,
        issue(&app, &session, json!({ "name": "revoked" })).await,
    ];
    app.send("DELETE", &format!("/tokens/{}", revoked.id), &session, None).await.expect(204);
    assert_eq!(ping(&app, &known).await, 200);
    let server = sqlx::PgPool::connect(&server).await.unwrap();
    Some(World { app, line, server, schema, session, known, unknown, revoked })
}

/// A request that needs no database.
async fn ping(app: &App, token: &Issued) -> u16 {
    app.mcp_raw("/mcp", &token.raw, PING, &[]).await.status.as_u16()
}

#[tokio::test]
async fn known_tokens_go_on_for_as_long_as_is_allowed() {
    let staleness = ("AUTH_REVOCATION_MAX_STALENESS", "6");
    let Some(World { app, line, session, known, unknown, revoked, .. }) = world(&[staleness]).await else {
        return;
    };
    let began = Instant::now();
    line.cut();
    let called = app
        .mcp("/mcp", &known.raw, "tools/call", json!({ "name": "demo-echo", "arguments": { "text": "hi" } }))
        .await;
    assert_eq!(called["result"]["content"][0]["text"], "hi", "{called}");
    assert_eq!(ping(&app, &revoked).await, 401, "what is revoked stays so");
    let refused = app.mcp_raw("/mcp", &unknown.raw, PING, &[]).await;
    assert_eq!(refused.status.as_u16(), 503, "nobody can say whose it is: {:?}", refused.body);
    assert!(!refused.header("retry-after").is_empty());
    let written = app.post("/v1/servers", &known.raw, json!({ "server": { "name": "s" } })).await;
    assert_eq!(written.status.as_u16(), 503, "{:?}", written.body);
    assert_eq!(status(&app, "/tokens", &session).await, 503, "neither 401 nor 200");
    assert_eq!(status(&app, "/health", "").await, 200);
    assert_eq!(status(&app, "/ready", "").await, 503);
    assert!(began.elapsed() < Duration::from_secs(5), "that was within the time: {:?}", began.elapsed());
    app.until(async || ping(&app, &known).await == 503).await;
    assert!(began.elapsed() > Duration::from_secs(5), "not before its time: {:?}", began.elapsed());
    assert_eq!(ping(&app, &revoked).await, 401);
    line.restore();
    app.until(async || ping(&app, &known).await == 200).await;
    app.until(async || ping(&app, &unknown).await == 200).await;
    assert_eq!(ping(&app, &revoked).await, 401);
    app.until(async || {
        let trail = app.get("/api/logs/audit-trails", &app.admin()).await.expect(200);
        trail.as_array().unwrap().iter().any(|row| row["action"] == "revocation.gap")
    })
    .await;
}

#[tokio::test]
async fn closed_refuses_at_once_and_open_never() {
    let closed = world(&[("AUTH_REVOCATION_FAIL_MODE", "closed")]).await;
    let Some(World { app, line, known, revoked, .. }) = closed else { return };
    line.cut();
    let began = Instant::now();
    app.until(async || ping(&app, &known).await == 503).await;
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    assert_eq!(ping(&app, &revoked).await, 401);
    line.restore();
    app.until(async || ping(&app, &known).await == 200).await;

    let open = [("AUTH_REVOCATION_FAIL_MODE", "open"), ("AUTH_REVOCATION_MAX_STALENESS", "1")];
    let Some(World { app, line, known, unknown, revoked, .. }) = world(&open).await else { return };
    line.cut();
    let began = Instant::now();
    app.until(async || began.elapsed() > Duration::from_secs(3)).await;
    assert_eq!((ping(&app, &known).await, ping(&app, &revoked).await), (200, 401));
    assert_eq!(ping(&app, &unknown).await, 503);
    let written = app.post("/v1/servers", &known.raw, json!({ "server": { "name": "s" } })).await;
    assert_eq!(written.status.as_u16(), 503, "{:?}", written.body);
}

#[tokio::test]
async fn a_database_that_hangs_makes_nobody_wait() {
    let Some(World { app, line, known, unknown, revoked, .. }) = world(&[]).await else { return };
    line.stall();
    let timed = async |token: &Issued| {
        let began = Instant::now();
        (ping(&app, token).await, began.elapsed())
    };
    // Many at once, so that nothing they share runs out.
    let (many, first, second) = tokio::join!(
        futures_util::future::join_all((0..50).map(|_| timed(&unknown))),
        timed(&known),
        timed(&revoked)
    );
    assert!(many.iter().all(|(status, took)| *status == 503 && *took < PATIENCE), "{many:?}");
    assert!(first.0 == 200 && first.1 < Duration::from_secs(2), "{first:?}");
    assert!(second.0 == 401 && second.1 < Duration::from_secs(2), "{second:?}");
    line.restore();
    app.until(async || ping(&app, &unknown).await == 200).await;
}

#[tokio::test]
async fn a_person_who_was_changed_is_not_served_on_what_was() {
    let Some(World { app, line, known, .. }) = world(&[]).await else { return };
    let session = app.user("ann@example.com").await;
    let anns = issue(&app, &session, json!({ "name": "anns" })).await;
    assert_eq!(ping(&app, &anns).await, 200);
    // A role of hers changes, and before her token is seen again the database goes away.
    let path = "/rbac/users/ann@example.com/roles";
    let role = json!({ "role_id": "platform_admin", "scope": "global" });
    app.post(path, &app.admin(), role).await;
    line.cut();
    assert_eq!(ping(&app, &anns).await, 503, "what she may do now cannot be said");
    assert_eq!(ping(&app, &known).await, 200, "somebody else's change");
}

#[tokio::test]
async fn what_was_refused_before_is_not_served_from_memory() {
    let Some(World { app, line, session, known, .. }) = world(&[]).await else { return };
    let red = team(&app, "Red", &[]).await;
    let teams = issue(&app, &session, json!({ "name": "reds", "team_id": red })).await;
    assert_eq!(ping(&app, &teams).await, 200);
    app.send("DELETE", &format!("/teams/{red}"), &app.admin(), None).await.expect(200);
    assert_eq!((ping(&app, &teams).await, ping(&app, &known).await), (403, 200));
    line.cut();
    assert_eq!((ping(&app, &teams).await, ping(&app, &known).await), (503, 200));
}

/// Nothing of what was revoked is kept on disk, so there is nothing there to forge: without its database a gateway does
/// not come up at all, and says why (the catalogue's case 4-08).
#[tokio::test]
async fn a_start_without_the_database_serves_nobody() {
    let Some(World { mut app, line, known, revoked, .. }) = world(&[]).await else { return };
    line.cut();
    let mut again = command(app.folder.path(), app.vars());
    let started = tokio::time::timeout(Duration::from_secs(30), again.arg("serve").output());
    let output = started.await.expect("it ends by itself").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("DATABASE_URL"), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("MCP endpoint"));
    line.restore();
    app.kill_and_restart().await;
    assert_eq!((ping(&app, &known).await, ping(&app, &revoked).await), (200, 401));
}

/// The database itself is slow here, and not the way to it: every table is locked by somebody else.
#[tokio::test]
async fn a_database_that_is_locked_makes_nobody_wait() {
    let Some(World { app, server, schema, known, unknown, revoked, .. }) = world(&[]).await else { return };
    let mut lock = server.begin().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename FROM pg_tables WHERE schemaname = $1")
        .bind(&schema)
        .fetch_all(&mut *lock)
        .await
        .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    for table in &tables {
        let statement = format!("LOCK TABLE {schema}.{table} IN ACCESS EXCLUSIVE MODE");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *lock).await.unwrap();
    }
    for (token, expected) in [(&unknown, 503), (&known, 200), (&revoked, 401)] {
        let began = Instant::now();
        assert_eq!(ping(&app, token).await, expected);
        assert!(began.elapsed() < PATIENCE, "{expected} took {:?}", began.elapsed());
    }
    lock.rollback().await.unwrap();
    app.until(async || ping(&app, &unknown).await == 200).await;
    assert_eq!(ping(&app, &revoked).await, 401);
}

/// The server ends every connection, as when it is restarted: nobody is taken for somebody else, and it goes on.
#[tokio::test]
async fn a_database_that_restarts_is_found_again() {
    let Some(World { app, server, schema, known, unknown, revoked, .. }) = world(&[]).await else { return };
    let end_all = async || {
        let every = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        let ended = sqlx::query_scalar::<_, bool>(every).bind(&schema).fetch_all(&server).await.unwrap();
        ended.contains(&true)
    };
    for _ in 0..3 {
        app.until(end_all).await;
        assert_eq!((ping(&app, &known).await, ping(&app, &revoked).await), (200, 401));
        assert!([200, 503].contains(&ping(&app, &unknown).await), "never 401");
        app.until(async || ping(&app, &unknown).await == 200).await;
    }
}
