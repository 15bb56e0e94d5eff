//! What is hidden is as if it were not there, at every door and for everybody, administrators included; and the
//! administration's routes take an administrator's account and credential.

use engine::policy::methods::METHODS;
use serde_json::{Value, json};
use web::guard::Access;

use super::{ANN, CARL, World, signed};
use crate::app::{ADMIN, App};

/// The answer to a method, without the name that was asked for.
async fn answer(app: &App, token: &str, method: &str, params: Value, name: &str) -> String {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let reply = app.mcp_raw("/mcp", token, &message.to_string(), &[]).await;
    format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body).replace(name, "NAME"))
}

#[tokio::test]
async fn hidden_things_are_unknown_to_every_method() {
    let world = World::make().await;
    let app = &world.app;
    // Carl does not reach the blue team, and nobody but ann reaches her own.
    for (token, prefix) in
        [(app.login(CARL).await, "blue"), (app.login(CARL).await, "own"), (app.admin(), "own")]
    {
        let prompt = |name: &str| json!({ "type": "ref/prompt", "name": name });
        let argument = json!({ "name": "arg1", "value": "" });
        for (suffix, method, params) in [
            ("echo", "tools/call", None),
            ("test-simple-prompt", "prompts/get", None),
            ("test-prompt-with-arguments", "completion/complete", Some(prompt)),
        ] {
            let mut told = Vec::new();
            for name in [format!("{prefix}-{suffix}"), format!("none-{suffix}")] {
                let params = match params {
                    None => json!({ "name": name }),
                    Some(reference) => json!({ "ref": reference(&name), "argument": argument }),
                };
                told.push(answer(app, &token, method, params, &name).await);
            }
            assert_eq!(told[0], told[1], "{prefix} {method}");
            assert!(told[0].contains("-32602"), "{told:?}");
        }
    }
    let there =
        answer(app, &app.admin(), "prompts/get", json!({ "name": "blue-test-simple-prompt" }), "none").await;
    assert!(there.contains("\"messages\""), "the names are right: {there}");
}

/// What is asked in a session of somebody's; `who` stands in every name that is asked for.
async fn in_session(app: &App, (token, session): (&str, &str), method: &str, who: &str) -> String {
    let prompt = json!({ "type": "ref/prompt", "name": format!("{who}-test-prompt-with-arguments") });
    let suffix = if method == "tools/call" { "echo" } else { "test-simple-prompt" };
    let params = json!({
        "name": format!("{who}-{suffix}"), "uri": format!("note://{who}/1"), "arguments": {}, "ref": prompt,
        "argument": { "name": "arg1", "value": "" },
    });
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let reply = app.mcp_raw("/mcp", token, &message.to_string(), &[("mcp-session-id", session)]).await;
    let text = String::from_utf8_lossy(&reply.body).replace(&format!("{who}-"), "WHO-");
    format!("{} {}", reply.status, text.replace(&format!("//{who}/"), "//WHO/"))
}

/// Every method of the table that is about rows, with those of another team.
#[tokio::test]
async fn another_teams_rows_are_not_there_for_any_method() {
    let world = World::make().await;
    let app = &world.app;
    let resource = json!({ "uri": "note://blue/1", "name": "blue-note", "content": "x" });
    let body = json!({ "resource": resource, "visibility": "team", "team_id": world.blue });
    app.post("/v1/resources", &app.admin(), body).await.expect(200);
    let mut sessions = Vec::new();
    for token in [app.login(CARL).await, app.admin()] {
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }).to_string();
        let session = app.mcp_raw("/mcp", &token, &hello, &[]).await.header("mcp-session-id").to_owned();
        sessions.push((token, session));
    }
    let [carl, admin] = &sessions[..] else { panic!("two") };
    let ask = async |(token, session): &(String, String), method: &str, who: &str| {
        in_session(app, (token, session), method, who).await
    };
    for method in METHODS.iter().filter(|method| !method.about.is_empty()).map(|method| method.name) {
        let (there, nowhere) = (ask(carl, method, "blue").await, ask(carl, method, "none").await);
        if method.ends_with("/list") {
            assert!(there.contains("\"result\"") && !there.contains("WHO"), "{method}: {there}");
            continue;
        }
        assert_eq!(there, nowhere, "{method}");
        assert!(there.contains("\"error\"") || method == "resources/unsubscribe", "{method}: {there}");
        if method != "resources/unsubscribe" {
            assert_ne!(ask(admin, method, "blue").await, ask(admin, method, "none").await, "{method}");
        }
    }
    let listed = ask(admin, "tools/list", "blue").await;
    assert!(listed.contains("WHO-echo"), "the names are right: {listed}");
}

#[tokio::test]
async fn private_rows_are_their_owners_for_administrators_too() {
    let world = World::make().await;
    let app = &world.app;
    let ann = app.login(ANN).await;
    let nowhere = "0".repeat(32);
    for kind in ["tools", "prompts", "resources", "gateways"] {
        let rows = app.get(&format!("/v1/{kind}?limit=0"), &ann).await.expect(200);
        let own: Vec<&Value> =
            rows.as_array().unwrap().iter().filter(|row| row["visibility"] == "private").collect();
        assert!(!own.is_empty(), "{kind}");
        for row in own {
            let id = row["id"].as_str().unwrap();
            for (method, body) in
                [("GET", None), ("PUT", Some(json!({ "description": "x" }))), ("DELETE", None)]
            {
                let told = async |id: &str| {
                    let path = format!("/v1/{kind}/{id}");
                    let reply = app.send(method, &path, &app.admin(), body.clone()).await;
                    (reply.status.as_u16(), String::from_utf8_lossy(&reply.body).replace(id, "ID"))
                };
                let hidden = told(id).await;
                assert_eq!(hidden, told(&nowhere).await, "{method} {kind}");
                assert_eq!(hidden.0, 404, "{method} {kind}");
            }
        }
        let all =
            app.get(&format!("/v1/{kind}?limit=0&include_inactive=true"), &app.admin()).await.expect(200);
        assert!(all.as_array().unwrap().iter().all(|row| row["visibility"] != "private"), "{kind}");
    }
}

#[tokio::test]
async fn a_server_that_is_unknown_has_no_endpoint() {
    let app = App::start().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for id in ["xyz", "%2e%2e", &"0".repeat(32), "00000000-0000-0000-0000-000000000000"] {
        let reply = app.mcp_raw(&format!("/servers/{id}/mcp"), &app.admin(), ping, &[]).await;
        assert_eq!(reply.status.as_u16(), 404, "{id}: {:?}", reply.body);
        assert!(!String::from_utf8_lossy(&reply.body).contains("tools"), "{id}");
    }
}

#[tokio::test]
async fn administrators_routes_take_an_administrator() {
    let app = App::start().await;
    app.user(ANN).await;
    let admin_only = |access: Access| matches!(access, Access::Requires(needs) if needs.as_str().starts_with("admin.") || needs.as_str().contains(':'));
    let ann = app.login(ANN).await;
    let claims_it = signed(ANN, &json!({ "is_admin": true, "user": { "email": ANN, "is_admin": true } }));
    let narrowed = signed(ADMIN, &json!({ "teams": [] }));
    let off = json!({ "is_admin": false });
    let mut env = domain::Env::default();
    let mut tried = 0;
    for route in web::route_table(&web::settings::Settings::read(&mut env).unwrap()) {
        // The built-in role for everybody may look at numbers.
        if !admin_only(route.access) || route.access.to_string() == "metrics:read" {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let body = (route.method != http::Method::GET).then(|| json!({}));
        for (who, token) in [("a session", &ann), ("a claim", &claims_it)] {
            let reply = app.send(route.method.as_str(), &path, token, body.clone()).await;
            assert_eq!(reply.status.as_u16(), 403, "{} {path}: {who}", route.method);
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried}");
    // A public-only token keeps the roles of its account, and not the administrator's bypass.
    app.send("PUT", "/auth/email/admin/users/admin@example.com", &app.admin(), Some(off)).await.expect(409);
    let why = json!({ "token": narrowed, "permission": "admin.user_management" });
    let why = app.post("/rbac/explain", &app.admin(), why).await.expect(200);
    assert_eq!(why["decision"], "allowed", "{why}");
    assert!(why.to_string().contains("A role of admin@example.com gives"), "{why}");
}
