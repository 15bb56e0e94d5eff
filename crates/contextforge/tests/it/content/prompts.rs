//! Prompts that are registered here.

use serde_json::{Value, json};

use super::SCRIPT;
use crate::app::{App, Reply};

async fn register(app: &App, token: &str, name: &str, template: &str) -> Reply {
    let arguments = json!([{ "name": "name", "required": true }, { "name": "mood" }]);
    let prompt = json!({ "name": name, "description": "d", "template": template, "arguments": arguments });
    app.post("/v1/prompts", token, json!({ "prompt": prompt })).await
}

#[tokio::test]
async fn a_prompt_is_registered_rendered_changed_and_removed() {
    let app = App::start().await;
    let admin = app.admin();
    let made = register(&app, &admin, "greet_user", "Hello {{ name }}!{{ mood }}").await.expect(200);
    assert_eq!((&made["name"], &made["originalName"]), (&json!("greet-user"), &json!("greet_user")));
    assert_eq!(
        (&made["gatewayId"], &made["template"]),
        (&Value::Null, &json!("Hello {{ name }}!{{ mood }}"))
    );
    register(&app, &admin, "greet_user", "x").await.expect(409);
    let path = format!("/v1/prompts/{}", made["id"].as_str().unwrap());
    let text = |reply: &Value| reply["messages"][0]["content"]["text"].as_str().unwrap().to_owned();
    let sent = json!({ "name": "{{ 7 }}" });
    assert_eq!(text(&app.post(&path, &admin, sent).await.expect(200)), "Hello {{ 7 }}!");
    assert_eq!(text(&app.get(&path, &admin).await.expect(200)), "Hello {{ name }}!{{ mood }}");

    let params = json!({ "name": "greet-user", "arguments": { "name": "Al" } });
    let got = app.mcp("/mcp", &admin, "prompts/get", params).await;
    assert_eq!(got["result"]["messages"][0]["content"]["text"], "Hello Al!", "{got}");
    let missing = app.mcp("/mcp", &admin, "prompts/get", json!({ "name": "greet-user" })).await;
    assert_eq!(missing["error"]["code"], -32602, "{missing}");
    let listed = app.mcp("/mcp", &admin, "prompts/list", json!({})).await;
    let listed = listed["result"]["prompts"].as_array().unwrap().clone();
    let row = listed.iter().find(|row| row["name"] == "greet-user").unwrap();
    assert_eq!((&row["arguments"][0]["name"], &row["description"]), (&json!("name"), &json!("d")));

    let body = json!({ "template": "Bye {{ name }}." });
    app.send("PUT", &path, &admin, Some(body)).await.expect(200);
    assert_eq!(text(&app.post(&path, &admin, json!({ "name": "Al" })).await.expect(200)), "Bye Al.");
    app.send("DELETE", &path, &admin, None).await.expect(200);
    app.post(&path, &admin, json!({ "name": "Al" })).await.expect(404);
}

#[tokio::test]
async fn template_syntax_is_for_prompts_and_not_for_resources() {
    let app = App::start().await;
    let admin = app.admin();
    register(&app, &admin, "welcome", "Hello {{ user.name }}, welcome to {{ company }}!").await.expect(200);
    super::register(&app, &admin, "res://t", "Data: {{ config.secret_key }}").await.expect(400);
    register(&app, &admin, "bad", SCRIPT).await.expect(400);
}

#[tokio::test]
async fn templates_that_reach_out_or_grow_are_refused_by_name() {
    let app = App::start().await;
    let admin = app.admin();
    for template in ["{% set a = 'x' %}", "{% include 'secret' %}", "{{ name ~ name }}", "{{ name"] {
        let reply = register(&app, &admin, "p", template).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{template}: {}", reply.status);
    }
    let rows = app.get("/v1/prompts?limit=0", &admin).await.expect(200);
    assert!(rows.as_array().unwrap().iter().all(|row| row["name"] != "p"));
}
