//! The table of outages with a PostgreSQL server that is really stopped, killed and started again.
//!
//! One server for the three modes, so that all of them live through the same outages at the same time.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::{PATIENCE, PING, ping, server::Server};
use crate::{
    app::{ADMIN, App, fresh_schema},
    tokens::{Issued, issue, status},
};

/// The time that `bounded` has, in seconds. The others have it too, and must not care.
const STALENESS: u64 = 5;

struct Gateway {
    mode: &'static str,
    app: App,
    session: String,
    known: Issued,
    /// One for each outage.
    unknown: [Issued; 2],
    revoked: Issued,
}

impl Gateway {
    /// One that has seen a token, has not seen another, and has revoked a third.
    async fn on(server: &Server, mode: &'static str) -> Self {
        let url = fresh_schema(&server.url()).await;
        let staleness = STALENESS.to_string();
        let vars = [
            ("DATABASE_URL", &*url),
            ("AUTH_REVOCATION_FAIL_MODE", mode),
            ("AUTH_REVOCATION_MAX_STALENESS", &staleness),
        ];
        let app = App::with(&vars, &["--demo"]).await;
        let session = app.login(ADMIN).await;
        let [known, first, second, revoked] = [
            issue(&app, &session, json!({ "name": "known" })).await,
            issue(&app, &session, json!({ "name": "first" })).await,
            issue(&app, &session, json!({ "name": "second" })).await,
            issue(&app, &session, json!({ "name": "revoked" })).await,
        ];
        assert_eq!((ping(&app, &known).await, ping(&app, &revoked).await), (200, 200), "{mode}");
        app.send("DELETE", &format!("/tokens/{}", revoked.id), &session, None).await.expect(204);
        Self { mode, app, session, known, unknown: [first, second], revoked }
    }

    /// The status of a call of a tool, which needs no database.
    async fn call(&self, token: &Issued) -> u16 {
        let params = json!({ "name": "demo-echo", "arguments": { "text": "hi" } });
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        self.app.mcp_raw("/mcp", &token.raw, &message.to_string(), &[]).await.status.as_u16()
    }

    /// What nobody is served while the database is away, in whichever mode, and what everybody is.
    async fn refuses_what_it_cannot_know(&self, unknown: &Issued) {
        let (app, mode) = (&self.app, self.mode);
        let new_server = json!({ "server": { "name": "made-in-an-outage" } });
        let began = Instant::now();
        let login = json!({ "email": ADMIN, "password": crate::app::PASSWORD });
        let (unknown, written, listed, login, ready, others) = tokio::join!(
            app.mcp_raw("/mcp", &unknown.raw, PING, &[]),
            app.post("/v1/servers", &self.known.raw, new_server),
            app.get("/tokens", &self.session),
            app.post("/auth/login", "", login),
            app.get("/ready", ""),
            async { (ping(app, &self.revoked).await, status(app, "/v1/tools", "").await) },
        );
        for (what, reply) in
            [("unknown", unknown), ("written", written), ("listed", listed), ("login", login)]
        {
            assert_eq!(reply.status.as_u16(), 503, "{mode} {what}: {:?}", reply.body);
            assert!(!reply.header("retry-after").is_empty(), "{mode} {what}");
        }
        assert_eq!(others, (401, 401), "{mode}: what is revoked stays so");
        assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (503, &json!("unready")), "{mode}");
        assert_eq!(status(app, "/health", "").await, 200, "{mode}");
        // For as long as a connection is waited for, and some for a busy machine.
        assert!(began.elapsed() < Duration::from_secs(10), "{mode} took {:?}", began.elapsed());
    }

    /// That everything is as before, without help and soon.
    async fn recovers(&self, unknown: &Issued) {
        let (app, mode) = (&self.app, self.mode);
        let began = Instant::now();
        app.until(async || status(app, "/ready", "").await == 200).await;
        assert!(began.elapsed() < Duration::from_secs(10), "{mode} took {:?}", began.elapsed());
        assert_eq!(self.call(&self.known).await, 200, "{mode}: one that is ready serves");
        assert_eq!((ping(app, unknown).await, ping(app, &self.revoked).await), (200, 401), "{mode}");
        app.get("/tokens", &self.session).await.expect(200);
        let again = issue(app, &self.session, json!({ "name": format!("after-{:?}", began) })).await;
        assert_eq!(ping(app, &again).await, 200, "{mode}");
    }
}

/// Slow first, then gone: the table of `engine::authn::revocation::standing`, row by row.
#[tokio::test]
async fn every_mode_keeps_its_word_while_the_server_is_stopped_and_gone() {
    let Some(mut server) = Server::start().await else { return };
    let gateways = join_all(["bounded", "open", "closed"].map(|mode| Gateway::on(&server, mode))).await;
    let [bounded, open, closed] = &gateways[..] else { panic!("three modes") };

    server.freeze();
    let frozen = Instant::now();
    // Those two are not asked of the database, so that a slow one makes nobody wait.
    for gateway in [bounded, open] {
        let began = Instant::now();
        let answers = (gateway.call(&gateway.known).await, ping(&gateway.app, &gateway.revoked).await);
        assert_eq!(answers, (200, 401), "{}", gateway.mode);
        assert!(began.elapsed() < Duration::from_secs(2), "{} took {:?}", gateway.mode, began.elapsed());
    }
    closed.app.until(async || closed.call(&closed.known).await == 503).await;
    assert!(frozen.elapsed() < PATIENCE, "closed took {:?}", frozen.elapsed());
    join_all(gateways.iter().map(|gateway| gateway.refuses_what_it_cannot_know(&gateway.unknown[0]))).await;
    bounded.app.until(async || bounded.call(&bounded.known).await == 503).await;
    assert!(frozen.elapsed() > Duration::from_secs(STALENESS - 1), "not before its time");
    server.thaw();
    join_all(gateways.iter().map(|gateway| gateway.recovers(&gateway.unknown[0]))).await;

    server.kill();
    let killed = Instant::now();
    assert_eq!((bounded.call(&bounded.known).await, open.call(&open.known).await), (200, 200));
    join_all(gateways.iter().map(|gateway| gateway.refuses_what_it_cannot_know(&gateway.unknown[1]))).await;
    bounded.app.until(async || bounded.call(&bounded.known).await == 503).await;
    assert!(killed.elapsed() > Duration::from_secs(STALENESS - 1), "not before its time");
    assert_eq!((open.call(&open.known).await, closed.call(&closed.known).await), (200, 503));
    assert_eq!(join_all(gateways.iter().map(|g| ping(&g.app, &g.revoked))).await, [401; 3]);
    server.run().await;
    join_all(gateways.iter().map(|gateway| gateway.recovers(&gateway.unknown[1]))).await;
}

/// What was answered 204 is revoked for ever, whenever the server dies; what was answered otherwise may be either.
#[tokio::test]
async fn no_revocation_that_was_acknowledged_is_lost_when_the_server_dies() {
    let Some(mut server) = Server::start().await else { return };
    let gateway = Gateway::on(&server, "bounded").await;
    let (app, session) = (&gateway.app, &gateway.session);
    let mut tokens = Vec::new();
    for n in 0..24 {
        let token = issue(app, session, json!({ "name": format!("n{n}") })).await;
        assert_eq!(ping(app, &token).await, 200);
        tokens.push(token);
    }
    let revoke = async |token: &Issued| {
        app.send("DELETE", &format!("/tokens/{}", token.id), session, None).await.status.as_u16()
    };
    // The first quarter before, the second while it dies, the third while it is away, and the last afterwards.
    let (before, rest) = tokens.split_at(6);
    let (during, rest) = rest.split_at(6);
    let (away, after) = rest.split_at(6);
    let mut acknowledged: Vec<&Issued> = Vec::new();
    for token in before {
        assert_eq!(revoke(token).await, 204);
        acknowledged.push(token);
    }
    let racing = async {
        let first = revoke(&during[0]).await;
        assert_eq!(first, 204);
        server.kill();
    };
    let (answers, ()) = tokio::join!(join_all(during[1..].iter().map(revoke)), racing);
    assert!(answers.iter().all(|status| [204, 503].contains(status)), "{answers:?}");
    acknowledged.push(&during[0]);
    acknowledged.extend(during[1..].iter().zip(&answers).filter(|(_, s)| **s == 204).map(|(t, _)| t));
    let answers = join_all(away.iter().map(revoke)).await;
    assert_eq!(answers, [503; 6], "none of these is acknowledged");
    for token in &acknowledged {
        // One that was committed and could not be read back any more makes the gateway trust nobody.
        assert!([401, 503].contains(&ping(app, token).await), "known here without the database");
    }
    server.run().await;
    gateway.recovers(&gateway.unknown[0]).await;
    for token in after {
        assert_eq!(revoke(token).await, 204, "revoking works again");
        acknowledged.push(token);
    }
    let fresh = app.beside().await;
    for token in &acknowledged {
        assert_eq!((ping(app, token).await, ping(&fresh, token).await), (401, 401), "{}", token.id);
    }
    for token in away {
        assert_eq!((ping(app, token).await, ping(&fresh, token).await), (200, 200), "{}", token.id);
    }
}
