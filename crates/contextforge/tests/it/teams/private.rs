//! Private is the owner's only, in every list and over MCP; administrators are no exception.

use serde_json::{Value, json};

use super::{add, api_token, delete, put, team};
use crate::{
    app::{ADMIN, App},
    federation::peer::{Era, Peer},
    token,
};

const LISTS: [&str; 6] = [
    "/v1/gateways",
    "/v1/tools",
    "/v1/prompts",
    "/v1/resources",
    "/v1/resources/templates/list",
    "/v1/servers",
];

async fn listed(app: &App, path: &str, token: &str) -> String {
    let glue = if path.contains('?') { '&' } else { '?' };
    app.get(&format!("{path}{glue}limit=0&include_inactive=true"), token).await.expect(200).to_string()
}

/// What an MCP client is shown, as text.
async fn over_mcp(app: &App, path: &str, token: &str) -> String {
    let mut text = String::new();
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        text.push_str(&app.mcp(path, token, method, json!({})).await.to_string());
    }
    text
}

#[tokio::test]
async fn private_rows_are_their_owners_in_every_list_and_over_mcp() {
    let app = App::with(&[], &[]).await;
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let red = team(&app, &ann, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "owner").await;
    let peer = Peer::start(Era::Modern).await;
    let body = json!({
        "name": "Hush", "url": peer.url(), "transport": "STREAMABLEHTTP", "visibility": "private", "team_id": red,
    });
    let gateway = app.post("/v1/gateways", &ann, body).await.expect(200);
    let tools = app.get("/v1/tools?limit=0", &ann).await.expect(200);
    let tool = tools.as_array().unwrap().iter().find(|tool| tool["gatewaySlug"] == "hush").unwrap().clone();
    let body = json!({
        "server": { "name": "hush-server", "associated_tools": [tool["id"]] },
        "visibility": "private", "team_id": red,
    });
    let server = app.post("/v1/servers", &ann, body).await.expect(201);
    let (gateway, server) = (gateway["id"].as_str().unwrap(), server["id"].as_str().unwrap());
    let shows = |text: &str| text.contains("hush") || text.contains("Hush") || text.contains(gateway);
    let own = api_token("ann@example.com", &json!([red]));
    let mut found = 0;
    for path in LISTS {
        found += usize::from(shows(&listed(&app, path, &ann).await));
        assert_eq!(shows(&listed(&app, path, &ann).await), shows(&listed(&app, path, &own).await), "{path}");
    }
    assert!(found >= 3, "the owner sees the gateway, its tools and the server: {found}");
    assert!(shows(&over_mcp(&app, "/mcp", &ann).await));
    let mut public_only = token::claims(ADMIN);
    public_only["teams"] = json!([]);
    let strangers = [
        ("an administrator", app.admin()),
        ("an administrator's session", app.login(ADMIN).await),
        ("a public-only administrator", token::sign(&public_only)),
        ("another owner of the team", bob.clone()),
        ("another owner's token for the team", api_token("bob@example.com", &json!([red]))),
        ("the owner, public only", api_token("ann@example.com", &json!([]))),
    ];
    for (who, token) in &strangers {
        for path in LISTS {
            let text = listed(&app, path, token).await;
            assert!(!shows(&text), "{who} {path}: {text}");
        }
        if !who.contains("public") {
            let by_team = listed(&app, &format!("/v1/servers?team_id={red}"), token).await;
            assert!(!shows(&by_team), "{who}: {by_team}");
        }
        let text = over_mcp(&app, "/mcp", token).await;
        assert!(!shows(&text), "{who}: {text}");
        let tool = tool["id"].as_str().unwrap();
        nobody_changes(&app, token, [("gateways", gateway), ("servers", server), ("tools", tool)]).await;
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let path = format!("/servers/{server}/mcp");
        assert_eq!(app.mcp_raw(&path, token, ping, &[]).await.status.as_u16(), 404, "{who}");
        let call = json!({ "name": tool_name(&tools), "arguments": { "message": "x" } });
        let call = app.mcp("/mcp", token, "tools/call", call).await;
        assert!(call["error"].is_object(), "{who}: {call}");
    }
}

/// By their ids the rows do not exist either, for reading or writing.
async fn nobody_changes(app: &App, token: &str, rows: [(&str, &str); 3]) {
    for (kind, id) in rows {
        let path = format!("/v1/{kind}/{id}");
        app.get(&path, token).await.expect(404);
        for reply in
            [put(app, &path, token, json!({ "visibility": "public" })).await, delete(app, &path, token).await]
        {
            assert!([403, 404].contains(&reply.status.as_u16()), "{path}: {}", reply.status);
        }
    }
}

fn tool_name(tools: &Value) -> &str {
    let of_peer = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "hush-echo");
    of_peer.unwrap()["name"].as_str().unwrap()
}
