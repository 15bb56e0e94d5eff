//! Finding out what a server speaks, and finding out again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use domain::gateway::{Dialect, ProtocolChoice, Transport};
use serde_json::json;
use upstream::ListKind;

use super::{
    done, fails, pool,
    raw::{self, Raw, empty},
    request, result, target, tool,
};

#[tokio::test]
async fn a_known_dialect_needs_no_probe() {
    let server = Raw::serve(|seen| raw::modern(seen, |seen| seen.reply(&json!({"content": []})))).await;
    let mut target = target(&server.url);
    target.dialect = Some(Dialect { version: "2026-07-28".to_owned(), modern: true });
    done(pool(), &target, tool("a", &json!({}))).await.unwrap();
    assert_eq!(server.kinds(), ["tools/call"]);
}

#[tokio::test]
async fn the_operator_can_leave_the_probe_out() {
    let server = Raw::serve(|seen| raw::legacy(seen, |seen| seen.reply(&json!({"content": []})))).await;
    let mut target = target(&server.url);
    target.protocol = ProtocolChoice::Legacy;
    done(pool(), &target, tool("a", &json!({}))).await.unwrap();
    assert!(server.of("server/discover").is_empty(), "{:?}", server.kinds());
    target.protocol = ProtocolChoice::Modern;
    target.revision = 2;
    let error = pool().connect(&target).await.unwrap_err().to_string();
    assert!(error.starts_with("The server Peer does not accept the request"), "{error}");
}

#[tokio::test]
async fn a_server_that_changed_its_era_is_found_out() {
    let modern = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&modern);
    let server = Raw::serve(move |seen| {
        if now.load(Ordering::SeqCst) {
            return raw::modern(seen, |seen| match seen.header("mcp-method") {
                Some(_) => seen.reply(&json!({"era": "modern"})),
                None => seen.error(400, &json!({"code": -32020, "message": "Mcp-Method is missing"})),
            });
        }
        raw::legacy(seen, |seen| match seen.header("mcp-session-id") {
            Some(_) => seen.reply(&json!({"era": "legacy"})),
            None => seen.error(400, &json!({"code": -32000, "message": "Bad Request: no session"})),
        })
    })
    .await;
    let (pool, target) = (pool(), target(&server.url));
    let call = || done(pool.clone(), &target, tool("a", &json!({})));
    assert_eq!(result(call().await)["era"], "modern");
    modern.store(false, Ordering::SeqCst);
    assert_eq!(result(call().await)["era"], "legacy", "{:?}", server.kinds());
    assert_eq!(result(call().await)["era"], "legacy");
    modern.store(true, Ordering::SeqCst);
    let early = fails_or_answers(&pool, &target).await;
    assert!(
        early.contains("-32020") || early.contains("modern"),
        "looked into at most twice a minute: {early}"
    );
    assert_eq!(pool.connect(&target).await.unwrap().dialect.version, "2026-07-28");
    assert_eq!(result(call().await)["era"], "modern");
}

async fn fails_or_answers(pool: &upstream::Pool, target: &upstream::Target) -> String {
    format!("{:?}", done(pool.clone(), target, tool("a", &json!({}))).await)
}

#[tokio::test]
async fn a_server_that_refuses_its_own_revision_is_asked_again() {
    let refusals = AtomicUsize::new(0);
    let server = Raw::serve(move |seen| {
        let first = seen.kind() == "tools/call" && refusals.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            let data = json!({"supported": ["2026-07-28"], "requested": "2026-07-28"});
            return seen.error(400, &json!({"code": -32022, "message": "no", "data": data}));
        }
        raw::modern(seen, |seen| seen.reply(&json!({"content": []})))
    })
    .await;
    done(pool(), &target(&server.url), tool("a", &json!({}))).await.unwrap();
    assert_eq!(server.kinds(), ["server/discover", "tools/call", "server/discover", "tools/call"]);
}

#[tokio::test]
async fn a_server_that_speaks_nothing_is_named() {
    for status in [404, 405, 406, 500, 401, 403, 429, 503] {
        let server = Raw::serve(move |_| empty(status)).await;
        let error = pool().connect(&target(&server.url)).await.unwrap_err().to_string();
        assert!(error.starts_with("The server Peer ") && error.contains(&status.to_string()), "{error}");
    }
    let server = Raw::serve(|seen| seen.reply(&json!({"supportedVersions": ["2099-01-01"]}))).await;
    let error = fails(&pool(), &target(&server.url), tool("a", &json!({}))).await;
    assert!(error.contains("2099-01-01"), "{error}");
}

#[tokio::test]
async fn a_list_that_the_server_does_not_know_is_empty() {
    let server = Raw::serve(|seen| {
        raw::modern(seen, |seen| seen.error(404, &json!({"code": -32601, "message": "no"})))
    })
    .await;
    let (pool, target) = (pool(), target(&server.url));
    assert_eq!(pool.list(&target, ListKind::Prompts).await.unwrap().len(), 0);
    let refused = done(pool, &target, request("prompts/get", &json!({"name": "x"}))).await.unwrap_err();
    assert_eq!(refused.code, -32601);
}

#[tokio::test]
async fn the_pool_also_holds_what_is_not_http() {
    let pool = pool();
    let mut builtin = target("builtin:demo");
    builtin.transport = Transport::Builtin;
    assert!(pool.connect(&builtin).await.unwrap().dialect.modern);
    assert!(!pool.list(&builtin, ListKind::Tools).await.unwrap().is_empty());
    let outcome = done(pool.clone(), &builtin, tool("echo", &json!({"text": "x"}))).await;
    assert_eq!(result(outcome)["content"][0]["text"], "x");
    assert!(pool.stderr(&builtin.gateway).is_empty());
    pool.close(&builtin.gateway).await;

    let mut process = target("stdio:gone");
    process.transport = Transport::Stdio;
    let error = fails(&pool, &process, tool("a", &json!({}))).await;
    assert_eq!(error, "The server Peer is not in the file of servers any more");
    pool.shutdown().await;
    assert!(pool.connect(&builtin).await.is_err(), "nothing is opened after the end");
}
