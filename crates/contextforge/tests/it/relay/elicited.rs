//! A server refuses a call until something is done at a URL, and tells later that it is.

use std::convert::Infallible;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::broadcast::{Sender, channel};

use super::client::Legacy;
use crate::{
    app::App,
    federation::{listed, register},
    push::stream as listen,
};

const COMPLETE: &str = "notifications/elicitation/complete";

/// A server whose only tool wants something done at a URL; what is sent goes out on the streams of its sessions.
async fn server() -> (String, Sender<String>) {
    let (said, _) = channel(8);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let router = Router::new().route("/mcp", post(answer).get(hear)).with_state(said.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, said)
}

async fn hear(State(said): State<Sender<String>>) -> Response {
    let events = stream::unfold(said.subscribe(), |mut heard| async {
        let text = heard.recv().await.ok()?;
        Some((Ok::<_, Infallible>(Bytes::from(format!("data: {text}\n\n"))), heard))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(events)).into_response()
}

async fn answer(Json(message): Json<Value>) -> Response {
    let done = |member: &str, value: Value| {
        let reply = Json(json!({ "jsonrpc": "2.0", "id": message["id"], member: value }));
        ([("mcp-session-id", "s")], reply).into_response()
    };
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => done(
            "result",
            json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "u", "version": "1" } }),
        ),
        "tools/list" => {
            done("result", json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] }))
        }
        "tools/call" => {
            let asked = json!({ "mode": "url", "elicitationId": "e1", "url": "https://a.test/", "message": "Sign in" });
            done(
                "error",
                json!({ "code": -32042, "message": "Sign in first", "data": { "elicitations": [asked] } }),
            )
        }
        "server/discover" => StatusCode::BAD_REQUEST.into_response(),
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

#[tokio::test]
async fn the_client_of_a_refused_call_hears_when_it_may_try_again() {
    let app = App::with(&[], &[]).await;
    let (url, said) = server().await;
    register(&app, "Old", &url).await;
    app.until(async || listed(&app).await == ["old-t"]).await;
    let (admin, bobs) = (app.admin(), app.user("bob@example.com").await);
    let can = json!({ "elicitation": { "url": {} } });
    let ann = Legacy::open(&app, &admin, can.clone()).await;
    let bob = Legacy::open(&app, &bobs, can).await;
    let mut hers = listen(&app, &admin, ann.session()).await;
    let mut his = listen(&app, &bobs, bob.session()).await;
    let refused = ann.begin("old-t", &json!({})).await.next().await.unwrap();
    assert_eq!(refused["error"]["code"], -32042, "{refused}");
    let params = json!({ "elicitationId": "e1" });
    let complete = json!({ "jsonrpc": "2.0", "method": COMPLETE, "params": params });
    said.send(complete.to_string()).unwrap();
    assert_eq!(hers.next().await.unwrap(), complete);
    his.silent().await;
}
