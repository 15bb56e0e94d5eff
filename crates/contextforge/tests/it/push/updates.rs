//! Updated resources: from upstreams of both eras to clients of both, asked for once, and again after a break.

use serde_json::{Value, json};

use super::{ask, listen, session, stream};
use crate::{
    app::App,
    federation::{
        peer::{Era, Peer},
        register,
    },
};

const TEXT: &str = "test://static-text";
const OTHER: &str = "test://static-binary";

fn updated(uri: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": { "uri": uri } })
}

#[tokio::test]
async fn an_update_reaches_whoever_subscribed_and_nobody_else() {
    for era in [Era::Modern, Era::Legacy] {
        let app = App::with(&[], &[]).await;
        let admin = app.admin();
        let peer = Peer::start(era).await;
        register(&app, "up", &peer.url()).await;
        let (one, two) = (session(&app, "/mcp", &admin).await, session(&app, "/mcp", &admin).await);
        let (mut first, mut second) = (stream(&app, &admin, &one).await, stream(&app, &admin, &two).await);
        let done = ask(&app, &admin, &one, "resources/subscribe", json!({ "uri": TEXT })).await;
        assert_eq!(done["result"], json!({}), "{done}");
        let wanted = json!({ "resourceSubscriptions": [TEXT, OTHER, "test://nothing"] });
        let (mut modern, told) = listen(&app, &admin, wanted).await;
        assert_eq!(told, json!({ "resourceSubscriptions": [TEXT, OTHER] }));
        // Two clients, one subscription.
        let followed = || {
            let mut followed = peer.state.followed();
            followed.sort();
            followed
        };
        app.until(async || followed() == [OTHER, TEXT]).await;
        peer.state.touch(TEXT).await;
        assert_eq!(first.next().await.unwrap(), updated(TEXT));
        let message = modern.next().await.unwrap();
        assert_eq!(message["params"]["uri"], TEXT, "{message}");
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9);
        peer.state.touch(OTHER).await;
        assert_eq!(modern.next().await.unwrap()["params"]["uri"], OTHER);
        first.silent().await;
        second.silent().await;
        let done = ask(&app, &admin, &one, "resources/unsubscribe", json!({ "uri": TEXT })).await;
        assert_eq!(done["result"], json!({}), "{done}");
        peer.state.touch(TEXT).await;
        assert_eq!(modern.next().await.unwrap()["params"]["uri"], TEXT, "it is still followed for another");
        first.silent().await;
        drop(modern);
        app.until(async || followed().is_empty()).await;
    }
}

#[tokio::test]
async fn subscriptions_outlive_their_upstream() {
    for era in [Era::Modern, Era::Legacy] {
        let app = App::with(&[], &[]).await;
        let admin = app.admin();
        let mut peer = Peer::start(era).await;
        register(&app, "up", &peer.url()).await;
        let id = session(&app, "/mcp", &admin).await;
        let mut events = stream(&app, &admin, &id).await;
        ask(&app, &admin, &id, "resources/subscribe", json!({ "uri": TEXT })).await;
        app.until(async || peer.state.followed() == [TEXT]).await;
        peer.restart().await;
        app.until(async || peer.state.followed() == [TEXT]).await;
        // What was missed meanwhile is not known, so the resource counts as updated.
        assert_eq!(events.next().await.unwrap(), updated(TEXT));
    }
}

#[tokio::test]
async fn a_subscription_needs_a_session_a_right_and_a_resource() {
    let app = App::start().await;
    let admin = app.admin();
    let peer = Peer::start(Era::Modern).await;
    let body =
        json!({ "name": "own", "url": peer.url(), "transport": "STREAMABLEHTTP", "visibility": "private" });
    app.post("/v1/gateways", &admin, body).await.expect(200);
    let bob = app.user("bob@example.com").await;
    let (mine, his) = (session(&app, "/mcp", &admin).await, session(&app, "/mcp", &bob).await);
    let code = async |token: &str, id: &str, uri: &str| {
        let answer = ask(&app, token, id, "resources/subscribe", json!({ "uri": uri })).await;
        answer["error"]["code"].as_i64()
    };
    assert_eq!(code(&admin, &mine, TEXT).await, None);
    assert_eq!(code(&bob, &his, TEXT).await, Some(-32002), "he does not see it");
    assert_eq!(code(&admin, &mine, "demo://about").await, Some(-32602), "nobody tells of it");
    assert_eq!(code(&admin, &mine, "test://none").await, Some(-32002));
    let without = app.mcp("/mcp", &admin, "resources/subscribe", json!({ "uri": TEXT })).await;
    assert_eq!(without["error"]["code"], -32602, "{without}");
    let (mut events, told) = listen(&app, &bob, json!({ "resourceSubscriptions": [TEXT] })).await;
    assert_eq!(told, json!({}), "left out like one that is not there");
    peer.state.touch(TEXT).await;
    events.silent().await;
}
