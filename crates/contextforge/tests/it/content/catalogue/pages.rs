//! Pages: what was stored comes as data that no browser takes for a page.

use serde_json::json;

use super::{Desk, modes};

/// What ends a script, opens an element, and ends a line of script.
const NASTY: &str = "</script><img src=x onerror=alert(1)>\u{2028}";

#[tokio::test]
async fn no_answer_with_stored_text_is_a_page() {
    let desk = Desk::open(&modes("lenient")).await;
    let (app, admin) = (&desk.app, &desk.admin);
    let made = desk.resource("text/html", NASTY).await.expect(200);
    let id = made["id"].as_str().unwrap();
    let change = json!({ "description": NASTY });
    app.send("PUT", &format!("/v1/resources/{id}"), admin, Some(change.clone())).await.expect(200);
    let server = json!({ "server": { "name": "s", "description": NASTY } });
    let server = app.post("/v1/servers", admin, server).await.expect(201)["id"].as_str().unwrap().to_owned();
    let mut shown = 0;
    for path in [
        "/v1/resources".to_owned(),
        format!("/v1/resources/{id}"),
        format!("/v1/resources/{id}/info"),
        format!("/v1/resources/{id}/download"),
        "/v1/servers".to_owned(),
        format!("/v1/servers/{server}"),
        "/api/logs/audit-trails?limit=200".to_owned(),
        format!("/v1/resources/{}", "%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
        "/v1/tools?limit=%3Cimg%20src=x%20onerror=alert(1)%3E".to_owned(),
        "/v1/%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
    ] {
        let reply = app.get(&path, admin).await;
        shown += usize::from(String::from_utf8_lossy(&reply.body).contains("onerror=alert(1)"));
        let kind = reply.header("content-type");
        assert!(["application/json", "application/octet-stream"].contains(&kind), "9-33 {path}: {kind}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "9-33 {path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") || policy.contains("sandbox"), "9-33 {path}: {policy}");
    }
    assert!(shown >= 6, "the text is there: {shown}");
}

#[tokio::test]
async fn pages_repeat_nothing_of_what_was_asked() {
    let desk = Desk::open(&[]).await;
    let nasty = "%3C%2Fscript%3E%3Cimg%20onerror=alert(1)%3E%E2%80%A8";
    for path in ["/docs?url=", "/redoc?spec-url=", "/accept-invitation/"] {
        let reply = desk.app.get(&format!("{path}{nasty}"), &desk.admin).await;
        let page = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.header("content-type").starts_with("text/html"), "9-34 {path}");
        assert!(!page.contains("<img onerror") && !page.contains('\u{2028}'), "9-34 {path}: {page}");
    }
}
