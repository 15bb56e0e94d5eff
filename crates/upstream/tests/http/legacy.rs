//! Revisions with a handshake, with a stock server.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;
use upstream::{Change, ListKind};

use super::{
    by, done, events,
    peer::Server,
    pool,
    raw::{self, End, Raw, empty, event_stream, pieces},
    request, result, target, tool,
};

#[tokio::test]
async fn a_legacy_server_is_recognised_listed_and_called() {
    let server = Server::legacy(true).await;
    let (pool, target) = (pool(), target(&server.url));
    let connected = pool.connect(&target).await.unwrap();
    assert!(!connected.dialect.modern && connected.dialect.version == "2025-11-25");
    assert_eq!(connected.instructions.as_deref(), Some("A peer."));
    assert_eq!(pool.list(&target, ListKind::Tools).await.unwrap().len(), 3);
    let answer = done(pool.clone(), &target, tool("echo", &json!({"a": 1}))).await;
    assert_eq!(result(answer)["content"][0]["text"], r#"{"a":1}"#);
    let unknown = done(pool.clone(), &target, tool("nothing", &json!({}))).await.unwrap_err();
    assert_eq!(unknown.code, -32602);
    let missing = done(pool, &target, request("resources/read", &json!({"uri": "a:b"}))).await.unwrap_err();
    assert_eq!(missing.code, -32002);
}

#[tokio::test]
async fn every_principal_has_a_session_and_keeps_it() {
    let server = Server::legacy(true).await;
    let (pool, target) = (pool(), target(&server.url));
    pool.connect(&target).await.unwrap();
    for principal in ["ann", "bob", "ann", "bob"] {
        done(pool.clone(), &target, by(principal, tool("echo", &json!({})))).await.unwrap();
    }
    assert_eq!(server.shared.sessions.load(Ordering::SeqCst), 3, "the gateway's own, Ann's and Bob's");
    let first_calls = (0..8).map(|_| done(pool.clone(), &target, by("cid", tool("echo", &json!({})))));
    futures_util::future::join_all(first_calls).await;
    assert_eq!(server.shared.sessions.load(Ordering::SeqCst), 4, "concurrent first calls share a handshake");
    pool.shutdown().await;
    assert!(server.manager.sessions.read().await.is_empty(), "sessions are ended with the pool");
}

#[tokio::test]
async fn a_server_without_sessions_is_greeted_once() {
    let server = Server::legacy(false).await;
    let (pool, target) = (pool(), target(&server.url));
    for principal in ["ann", "bob"] {
        done(pool.clone(), &target, by(principal, tool("echo", &json!({})))).await.unwrap();
    }
    assert!(pool.connect(&target).await.is_ok());
}

#[tokio::test]
async fn a_lost_session_is_opened_again() {
    let server = Server::legacy(true).await;
    let (pool, target) = (pool(), target(&server.url));
    done(pool.clone(), &target, tool("echo", &json!({}))).await.unwrap();
    server.manager.sessions.write().await.clear();
    done(pool.clone(), &target, tool("echo", &json!({}))).await.unwrap();
    server.manager.sessions.write().await.clear();
    pool.connect(&target).await.unwrap();
    assert!(server.shared.sessions.load(Ordering::SeqCst) >= 3);
}

#[tokio::test]
async fn progress_comes_in_order_and_without_our_token() {
    let server = Server::legacy(true).await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let mut call = tool("count", &json!({}));
    call.context.progress = true;
    let (notes, outcome) = events(pool.call(&target, call).await.unwrap()).await;
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes.iter().all(|note| !note.contains("progressToken")), "{notes:?}");
    assert_eq!(result(outcome)["content"][0]["text"], "counted");
}

#[tokio::test]
async fn log_messages_reach_who_asked_and_the_server_is_told_once() {
    let server = Raw::serve(|seen| {
        raw::legacy(seen, |seen| match seen.kind() {
            "tools/call" => {
                let note = |level: &str| {
                    let params = json!({"level": level, "data": 1});
                    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
                };
                let done = json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": {}});
                event_stream(&[note("debug"), note("error"), done], End::Closed)
            }
            _ => seen.reply(&json!({})),
        })
    })
    .await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let mut call = tool("log", &json!({}));
    call.context.log_level = Some("info".to_owned());
    for _ in 0..2 {
        let (notes, _) = events(pool.call(&target, call.clone()).await.unwrap()).await;
        assert_eq!(notes, [r#"notifications/message {"data":1,"level":"error"}"#]);
    }
    let told: Vec<_> = server.of("logging/setLevel").iter().map(|seen| seen.body["params"].clone()).collect();
    assert_eq!(told, [json!({"level": "info"})]);
    let quiet = pool.call(&target, tool("log", &json!({}))).await.unwrap();
    assert!(matches!(quiet, upstream::Answer::Done(Ok(_))), "{quiet:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_by_a_notification() {
    let mut server = Server::legacy(true).await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let call = tokio::spawn({
        let (pool, target) = (pool.clone(), Arc::clone(&target));
        async move { pool.call(&target, tool("wait", &json!({}))).await.map(drop) }
    });
    while server.happens().await != "waits" {}
    call.abort();
    assert_eq!(server.happens().await, "cancelled");
}

#[tokio::test]
async fn changes_are_told_on_the_stream_of_the_gateways_own_session() {
    let server = Server::legacy(true).await;
    let (pool, target) = (pool(), target(&server.url));
    let mut notices = pool.notices();
    pool.connect(&target).await.unwrap();
    // The server keeps what it has to say until somebody opens the stream.
    server.change_tools().await;
    let notice = notices.recv().await.unwrap();
    assert_eq!(notice.change, Change::Tools);
    pool.shutdown().await;
}

#[tokio::test]
async fn what_goes_out_belongs_to_the_session() {
    let server = Raw::serve(|seen| raw::legacy(seen, |seen| seen.reply(&json!({"content": []})))).await;
    let (pool, target) = (pool(), target(&server.url));
    let mut call = tool("a", &json!({}));
    call.context.client_info = Some(serde_json::from_str(r#"{"name":"desk"}"#).unwrap());
    done(pool.clone(), &target, call).await.unwrap();
    pool.shutdown().await;
    // The probe's session and the caller's.
    let kinds = server.kinds();
    assert_eq!(kinds[..3], ["server/discover", "initialize", "notifications/initialized"], "{kinds:?}");
    assert_eq!(server.of("DELETE").len(), 2, "{kinds:?}");
    let initialize = server.of("initialize").remove(0);
    assert_eq!(initialize.header("mcp-protocol-version"), None);
    assert_eq!(initialize.body["params"]["capabilities"], json!({}), "nobody can be asked anything");
    let seen = server.of("tools/call").remove(0);
    assert_eq!(seen.header("mcp-session-id"), Some("s-1"));
    assert_eq!(seen.header("mcp-protocol-version"), Some("2025-11-25"));
    assert_eq!(seen.header("mcp-method"), None);
    assert_eq!(seen.body["params"], json!({"name": "a", "arguments": {}}));
}

#[tokio::test]
async fn a_server_that_asks_is_told_that_nobody_answers() {
    let server = Raw::serve(|seen| {
        raw::legacy(seen, |seen| match seen.kind() {
            "tools/call" => event_stream(
                &[
                    json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}),
                    json!({"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage", "params": {}}),
                    json!({"jsonrpc": "2.0", "id": seen.body["id"], "result": {"content": []}}),
                ],
                End::Closed,
            ),
            _ => empty(202),
        })
    })
    .await;
    let (pool, target) = (pool(), target(&server.url));
    done(pool.clone(), &target, tool("a", &json!({}))).await.unwrap();
    pool.shutdown().await;
    let answers: Vec<_> = server.of("POST").into_iter().map(|seen| seen.body).collect();
    let of = |id: serde_json::Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(of(json!("p"))["result"], json!({}));
    assert_eq!(of(json!(9))["error"]["code"], -32601);
}

#[tokio::test]
async fn a_stream_that_the_server_closes_early_is_resumed() {
    let server = Raw::serve(|seen| {
        raw::legacy(seen, |seen| match (seen.kind(), seen.header("last-event-id")) {
            ("tools/call", _) => pieces(
                "text/event-stream",
                futures_util::stream::iter([Ok("retry: 1\nid: e-1\ndata:\n\n".into())]),
            ),
            ("GET", Some("e-1")) => {
                event_stream(&[json!({"jsonrpc": "2.0", "id": 2, "result": {"late": true}})], End::Closed)
            }
            _ => empty(405),
        })
    })
    .await;
    let outcome = done(pool(), &target(&server.url), tool("a", &json!({}))).await;
    assert_eq!(result(outcome), json!({"late": true}));
    assert_eq!(server.of("tools/call").len(), 1);
}
