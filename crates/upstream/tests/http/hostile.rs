//! Servers that mean harm or are broken. Nothing is read beyond a limit, and no tool is called twice.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::Error;
use futures_util::{StreamExt, stream};
use http::Response;
use serde_json::json;
use upstream::ListKind;

use super::{
    TOKEN, done, events, fails, pool, pool_with,
    raw::{self, Body, End, Raw, Seen, body, broken, event_stream, pieces},
    request, result, target, tool,
};

/// What a call of a tool comes to when the server answers it so.
async fn call(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> (String, Raw) {
    let server = Raw::serve(move |seen| raw::modern(seen, &answer)).await;
    let pool = pool_with(&[("UPSTREAM_MAX_RESPONSE_BYTES", "65536")]);
    let error = fails(&pool, &target(&server.url), tool("a", &json!({}))).await;
    assert_eq!(server.of("tools/call").len(), 1, "a tool is never called twice");
    (error, server)
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for (status, location) in [
        (302, "http://169.254.169.254/"),
        (307, "/other"),
        (308, "file:///etc/passwd"),
        (301, "http://b.test/"),
    ] {
        let (error, server) = call(move |_| {
            let mut response = body(status, "text/html", "go there");
            response.headers_mut().insert("location", location.parse().unwrap());
            response
        })
        .await;
        assert!(error.contains(&format!("redirect (HTTP {status})")), "{error}");
        assert!(server.seen.lock().unwrap().iter().all(|seen| seen.path == "/mcp"));
    }
}

#[tokio::test]
async fn large_answers_are_cut() {
    let declared = call(|_| body(200, "application/json", vec![b' '; 100_000])).await.0;
    assert!(declared.contains("65536 bytes"), "{declared}");
    let endless = || stream::repeat_with(|| Ok(Bytes::from_static(&[b' '; 1024])));
    let undeclared = call(move |_| pieces("application/json", endless())).await.0;
    assert!(undeclared.contains("UPSTREAM_MAX_RESPONSE_BYTES"), "{undeclared}");
    let line = || {
        stream::iter([Ok(Bytes::from("data: "))]).chain(stream::repeat_with(|| Ok(Bytes::from("xxxxxxxx"))))
    };
    let event = call(move |_| pieces("text/event-stream", line())).await.0;
    assert!(event.contains("UPSTREAM_MAX_RESPONSE_BYTES"), "{event}");
    let lines = || stream::repeat_with(|| Ok(Bytes::from("data: xxxxxxxx\n")));
    let event = call(move |_| pieces("text/event-stream", lines())).await.0;
    assert!(event.contains("UPSTREAM_MAX_RESPONSE_BYTES"), "{event}");
}

#[tokio::test]
async fn slow_answers_end_at_the_deadline() {
    for kind in ["application/json", "text/event-stream"] {
        let server = Raw::serve(move |seen| {
            raw::modern(seen, |_| {
                let drip = stream::repeat_with(|| Ok(Bytes::from(":"))).take(3).chain(stream::pending());
                pieces(kind, drip)
            })
        })
        .await;
        let (pool, target) = (pool(), Arc::new(target(&server.url)));
        let mut call = tool("a", &json!({}));
        call.timeout = Duration::from_millis(200);
        match pool.call(&target, call).await {
            Err(Error::Upstream { timeout: true, message }) => {
                assert_eq!(message, "The server Peer did not answer in time");
            }
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(server.of("tools/call").len(), 1);
    }
}

#[tokio::test]
async fn answers_of_the_wrong_kind_are_refused() {
    let html = call(|_| body(200, "text/html", "<html>")).await.0;
    assert!(html.contains("neither JSON nor an event stream"), "{html}");
    let none = call(|_| body(200, "", "{}")).await.0;
    assert!(none.contains("neither JSON nor an event stream"), "{none}");
    let accepted = call(|_| body(202, "", "")).await.0;
    assert!(accepted.contains("neither JSON nor an event stream"), "{accepted}");
    for text in ["{", "[]", "7", "", r#"{"jsonrpc":"2.0","id":2}"#, r#"{"jsonrpc":"1.0","id":2,"result":{}}"#]
    {
        let nonsense = call(move |_| body(200, "application/json", text)).await.0;
        assert!(nonsense.contains("not JSON-RPC"), "{text}: {nonsense}");
    }
    let deep = "[".repeat(100_000);
    let deep =
        call(move |_| body(200, "application/json", deep.clone().into_bytes().split_off(40_000))).await.0;
    assert!(deep.contains("not JSON-RPC"), "{deep}");
    let twice = call(|seen| {
        let id = &seen.body["id"];
        body(200, "application/json", format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}},"result":{{}}}}"#))
    });
    let twice = twice.await.0;
    assert!(twice.contains("duplicate"), "{twice}");
    let foreign =
        call(|_| body(200, "application/json", r#"{"jsonrpc":"2.0","id":4711,"result":{}}"#)).await.0;
    assert!(foreign.contains("another request"), "{foreign}");
    let packed = call(|seen| {
        let mut response = seen.reply(&json!({}));
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        response
    });
    let packed = packed.await.0;
    assert!(packed.contains("compressed"), "{packed}");
}

#[tokio::test]
async fn credentials_are_not_repeated_even_if_the_server_does() {
    let (error, _) =
        call(|seen| body(500, "text/plain", seen.header("authorization").unwrap().to_owned())).await;
    assert!(error.contains("HTTP 500") && !error.contains(TOKEN), "{error}");
}

#[tokio::test]
async fn a_broken_connection_repeats_nothing_that_could_have_happened() {
    for kind in ["application/json", "text/event-stream"] {
        let (error, _) = call(move |_| pieces(kind, broken())).await;
        assert_eq!(error, "The server Peer broke the connection before it answered", "{kind}");
    }
    let (error, _) = call(|_| event_stream(&[], End::Closed)).await;
    assert!(error.contains("broke the connection"), "{error}");

    let server = Raw::serve(|seen| raw::modern(seen, |_| event_stream(&[], End::Broken))).await;
    let error = fails(&pool(), &target(&server.url), request("prompts/get", &json!({"name": "x"}))).await;
    assert!(error.contains("broke the connection"), "{error}");
    assert_eq!(server.of("prompts/get").len(), 2, "reading is repeated once");
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error() {
    let server = Raw::serve(|seen| {
        raw::modern(seen, |seen| {
            let token = &seen.body["params"]["_meta"]["progressToken"];
            let params = json!({"progressToken": token, "progress": 1});
            let note = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
            let stranger = json!({"jsonrpc": "2.0", "id": 4711, "result": {"stolen": true}});
            event_stream(&[stranger, note], End::Broken)
        })
    })
    .await;
    let mut call = tool("a", &json!({}));
    call.context.progress = true;
    let answer = pool().call(&Arc::new(target(&server.url)), call).await.unwrap();
    let (notes, outcome) = events(answer).await;
    assert_eq!(notes, [r#"notifications/progress {"progress":1}"#]);
    let error = outcome.unwrap_err();
    assert_eq!(error.code, -32603);
    assert_eq!(error.message, "The server Peer broke the connection before it answered");
    assert_eq!(server.of("tools/call").len(), 1);
}

#[tokio::test]
async fn endless_lists_are_refused() {
    let server =
        Raw::serve(|seen| raw::modern(seen, |seen| seen.reply(&json!({"tools": [], "nextCursor": "again"}))))
            .await;
    let error = pool().list(&target(&server.url), ListKind::Tools).await.unwrap_err().to_string();
    assert!(error.contains("repeats a cursor"), "{error}");
    assert_eq!(server.of("tools/list").len(), 2);
}

#[tokio::test]
async fn payloads_come_back_byte_for_byte() {
    let text = r#"{"content":[],"x":1e400,"y" : "\u006d\/","a":{"b":[ 1,2 ]},"":null}"#;
    let server = Raw::serve(move |seen| {
        raw::modern(seen, |seen| {
            let id = &seen.body["id"];
            body(200, "application/json", format!(r#"{{"result":{text},"id":{id},"jsonrpc":"2.0"}}"#))
        })
    })
    .await;
    let outcome = done(pool(), &target(&server.url), tool("a", &json!({}))).await;
    assert_eq!(outcome.unwrap().get(), text);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_rests() {
    let (pool, target) = (pool(), target("http://127.0.0.1:1/mcp"));
    for _ in 0..5 {
        let error = fails(&pool, &target, tool("a", &json!({}))).await;
        assert_eq!(error, "The server Peer cannot be reached: connection refused");
    }
    let error = fails(&pool, &target, tool("a", &json!({}))).await;
    assert!(error.contains("it is tried again in"), "{error}");
    let mut moved = target.clone();
    let server = Raw::serve(|seen| raw::modern(seen, |seen| seen.reply(&json!({})))).await;
    (moved.url, moved.revision) = (server.url, 2);
    assert_eq!(result(done(pool, &moved, tool("a", &json!({}))).await), json!({}));
}
