//! Prompts as templates: nothing of the host, no end without work, and the same refusal over both doors.

use std::time::Duration;

use serde_json::json;

use super::{Desk, modes};

#[tokio::test]
async fn templates_reach_nothing_and_end() {
    // Lenient, so that the template engine is asked and not the patterns.
    let desk = Desk::open(&modes("lenient")).await;
    for (number, template) in [
        ("9-35", "{{ x.__class__ }}"),
        ("9-35", "{{ x|attr('__class__') }}"),
        ("9-35", "{% include '/etc/passwd' %}"),
        ("9-35", "{% import '/etc/passwd' as x %}"),
        ("9-36", "{% for i in range(10**9) %}x{% endfor %}"),
        ("9-37", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"),
        ("9-39", "Hello {{ nobody }}"),
    ] {
        let made = desk.prompt(template).await;
        if made.status.as_u16() == 422 {
            continue;
        }
        let id = made.expect(200)["id"].as_str().unwrap().to_owned();
        let started = std::time::Instant::now();
        let reply = desk.app.post(&format!("/v1/prompts/{id}"), &desk.admin, json!({ "x": "1" })).await;
        assert!([400, 422].contains(&reply.status.as_u16()), "{number} {template}: {:?}", reply.body);
        assert!(started.elapsed() < Duration::from_secs(2), "{number} {template}");
    }
}

#[tokio::test]
async fn arguments_are_values_and_what_is_missing_is_told_alike() {
    let desk = Desk::open(&[]).await;
    let arguments = json!([{ "name": "who", "required": true }]);
    let prompt = json!({ "name": "greet", "template": "Hello {{ who }}", "arguments": arguments });
    let made = desk.app.post("/v1/prompts", &desk.admin, json!({ "prompt": prompt })).await.expect(200);
    let path = format!("/v1/prompts/{}", made["id"].as_str().unwrap());
    let sent = json!({ "who": "{{ 7*7 }}" });
    let reply = desk.app.post(&path, &desk.admin, sent).await.expect(200);
    assert_eq!(reply["messages"][0]["content"]["text"], "Hello {{ 7*7 }}", "9-38");
    let rest = desk.app.post(&path, &desk.admin, json!({ "mood": "1" })).await.expect(422);
    let mcp = desk.app.mcp("/mcp", &desk.admin, "prompts/get", json!({ "name": "greet" })).await;
    let (rest, mcp) = (rest["detail"][0].to_string(), mcp["error"].to_string());
    for said in ["arguments", "who", "is required"] {
        assert!(rest.contains(said) && mcp.contains(said), "9-39 {said}: {rest} {mcp}");
    }
}
