//! What happened to accounts, as their people and administrators see it.

use serde_json::{Value, json};

use super::{ANN, BOB, make, session, try_login};
use crate::app::{App, PASSWORD};

fn kinds(events: &Value) -> Vec<(&str, bool)> {
    let events = events.as_array().unwrap().iter();
    events.map(|event| (event["event_type"].as_str().unwrap(), event["success"].as_bool().unwrap())).collect()
}

#[tokio::test]
async fn people_see_what_happened_to_their_account() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    make(&app, BOB, json!({})).await;
    try_login(&app, ANN, "not-the-password-1").await;
    let first = session(&app, ANN, PASSWORD).await;
    app.post("/auth/logout", &first, json!({})).await.expect(200);
    let ann = session(&app, ANN, PASSWORD).await;
    let events = app.get("/auth/email/events", &ann).await.expect(200);
    let wanted = [("login", true), ("logout", true), ("login", true), ("login", false), ("create", true)];
    assert_eq!(kinds(&events), wanted, "{events}");
    let failed = &events[3];
    assert_eq!(failed["user_email"], ANN);
    assert_eq!(
        (&failed["ip_address"], &failed["failure_reason"]),
        (&json!("127.0.0.1"), &json!("Invalid password"))
    );
    assert!(failed["id"].is_i64());
    let page = app.get("/auth/email/events?limit=1&offset=1", &ann).await.expect(200);
    assert_eq!(kinds(&page), [("logout", true)]);
    app.get("/auth/email/events", "").await.expect(401);
}

#[tokio::test]
async fn administrators_see_everybodys_and_strangers_tries() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    try_login(&app, "nobody@example.com", "not-the-password-1").await;
    let ann = session(&app, ANN, PASSWORD).await;
    app.get("/auth/email/admin/events", &ann).await.expect(403);
    let list = async |query: &str| {
        app.get(&format!("/auth/email/admin/events{query}"), &app.admin()).await.expect(200)
    };
    assert_eq!(kinds(&list(&format!("?user_email={ANN}")).await), [("login", true), ("create", true)]);
    let stranger = list("?user_email=nobody@example.com").await;
    assert_eq!(kinds(&stranger), [("login", false)]);
    assert_eq!(stranger[0]["failure_reason"], "User not found");
    assert_eq!(kinds(&list("?limit=2").await), [("login", true), ("login", false)]);
    let path = format!("/auth/email/admin/users/{ANN}");
    app.send("DELETE", &path, &app.admin(), None).await.expect(200);
    let gone = list("?limit=1").await;
    assert_eq!((&gone[0]["event_type"], &gone[0]["user_email"]), (&json!("delete"), &json!(ANN)));
}
