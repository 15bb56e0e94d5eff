//! Revision 2026-07-28 with a stock server.

use std::sync::Arc;

use serde_json::{Value, json};
use upstream::{Answer, Change, ListKind};

use super::{
    TOKEN, by, done, events,
    peer::Server,
    pool,
    raw::{self, Raw},
    result, target, tool,
};

#[tokio::test]
async fn a_modern_server_is_recognised_listed_and_called() {
    let server = Server::modern().await;
    let (pool, target) = (pool(), target(&server.url));
    let connected = pool.connect(&target).await.unwrap();
    assert!(connected.dialect.modern && connected.dialect.version == "2026-07-28");
    assert_eq!(connected.instructions.as_deref(), Some("A peer."));
    assert!(connected.server_info.unwrap().get().contains("\"peer\""));
    assert!(connected.capabilities.get().contains("listChanged"));

    let tools = pool.list(&target, ListKind::Tools).await.unwrap();
    let names: Vec<Value> = tools.iter().map(|tool| serde_json::from_str(tool.get()).unwrap()).collect();
    assert_eq!(names.iter().map(|tool| &tool["name"]).collect::<Vec<_>>(), ["tool-0", "tool-1", "tool-2"]);

    let answer = done(pool.clone(), &target, tool("echo", &json!({"a": "é"}))).await;
    assert_eq!(result(answer)["content"][0]["text"], r#"{"a":"é"}"#);
    let unknown = done(pool, &target, tool("nothing", &json!({}))).await.unwrap_err();
    assert_eq!(unknown.code, -32602);
}

#[tokio::test]
async fn progress_comes_in_order_and_without_our_token() {
    let server = Server::modern().await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let mut call = tool("count", &json!({}));
    call.context.progress = true;
    let (notes, outcome) = events(pool.call(&target, call).await.unwrap()).await;
    assert_eq!(notes.len(), 3, "{notes:?}");
    for (note, step) in notes.iter().zip(1..) {
        assert!(
            note.starts_with("notifications/progress ") && note.contains(&format!("\"progress\":{step}"))
        );
        assert!(!note.contains("progressToken"), "{note}");
    }
    assert_eq!(result(outcome)["content"][0]["text"], "counted");
    let without = pool.call(&target, tool("count", &json!({}))).await.unwrap();
    assert!(matches!(without, Answer::Done(Ok(_))), "{without:?}");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_by_closing_its_stream() {
    let mut server = Server::modern().await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let call = tokio::spawn(async move { pool.call(&target, tool("wait", &json!({}))).await.map(drop) });
    while server.happens().await != "waits" {}
    call.abort();
    while server.happens().await != "cancelled" {}
}

#[tokio::test]
async fn changes_are_told() {
    let mut server = Server::modern().await;
    let (pool, target) = (pool(), target(&server.url));
    let mut notices = pool.notices();
    pool.connect(&target).await.unwrap();
    assert_eq!(server.happens().await, "listens");
    server.change_tools().await;
    let notice = notices.recv().await.unwrap();
    assert_eq!((notice.gateway, notice.change), (target.gateway, Change::Tools));
    pool.shutdown().await;
}

#[tokio::test]
async fn what_goes_out_says_who_asks_and_what() {
    let server = Raw::serve(|seen| raw::modern(seen, |seen| seen.reply(&json!({"content": []})))).await;
    let (pool, target) = (pool(), target(&server.url));
    let mut call = by("bob", tool("näme", &json!({"region": "eu"})));
    call.context.client_info = Some(serde_json::from_str(r#"{"name":"desk","version":"4"}"#).unwrap());
    call.context.capabilities = serde_json::from_str(r#"{"elicitation":{}}"#).unwrap();
    call.context.log_level = Some("info".to_owned());
    call.context.param_headers = vec![("Mcp-Param-Region".to_owned(), "eu".to_owned())];
    call.context.traceparent = Some("00-aa-bb-01".to_owned());
    for (name, value) in [
        ("x-tenant", "t1"),
        ("accept-language", "de"),
        ("accept", "text/html"),
        ("mcp-session-id", "no"),
        ("host", "evil"),
        ("content-length", "1"),
    ] {
        call.context.headers.push((name.parse().unwrap(), value.parse().unwrap()));
    }
    done(pool, &target, call).await.unwrap();
    let seen = server.of("tools/call").remove(0);
    for (name, value) in [
        ("authorization", format!("Bearer {TOKEN}").as_str()),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?bsOkbWU=?="),
        ("mcp-param-region", "eu"),
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("x-tenant", "t1"),
        ("accept-language", "de"),
        ("traceparent", "00-aa-bb-01"),
        ("host", server.url.trim_start_matches("http://").trim_end_matches("/mcp")),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header("mcp-session-id"), None);
    let meta = &seen.body["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "desk");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"elicitation": {}}));
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "info");
    assert_eq!(meta["traceparent"], "00-aa-bb-01");
    assert!(meta.get("progressToken").is_none());
}
