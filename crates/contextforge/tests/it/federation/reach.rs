//! Upstreams that go away, come back, and say that their lists changed.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    call, listed, now,
    peer::{Era, Peer},
    raw::{Raw, Seen},
    register, text, tools,
};
use crate::app::App;

/// Whether the gateway and all of its tools are marked so.
async fn marked(app: &App, gateway: &Value, reachable: bool) -> bool {
    let prefix = format!("{}-", gateway["slug"].as_str().unwrap());
    let rows = tools(app, &prefix).await;
    assert_eq!(
        rows.len(),
        usize::try_from(gateway["toolCount"].as_u64().unwrap()).unwrap(),
        "none is dropped"
    );
    now(app, gateway).await["reachable"] == reachable
        && rows.iter().all(|tool| tool["reachable"] == reachable)
}

#[tokio::test]
async fn an_upstream_that_goes_away_is_marked_and_comes_back_by_itself() {
    // Without the timer for those that answer: what is noticed here is noticed at once.
    let vars = [("HEALTH_CHECK_INTERVAL", "1"), ("GATEWAY_AUTO_REFRESH_INTERVAL", "3600")];
    let app = App::with(&vars, &[]).await;
    let steady = Peer::start(Era::Modern).await;
    register(&app, "steady", &steady.url()).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let mut peer = Peer::start(era).await;
        let gateway = register(&app, name, &peer.url()).await;
        let tool = format!("{name}-echo");
        assert_eq!(text(&call(&app, &tool, json!({ "message": "before" })).await), "before");
        peer.stop();
        app.until(async || marked(&app, &gateway, false).await).await;
        assert!(now(&app, &gateway).await["lastError"].is_string());
        assert_eq!(call(&app, &tool, json!({ "message": "x" })).await["error"]["code"], -32603);
        assert_eq!(text(&call(&app, "steady-echo", json!({ "message": "on" })).await), "on");
        peer.restart().await;
        app.until(async || marked(&app, &gateway, true).await).await;
        assert!(now(&app, &gateway).await["lastError"].is_null());
        // Breakers rest for a while; a client that asks again gets its answer.
        app.until(async || {
            call(&app, &tool, json!({ "message": "after" })).await["result"]["content"][0]["text"] == "after"
        })
        .await;
    }
}

fn answer(seen: &Seen) -> Option<String> {
    match seen.method().as_str() {
        "tools/list" => Some(r#"{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}"#.to_owned()),
        "tools/call" => Some(r#"{"content":[{"type":"text","text":"here"}]}"#.to_owned()),
        _ => None,
    }
}

#[tokio::test]
async fn a_call_notices_an_upstream_that_tells_nothing() {
    let vars = [("HEALTH_CHECK_INTERVAL", "1"), ("GATEWAY_AUTO_REFRESH_INTERVAL", "3600")];
    let app = App::with(&vars, &[]).await;
    let mut raw = Raw::serve(answer).await;
    let gateway = register(&app, "g", &raw.url).await;
    assert_eq!(text(&call(&app, "g-t", json!({})).await), "here");
    raw.stop().await;
    assert_eq!(call(&app, "g-t", json!({})).await["error"]["code"], -32603);
    app.until(async || marked(&app, &gateway, false).await).await;
    let address = raw.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let listener = TcpListener::bind(&address).await.unwrap();
    let _back = Raw::listen(listener, answer);
    app.until(async || marked(&app, &gateway, true).await).await;
    assert_eq!(text(&call(&app, "g-t", json!({})).await), "here");
}

#[tokio::test]
async fn a_list_that_changed_is_read_again_at_once() {
    let app = App::with(&[("GATEWAY_AUTO_REFRESH_INTERVAL", "3600")], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        let grown = format!("{name}-grown");
        assert!(!listed(&app).await.contains(&grown));
        // The upstream's own news, not the end of a call of ours: several may come before the stream is open.
        app.until(async || {
            call(&app, &format!("{name}-grow"), json!({})).await;
            listed(&app).await.contains(&grown)
        })
        .await;
        assert_eq!(text(&call(&app, &grown, json!({})).await), "Here I am.");
    }
}

#[tokio::test]
async fn a_call_under_way_fails_when_its_upstream_ends() {
    let app = App::with(&[], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let mut peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        let tool = format!("{name}-wait");
        let calling = call(&app, &tool, json!({ "milliseconds": 60_000 }));
        let ending = async {
            app.until(async || peer.state.waiting() == 1).await;
            peer.stop();
        };
        let (answer, ()) = tokio::join!(calling, ending);
        assert_eq!(answer["error"]["code"], -32603, "{name}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(name), "{answer}");
    }
}
