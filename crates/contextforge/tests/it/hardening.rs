//! What an adversary with an account, or without one, tried against the running program.

mod connections;
mod credentials;
mod logs;
mod names;
mod requests;
mod rows;
mod scoped;
mod sessions;
mod starting;
mod templates;

use serde_json::{Value, json};

use crate::{app::App, federation::raw::Raw};

/// A team with these members: e-mail address, place in the team, and a role there besides. Gives its id.
async fn team(app: &App, name: &str, members: &[(&str, &str, Option<&str>)]) -> String {
    let admin = app.admin();
    let team = app.post("/teams/", &admin, json!({ "name": name })).await.expect(201);
    let team = team["id"].as_str().unwrap().to_owned();
    for (email, place, role) in members {
        let member = json!({ "email": email, "role": place });
        app.post(&format!("/teams/{team}/members"), &admin, member).await.expect(201);
        if let Some(role) = role {
            let given = json!({ "role_id": role, "scope": "team", "scope_id": team });
            let path = format!("/rbac/users/{email}/roles");
            let reply = app.post(&path, &admin, given).await;
            assert!(reply.status.is_success(), "{:?}", reply.body);
        }
    }
    team
}

/// An upstream whose every answer names it: tools, resources and templates as given.
async fn upstream(name: &'static str, tools: &[&str], uris: &[&str], templates: &[&str]) -> Raw {
    let tools: Vec<Value> =
        tools.iter().map(|tool| json!({ "name": tool, "inputSchema": { "type": "object" } })).collect();
    let uris: Vec<Value> = uris.iter().map(|uri| json!({ "uri": uri, "name": uri })).collect();
    let templates: Vec<Value> =
        templates.iter().map(|uri| json!({ "uriTemplate": uri, "name": uri })).collect();
    Raw::serve(move |seen| {
        let result = match seen.method().as_str() {
            "initialize" => json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {}, "resources": {} },
                "serverInfo": { "name": name, "version": "1" },
            }),
            "tools/list" => json!({ "tools": tools }),
            "resources/list" => json!({ "resources": uris }),
            "resources/templates/list" => json!({ "resourceTemplates": templates }),
            "tools/call" => json!({ "content": [{ "type": "text", "text": name }] }),
            "resources/read" => {
                json!({ "contents": [{ "uri": seen.json()["params"]["uri"], "text": name }] })
            }
            _ => return None,
        };
        Some(result.to_string())
    })
    .await
}

/// Registers an upstream as somebody, with more members in the body.
async fn register(app: &App, token: &str, name: &str, raw: &Raw, more: Value) -> Value {
    let mut body = json!({ "name": name, "url": raw.url, "transport": "STREAMABLEHTTP" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("/v1/gateways", token, body).await.expect(200)
}

/// Who answers a call of a tool; the error where nobody does.
async fn answers(app: &App, token: &str, name: &str) -> String {
    let answer = app.mcp("/mcp", token, "tools/call", json!({ "name": name, "arguments": {} })).await;
    let text = answer["result"]["content"][0]["text"].as_str();
    text.map_or_else(|| answer["error"].to_string(), str::to_owned)
}

/// Whose text a resource has; `None` where there is none for the caller.
async fn reads(app: &App, token: &str, uri: &str) -> Option<String> {
    let answer = app.mcp("/mcp", token, "resources/read", json!({ "uri": uri })).await;
    assert!(answer["error"].is_null() || answer["error"]["code"] == -32002, "{answer}");
    answer["result"]["contents"][0]["text"].as_str().map(str::to_owned)
}

/// The row of a list whose member has this value.
async fn row(app: &App, token: &str, list: &str, member: &str, value: &str) -> Value {
    let rows = app.get(&format!("/v1/{list}?limit=0&include_inactive=true"), token).await.expect(200);
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row[member] == value).unwrap_or_else(|| panic!("no {member} {value} in {list}")).clone()
}

/// The fields that a 422 answer names.
fn fields(answer: &Value) -> Vec<String> {
    let entries = answer["detail"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    entries.map(|entry| entry["loc"][1].as_str().unwrap_or_default().to_owned()).collect()
}

fn path(kind: &str, row: &Value) -> String {
    format!("/v1/{kind}/{}", row["id"].as_str().unwrap())
}
