//! What is refused, over which doors, and what is said and kept of it.

use serde_json::json;

use super::{CLEAN, SCRIPT, register, rules};
use crate::app::App;

#[tokio::test]
async fn an_attack_is_refused_as_a_whole_and_nothing_is_stored() {
    let app = App::start().await;
    let admin = app.admin();
    let text = format!("{SCRIPT}\n\nssn 536-22-8841, mail jane.roe@corp-mail.com\n");
    let refusal = register(&app, &admin, "res://bad", &text).await.expect(400);
    let found = rules(&refusal);
    assert!(found.iter().any(|rule| rule.starts_with("xss/")), "{found:?}");
    assert!(found.contains(&"pii/ssn") && found.contains(&"pii/email"), "{found:?}");
    let said = refusal.to_string();
    for value in ["536-22-8841", "jane.roe", "<script", "document.cookie"] {
        assert!(!said.contains(value), "{value} is repeated: {said}");
    }
    assert_eq!(refusal["detail"]["violations"][0]["field"], "resource.content");
    let rows = app.get("/v1/resources?limit=0&include_inactive=true", &admin).await.expect(200);
    assert!(rows.as_array().unwrap().iter().all(|row| row["uri"] != "res://bad"));
}

#[tokio::test]
async fn a_change_is_screened_as_a_registration_is() {
    let app = App::start().await;
    let admin = app.admin();
    let id = register(&app, &admin, "res://a", CLEAN).await.expect(200)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/resources/{id}");
    app.send("PUT", &path, &admin, Some(json!({ "content": SCRIPT }))).await.expect(400);
    app.send("PUT", &path, &admin, Some(json!({ "description": SCRIPT }))).await.expect(400);
    assert_eq!(app.get(&path, &admin).await.expect(200)["text"], CLEAN);
}

#[tokio::test]
async fn sizes_come_first_and_count_bytes() {
    let app =
        App::with(&[("CONTENT_MAX_RESOURCE_SIZE", "1024"), ("CONTENT_MAX_PROMPT_SIZE", "512")], &["--demo"])
            .await;
    let admin = app.admin();
    register(&app, &admin, "res://fits", &"é".repeat(512)).await.expect(200);
    let refusal =
        register(&app, &admin, "res://large", &format!("{SCRIPT}{}", "é".repeat(500))).await.expect(413);
    let size = SCRIPT.len() + 1000;
    assert_eq!(
        (&refusal["detail"]["max_size"], &refusal["detail"]["actual_size"]),
        (&json!(1024), &json!(size))
    );
    let prompt = json!({ "prompt": { "name": "p", "template": "x".repeat(513) } });
    app.post("/v1/prompts", &admin, prompt).await.expect(413);
}

#[tokio::test]
async fn names_and_descriptions_of_everything_are_screened() {
    let app = App::start().await;
    let admin = app.admin();
    let server = json!({ "server": { "name": "s", "description": SCRIPT } });
    let refusal = app.post("/v1/servers", &admin, server).await.expect(400);
    assert_eq!(refusal["detail"]["violations"][0]["field"], "server.description");
    let gateway = json!({ "name": "g", "url": "http://127.0.0.1:9/mcp", "description": SCRIPT });
    app.post("/v1/gateways", &admin, gateway).await.expect(400);
    let tools = app.get("/v1/tools?limit=1", &admin).await.expect(200);
    let path = format!("/v1/tools/{}", tools[0]["id"].as_str().unwrap());
    app.send("PUT", &path, &admin, Some(json!({ "description": SCRIPT }))).await.expect(400);
}

#[tokio::test]
async fn violations_are_listed_for_administrators_and_counted() {
    let app = App::start().await;
    let admin = app.admin();
    register(&app, &admin, "res://bad", SCRIPT).await.expect(400);
    let listed = app.get("/v1/admin/content-security/violations", &admin).await.expect(200);
    let record = &listed[0];
    assert_eq!((&record["level"], &record["user"]), (&json!("WARNING"), &json!("admin@*****.com")));
    assert_eq!((&record["action"], &record["validation_mode"]), (&json!("blocked"), &json!("strict")));
    assert!(record["violation_type"].as_str().unwrap().starts_with("xss_"), "{record}");
    assert!(record["correlation_id"].is_string() && record["timestamp"].is_string(), "{record}");
    assert!(!listed.to_string().contains("<script"), "{listed}");
    let ann = app.user("ann@example.com").await;
    app.get("/v1/admin/content-security/violations", &ann).await.expect(403);
    let metrics = app.get("/metrics/prometheus", &admin).await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        text.contains(r#"contextforge_content_violations_total{action="blocked",family="xss"}"#),
        "{text}"
    );
}
