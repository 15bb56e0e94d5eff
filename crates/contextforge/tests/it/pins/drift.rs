//! A definition that changed: the approved one is served until somebody decides.

use serde_json::json;

use super::{Upstream, audited, decide, description, pin, tool};
use crate::{
    app::App,
    federation::{call, register, text},
};

#[tokio::test]
async fn what_was_approved_is_served_until_the_change_is_approved() {
    let app = App::with(&[], &[]).await;
    let upstream = Upstream::start(vec![tool("add", "Adds numbers.")]).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    assert_eq!(pin(&app, "g-add").await["state"], "approved");
    let done = upstream.say(&app, &gateway, vec![tool("add", "Adds numbers of any size.")]).await;
    assert_eq!(done["toolsUpdated"], 1, "{done}");
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds numbers."));
    assert_eq!(text(&call(&app, "g-add", json!({})).await), "done", "it is called as before");
    let changed = pin(&app, "g-add").await;
    assert_eq!((&changed["state"], &changed["class"]), (&json!("changed"), &json!("additive")), "{changed}");
    assert_eq!(changed["changes"][0]["field"], "/description");
    assert_eq!(changed["approved"]["description"], "Adds numbers.");
    assert_eq!(changed["offered"]["description"], "Adds numbers of any size.");
    let again = upstream.say(&app, &gateway, vec![tool("add", "Adds numbers of any size.")]).await;
    assert_eq!(again["toolsUpdated"], 0, "it is told once: {again}");
    let listed = app.get("/v1/tools/pins", &app.admin()).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let approved = decide(&app, &changed, "approve").await;
    assert_eq!((&approved["state"], &approved["offered"]), (&json!("approved"), &json!(null)));
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds numbers of any size."));
    assert_eq!(audited(&app, "tool.pin").await.len(), 1);
    assert_eq!(audited(&app, "tool.approve").await.len(), 1);
}

#[tokio::test]
async fn a_rejected_change_is_not_asked_about_again() {
    let app = App::with(&[], &[]).await;
    let upstream = Upstream::start(vec![tool("add", "Adds numbers.")]).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    upstream.say(&app, &gateway, vec![tool("add", "Subtracts.")]).await;
    let rejected = decide(&app, &pin(&app, "g-add").await, "reject").await;
    assert_eq!((&rejected["state"], &rejected["held"]), (&json!("rejected"), &json!(false)));
    upstream.say(&app, &gateway, vec![tool("add", "Subtracts.")]).await;
    assert_eq!(pin(&app, "g-add").await["state"], "rejected");
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds numbers."));
    upstream.say(&app, &gateway, vec![tool("add", "Multiplies.")]).await;
    assert_eq!(pin(&app, "g-add").await["state"], "changed", "another change is another question");
    upstream.say(&app, &gateway, vec![tool("add", "Adds numbers.")]).await;
    assert_eq!(pin(&app, "g-add").await["state"], "approved", "nothing is left to decide");
    assert_eq!(audited(&app, "tool.reject").await.len(), 1);
}

#[tokio::test]
async fn a_decision_is_about_the_definition_that_was_looked_at() {
    let app = App::with(&[], &[]).await;
    let upstream = Upstream::start(vec![tool("add", "Adds numbers.")]).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    upstream.say(&app, &gateway, vec![tool("add", "Adds more.")]).await;
    let looked_at = pin(&app, "g-add").await;
    upstream.say(&app, &gateway, vec![tool("add", "Adds something else.")]).await;
    let path = format!("/v1/tools/{}/pin/approve", looked_at["tool_id"].as_str().unwrap());
    let body = json!({ "fingerprint": looked_at["offered_fingerprint"] });
    assert_eq!(app.post(&path, &app.admin(), body).await.status.as_u16(), 409);
    assert_eq!(app.post(&path, &app.admin(), json!({})).await.status.as_u16(), 422);
    let viewer = app.user("ann@example.com").await;
    let body = json!({ "fingerprint": pin(&app, "g-add").await["offered_fingerprint"] });
    assert_eq!(app.post(&path, &viewer, body).await.status.as_u16(), 403);
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds numbers."));
}

#[tokio::test]
async fn a_tool_that_goes_and_comes_back_is_not_met_for_the_first_time() {
    let app = App::with(&[], &[]).await;
    let upstream =
        Upstream::start(vec![tool("add", "Adds numbers."), tool("sub", "Subtracts numbers.")]).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    upstream.say(&app, &gateway, vec![tool("sub", "Subtracts numbers.")]).await;
    assert_eq!(description(&app, "g-add").await, None);
    upstream
        .say(&app, &gateway, vec![tool("add", "Deletes numbers."), tool("sub", "Subtracts numbers.")])
        .await;
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds numbers."));
    assert_eq!(pin(&app, "g-add").await["state"], "changed");
    // An approved definition under a new name waits.
    upstream.say(&app, &gateway, vec![tool("minus", "Subtracts numbers.")]).await;
    let renamed = pin(&app, "g-minus").await;
    assert_eq!(
        (&renamed["state"], &renamed["findings"][0]["rule"]),
        (&json!("pending"), &json!("name/renamed"))
    );
    assert_eq!(description(&app, "g-minus").await, None);
}

#[tokio::test]
async fn off_follows_every_change() {
    let app = App::with(&[("TOOL_PIN_MODE", "off")], &[]).await;
    let upstream = Upstream::start(vec![tool("add", "Adds numbers.")]).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    upstream.say(&app, &gateway, vec![tool("add", "Adds.\u{200b}")]).await;
    assert_eq!(description(&app, "g-add").await.as_deref(), Some("Adds.\u{200b}"));
    let followed = pin(&app, "g-add").await;
    assert_eq!(followed["state"], "approved");
    assert_eq!(followed["findings"][0]["rule"], "hidden/invisible_character", "it is marked nevertheless");
}
