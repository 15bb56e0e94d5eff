//! Content security through the front doors: what is registered here, what is refused, and who is told.

mod modes;
mod pages;
mod prompts;
mod scan;
mod screening;

use serde_json::{Value, json};

use crate::app::{App, Reply};

/// Text that no layer has anything against.
const CLEAN: &str = "# Notes\n\nUse `SELECT` to read rows; see (the manual) & enjoy.\n";
/// Script in a page.
const SCRIPT: &str = "Hello <script>alert(document.cookie)</script> there";

async fn register(app: &App, token: &str, uri: &str, content: &str) -> Reply {
    let resource = json!({ "uri": uri, "name": "Doc", "mimeType": "text/markdown", "content": content });
    app.post("/v1/resources", token, json!({ "resource": resource })).await
}

fn rules(refusal: &Value) -> Vec<&str> {
    refusal["detail"]["violations"].as_array().unwrap().iter().map(|v| v["rule"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_resource_is_registered_read_changed_and_removed() {
    let app = App::start().await;
    let admin = app.admin();
    let made = register(&app, &admin, "res://doc/1", CLEAN).await.expect(200);
    assert_eq!((&made["uri"], &made["gatewayId"]), (&json!("res://doc/1"), &Value::Null));
    assert_eq!((&made["size"], &made["visibility"]), (&json!(CLEAN.len()), &json!("public")));
    let id = made["id"].as_str().unwrap().to_owned();
    register(&app, &admin, "res://doc/1", CLEAN).await.expect(409);

    let content = app.get(&format!("/v1/resources/{id}"), &admin).await.expect(200);
    assert_eq!((&content["text"], &content["mime_type"]), (&json!(CLEAN), &json!("text/markdown")));
    let listed = app.mcp("/mcp", &admin, "resources/list", json!({})).await;
    let listed = listed["result"]["resources"].as_array().unwrap().clone();
    assert!(listed.iter().any(|row| row["uri"] == "res://doc/1" && row["name"] == "Doc"), "{listed:?}");
    let read = app.mcp("/mcp", &admin, "resources/read", json!({ "uri": "res://doc/1" })).await;
    assert_eq!(read["result"]["contents"][0]["text"], CLEAN, "{read}");

    let body = json!({ "content": "Changed." });
    let path = format!("/v1/resources/{id}");
    assert_eq!(app.send("PUT", &path, &admin, Some(body)).await.expect(200)["version"], 2);
    let read = app.mcp("/mcp", &admin, "resources/read", json!({ "uri": "res://doc/1" })).await;
    assert_eq!(read["result"]["contents"][0]["text"], "Changed.");
    app.post(&format!("{path}/state?activate=false"), &admin, json!({})).await.expect(200);
    let gone = app.mcp("/mcp", &admin, "resources/read", json!({ "uri": "res://doc/1" })).await;
    assert!(gone["error"].is_object(), "{gone}");
    app.send("DELETE", &path, &admin, None).await.expect(200);
    app.get(&format!("{path}/info"), &admin).await.expect(404);
}

#[tokio::test]
async fn a_private_resource_is_its_owners_alone() {
    let app = App::start().await;
    let admin = app.admin();
    let resource = json!({ "uri": "res://mine", "name": "Mine", "content": "x", "visibility": "private" });
    let made = app.post("/v1/resources", &admin, json!({ "resource": resource })).await.expect(200);
    let ann = app.user("ann@example.com").await;
    app.get(&format!("/v1/resources/{}", made["id"].as_str().unwrap()), &ann).await.expect(404);
    let read = app.mcp("/mcp", &ann, "resources/read", json!({ "uri": "res://mine" })).await;
    assert!(read["error"].is_object(), "{read}");
}

#[tokio::test]
async fn a_virtual_server_serves_what_is_registered_here() {
    let app = App::start().await;
    let admin = app.admin();
    let made = register(&app, &admin, "res://doc/1", CLEAN).await.expect(200);
    let body = json!({ "server": { "name": "docs", "associated_resources": [made["id"]] } });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    let path = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    let listed = app.mcp(&path, &admin, "resources/list", json!({})).await;
    assert_eq!(listed["result"]["resources"].as_array().unwrap().len(), 1, "{listed}");
    let read = app.mcp(&path, &admin, "resources/read", json!({ "uri": "res://doc/1" })).await;
    assert_eq!(read["result"]["contents"][0]["text"], CLEAN);
}

#[tokio::test]
async fn a_download_is_never_shown_by_a_browser() {
    let app = App::with(&[("CONTENT_PATTERN_VALIDATION_MODE", "lenient")], &["--demo"]).await;
    let admin = app.admin();
    let id =
        register(&app, &admin, "res://page", SCRIPT).await.expect(200)["id"].as_str().unwrap().to_owned();
    let reply = app.get(&format!("/v1/resources/{id}/download"), &admin).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, SCRIPT.as_bytes()));
    assert!(reply.header("content-disposition").starts_with("attachment"), "{:?}", reply.headers);
    assert!(reply.header("content-security-policy").contains("sandbox"), "{:?}", reply.headers);
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("content-type"), "application/octet-stream");
}
