//! Calls that nobody waits for any more: the upstream learns it, in its own era's way.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{
    client::Client,
    peer::{Era, Peer},
    register,
};
use crate::app::App;

/// A call of `wait` that would go on for a minute.
fn waiting(name: &str) -> Value {
    json!({ "name": format!("{name}-wait"), "arguments": { "milliseconds": 60_000 } })
}

/// A client that goes away before anything was answered.
async fn gone(app: &App, client: &Client<'_>, peer: &Peer, name: &str) {
    let before = peer.state.cancelled();
    let calling = client.begin(41, "tools/call", waiting(name));
    tokio::select! {
        response = calling => panic!("it answered {response:?}"),
        () = app.until(async || peer.state.waiting() == 1) => {}
    }
    // The request is dropped now, and its connection with it.
    app.until(async || peer.state.waiting() == 0).await;
    assert_eq!(peer.state.cancelled(), before + 1, "{} client, {name} upstream", client.era());
}

/// A client that says so, in its session.
async fn told(app: &App, client: &Client<'_>, peer: &Peer, name: &str) {
    let telling = async {
        app.until(async || peer.state.waiting() == 1).await;
        // Another request's id, and another text of the same number, cancel nothing.
        client.tell("notifications/cancelled", json!({ "requestId": 40 })).await;
        client.tell("notifications/cancelled", json!({ "requestId": "41" })).await;
        assert_eq!(peer.state.waiting(), 1, "{name}");
        client.tell("notifications/cancelled", json!({ "requestId": 41, "reason": "enough" })).await;
    };
    let (answer, ()) = tokio::join!(client.begin(41, "tools/call", waiting(name)), telling);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("\"result\""), "{name}: {body:?}");
    app.until(async || peer.state.waiting() == 0).await;
    assert_eq!(peer.state.cancelled(), 1, "{name}");
}

#[tokio::test]
async fn a_closed_connection_cancels_upstream() {
    let app = App::with(&[], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        gone(&app, &Client::modern(&app), &peer, name).await;
        gone(&app, &Client::legacy(&app).await, &peer, name).await;
    }
}

#[tokio::test]
async fn a_legacy_client_cancels_by_notification() {
    let app = App::with(&[], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        told(&app, &Client::legacy(&app).await, &peer, name).await;
    }
}

#[tokio::test]
async fn a_stream_that_is_closed_midway_cancels_upstream() {
    let app = App::with(&[], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        for client in [Client::modern(&app), Client::legacy(&app).await] {
            let cell = format!("{} client, {name} upstream", client.era());
            let before = peer.state.cancelled();
            let mut params = waiting(name);
            params["_meta"] = json!({ "progressToken": 1 });
            let mut answer = client.begin(41, "tools/call", params).await;
            let first = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(String::from_utf8_lossy(&first).contains("notifications/progress"), "{cell}: {first:?}");
            app.until(async || peer.state.waiting() == 1).await;
            drop(answer);
            app.until(async || peer.state.waiting() == 0).await;
            assert_eq!(peer.state.cancelled(), before + 1, "{cell}");
        }
    }
}
