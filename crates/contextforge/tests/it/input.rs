//! Bad input gets a clear error that names the field, quickly.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn bad_bodies_name_the_field() {
    let app = App::start().await;
    let admin = app.admin();
    for (path, body, field) in [
        ("/v1/servers", json!({}), "server"),
        ("/v1/servers", json!({ "server": { "name": 7 } }), "name"),
        ("/v1/servers", json!({ "server": { "name": "<script>" } }), "name"),
        ("/v1/servers", json!({ "server": { "name": "x", "tags": ["<b>"] } }), "tags"),
        ("/v1/servers", json!({ "server": { "name": "x" }, "visibility": "secret" }), "visibility"),
        ("/v1/gateways", json!({ "name": "x" }), "url"),
        (
            "/v1/gateways",
            json!({ "name": "x", "url": "http://example.com", "auth_type": "magic" }),
            "auth_type",
        ),
        ("/auth/login", json!({ "email": "nope" }), "password"),
    ] {
        let reply = app.post(path, &admin, body.clone()).await;
        assert_eq!(reply.status.as_u16(), 422, "{path} {body}: {:?}", reply.body);
        assert!(String::from_utf8_lossy(&reply.body).contains(field), "{path} {body}: {:?}", reply.body);
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_refused() {
    let app = App::start().await;
    let admin = app.admin();
    let deep = "[".repeat(100_000);
    for (body, status) in [("{bad", 422), (deep.as_str(), 422), ("", 422), ("null", 422)] {
        let reply = app.mcp_raw("/v1/servers", &admin, body, &[]).await;
        assert!(
            [400, status].contains(&reply.status.as_u16()),
            "{:.20}: {} {:?}",
            body,
            reply.status,
            reply.body
        );
    }
    let reply = app.mcp_raw("/v1/servers", &admin, "{}", &[("content-type", "text/plain")]).await;
    assert_eq!(reply.status.as_u16(), 415);
}

#[tokio::test]
async fn bad_queries_name_the_parameter() {
    let app = App::start().await;
    for query in ["limit=-1", "limit=many", "visibility=secret"] {
        let reply = app.get(&format!("/v1/tools?{query}"), &app.admin()).await;
        assert_eq!(reply.status.as_u16(), 422, "{query}");
        let parameter = query.split('=').next().unwrap();
        assert!(String::from_utf8_lossy(&reply.body).contains(parameter), "{:?}", reply.body);
    }
}

#[tokio::test]
async fn secrets_are_not_repeated_in_answers() {
    let app = App::start().await;
    let body = json!({ "name": "x", "url": "http://127.0.0.1:1/mcp", "transport": "STREAMABLEHTTP", "auth_type": "bearer", "auth_token": "s3cr3t-token" });
    let reply = app.post("/v1/gateways", &app.admin(), body).await;
    assert!(!String::from_utf8_lossy(&reply.body).contains("s3cr3t"), "{:?}", reply.body);
}
