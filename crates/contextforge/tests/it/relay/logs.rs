//! Logs of upstreams reach the clients that want them, wherever the upstream sends them, and nobody else.

use serde_json::json;

use super::{
    answer, both,
    client::{Legacy, Messages},
};

/// The logs before the answer.
async fn logs(call: &mut Messages) -> Vec<String> {
    let mut logs = Vec::new();
    loop {
        let message = call.next().await.expect("an answer at the end");
        if message["method"] != "notifications/message" {
            assert!(message["result"]["content"].is_array(), "{message}");
            return logs;
        }
        logs.push(message["params"]["data"].to_string());
    }
}

/// A legacy server logs on the stream of the session, a modern one in its answer.
#[tokio::test]
async fn logs_of_servers_of_both_eras_reach_everybody_who_wants_them() {
    let (app, _peers) = both().await;
    let admin = app.admin();
    let bob = app.user("bob@example.com").await;
    let wants = Legacy::open(&app, &admin, json!({})).await;
    let usual = Legacy::open(&app, &admin, json!({})).await;
    let other = Legacy::open(&app, &bob, json!({})).await;
    wants.request_of("logging/setLevel", json!({ "level": "debug" })).await;
    other.request_of("logging/setLevel", json!({ "level": "debug" })).await;
    for upstream in ["new", "old"] {
        let name = format!("{upstream}-test-tool-with-logging");
        let (wait, nothing) = (json!({ "milliseconds": 400 }), json!({}));
        // All of them at once, so that a log could go to the wrong one.
        let idle = format!("{upstream}-wait");
        let (mut one, mut two, mut idle) = tokio::join!(
            wants.begin(&name, &nothing),
            usual.begin(&name, &nothing),
            other.begin(&idle, &wait)
        );
        let (one, two, idle) = tokio::join!(logs(&mut one), logs(&mut two), logs(&mut idle));
        // Both are one principal's, and nobody can tell which call a log in their session is about.
        assert!(one.len() >= 3 && two.len() >= 3, "{upstream}: {one:?} {two:?}");
        assert_eq!(idle.len(), 0, "{upstream}: another principal's");
        // What is logged just before the answer comes before it too.
        let mut quick = wants.begin(&format!("{upstream}-test-logging-tool"), &nothing).await;
        assert_eq!(logs(&mut quick).await.len(), 1, "{upstream}");
        let (questions, result) =
            wants.call(&format!("{upstream}-echo"), &json!({ "message": "x" }), answer).await;
        assert!(questions.is_empty() && result["result"].is_object(), "{result}");
    }
}
