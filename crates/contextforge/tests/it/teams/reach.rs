//! What is listed can be read and called, and what cannot be is not listed: over REST, MCP and by id alike.

use serde_json::{Value, json};

use super::{add, delete, team};
use crate::{
    app::App,
    federation::peer::{Era, Peer},
};

/// A member of a team whose only role there has these permissions.
async fn member_with(app: &App, team: &str, permissions: &[&str]) -> String {
    let admin = app.admin();
    let session = app.user("bob@example.com").await;
    add(app, team, "bob@example.com", "member").await;
    let roles = app.get("/rbac/users/bob@example.com/roles?scope=team", &admin).await.expect(200);
    let here = roles.as_array().unwrap().iter().find(|role| role["scope_id"] == team).unwrap().clone();
    let role = here["role_id"].as_str().unwrap();
    let path = format!("/rbac/users/bob@example.com/roles/{role}?scope=team&scope_id={team}");
    delete(app, &path, &admin).await.expect(200);
    // Everybody may look at public things; here only what the team gives is to count.
    let viewer = app.get("/rbac/users/bob@example.com/roles?scope=global", &admin).await.expect(200);
    let viewer = viewer[0]["role_id"].as_str().unwrap().to_owned();
    delete(app, &format!("/rbac/users/bob@example.com/roles/{viewer}?scope=global"), &admin)
        .await
        .expect(200);
    let body = json!({ "name": "odd", "scope": "team", "permissions": permissions });
    let odd = app.post("/rbac/roles", &admin, body).await.expect(200);
    let grant = json!({ "role_id": odd["id"], "scope": "team", "scope_id": team });
    app.post("/rbac/users/bob@example.com/roles", &admin, grant).await.expect(200);
    session
}

fn names(list: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn lists_and_calls_agree_where_a_permission_is_missing_in_the_team() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let peer = Peer::start(Era::Modern).await;
    for (name, visibility) in [("Open", "public"), ("Shut", "team")] {
        let body = json!({
            "name": name, "url": format!("{}?{name}", peer.url()), "transport": "STREAMABLEHTTP",
            "visibility": visibility, "team_id": red,
        });
        app.post("/v1/gateways", &admin, body).await.expect(200);
    }
    for (name, visibility) in [("open", "public"), ("shut", "team")] {
        let body = json!({ "server": { "name": name }, "visibility": visibility, "team_id": red });
        app.post("/v1/servers", &admin, body).await.expect(201);
    }
    let all = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let shut = all.as_array().unwrap().iter().find(|tool| tool["name"] == "shut-echo").unwrap();
    // In the team prompts may be read, and nothing else; the personal team brings the rest of what is asked below.
    let bob = member_with(&app, &red, &["prompts.read"]).await;
    let tools = names(&app.get("/v1/tools?limit=0", &bob).await.expect(200));
    assert!(tools.iter().any(|name| name == "open-echo"), "{tools:?}");
    assert!(tools.iter().all(|name| name.starts_with("open-")), "{tools:?}");
    let over_mcp = app.mcp("/mcp", &bob, "tools/list", json!({})).await;
    assert_eq!(names(&over_mcp["result"]["tools"]), tools, "both doors show the same");
    let id = shut["id"].as_str().unwrap();
    app.get(&format!("/v1/tools/{id}"), &bob).await.expect(404);
    let call = |name: &str| json!({ "name": name, "arguments": { "message": "x" } });
    let refused = app.mcp("/mcp", &bob, "tools/call", call("shut-echo")).await;
    assert!(refused["error"].is_object(), "{refused}");
    let made = app.mcp("/mcp", &bob, "tools/call", call("open-echo")).await;
    assert!(made["result"].is_object(), "{made}");
    let prompts = names(&app.get("/v1/prompts?limit=0", &bob).await.expect(200));
    assert!(prompts.iter().any(|name| name.starts_with("shut-")), "{prompts:?}");
    let over_mcp = app.mcp("/mcp", &bob, "prompts/list", json!({})).await;
    assert_eq!(names(&over_mcp["result"]["prompts"]), prompts);
    for path in ["/v1/gateways", "/v1/servers", "/v1/resources"] {
        let text = app.get(&format!("{path}?limit=0"), &bob).await.expect(200).to_string();
        assert!(!text.to_lowercase().contains("shut"), "{path}: {text}");
    }
    let shut = app.get("/v1/servers?limit=0", &admin).await.expect(200);
    let shut = shut.as_array().unwrap().iter().find(|server| server["name"] == "shut").unwrap()["id"].clone();
    app.get(&format!("/v1/servers/{}", shut.as_str().unwrap()), &bob).await.expect(404);
}
