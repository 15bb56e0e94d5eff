//! Every door decides alike: what REST shows is what MCP lists over each of its doors, and what MCP does is what an
//! explanation says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ANN, BOB, CARL, DORA, World, signed};
use crate::{
    app::{ADMIN, App},
    doors::sse::Client,
};

/// Everybody that is asked about, with a word for who they are.
async fn principals(world: &World, server: &str) -> Vec<(&'static str, String)> {
    let World { app, red, blue, .. } = world;
    let scopes = |email, scopes: Value| signed(email, &json!({ "teams": [red], "scopes": scopes }));
    vec![
        ("administrator", app.admin()),
        ("administrator, public only", signed(ADMIN, &json!({ "teams": [] }))),
        ("administrator's session", app.login(ADMIN).await),
        ("administrator, capped", signed(ADMIN, &json!({ "scopes": { "permissions": ["tools.*"] } }))),
        ("ann's session", app.login(ANN).await),
        ("bob's session", app.login(BOB).await),
        ("carl's session", app.login(CARL).await),
        ("dora's session", app.login(DORA).await),
        ("ann, red", signed(ANN, &json!({ "teams": [red] }))),
        ("ann, public only", signed(ANN, &json!({}))),
        ("dora, both", signed(DORA, &json!({ "teams": [red, blue] }))),
        ("dora, blue", signed(DORA, &json!({ "teams": [blue] }))),
        ("ann, reads tools", scopes(ANN, json!({ "permissions": ["tools.read"] }))),
        ("ann, runs tools", scopes(ANN, json!({ "permissions": ["tools.execute"] }))),
        ("ann, prompts", scopes(ANN, json!({ "permissions": ["prompts.read"] }))),
        ("carl, bound", scopes(CARL, json!({ "server_id": server }))),
    ]
}

/// What a list shows, or `None` where it is refused.
type Shown = Option<BTreeSet<String>>;

fn texts(rows: &Value, member: &str) -> Shown {
    let rows = rows.as_array()?.iter();
    Some(rows.map(|row| row[member].as_str().unwrap().to_owned()).collect())
}

async fn over_rest(app: &App, token: &str, path: &str, member: &str) -> Shown {
    let reply = app.get(path, token).await;
    match reply.status.as_u16() {
        200 => texts(&reply.json(), member),
        403 => None,
        other => panic!("{path}: {other}"),
    }
}

async fn over_mcp(app: &App, token: &str, door: &str, (method, list, member): (&str, &str, &str)) -> Shown {
    shown(&app.mcp(door, token, method, json!({})).await, method, (list, member))
}

/// The same over HTTP+SSE.
async fn over_sse(client: &mut Option<Client<'_>>, (method, list, member): (&str, &str, &str)) -> Shown {
    let (answer, _) = client.as_mut()?.ask(method, json!({})).await;
    shown(&answer, method, (list, member))
}

fn shown(answer: &Value, method: &str, (list, member): (&str, &str)) -> Shown {
    match answer["error"]["code"].as_i64() {
        None => texts(&answer["result"][list], member),
        Some(-32003) => None,
        // The guard answers in words of HTTP.
        Some(other) => panic!("{method}: {other}"),
    }
}

const LISTS: [(&str, &str, &str, &str); 3] = [
    ("tools", "tools/list", "tools", "name"),
    ("prompts", "prompts/list", "prompts", "name"),
    ("resources", "resources/list", "resources", "uri"),
];

async fn a_server(app: &App) -> String {
    let tools = app.get("/v1/tools?limit=0", &app.admin()).await.expect(200);
    let public = tools.as_array().unwrap().iter().filter(|tool| tool["visibility"] == "public");
    let ids: Vec<_> = public.map(|tool| tool["id"].clone()).collect();
    let body = json!({ "server": { "name": "all", "associated_tools": ids }, "visibility": "public" });
    app.post("/v1/servers", &app.admin(), body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn rest_lists_what_mcp_lists() {
    let world = World::make().await;
    let server = a_server(&world.app).await;
    let app = &world.app;
    let (mut refused, mut compared) = (0, 0);
    for (who, token) in principals(&world, &server).await.into_iter().filter(|(who, _)| *who != "carl, bound")
    {
        let mut sse = Client::try_open(app, "/sse", &token).await;
        let mut inside = Client::try_open(app, &format!("/servers/{server}/sse"), &token).await;
        for (path, method, list, member) in LISTS {
            let rest = over_rest(app, &token, &format!("/v1/{path}?limit=0"), member).await;
            for door in ["/mcp", "/rpc"] {
                let mcp = over_mcp(app, &token, door, (method, list, member)).await;
                assert_eq!(rest, mcp, "{who}: {path} over {door}");
            }
            assert_eq!(rest, over_sse(&mut sse, (method, list, member)).await, "{who}: {path} over /sse");
            let within =
                over_mcp(app, &token, &format!("/servers/{server}/mcp"), (method, list, member)).await;
            assert_eq!(
                within,
                over_sse(&mut inside, (method, list, member)).await,
                "{who}: {path} over its /sse"
            );
            refused += usize::from(rest.is_none());
            // Reading a server over REST takes a permission of its own.
            if app.get(&format!("/v1/servers/{server}"), &token).await.status.as_u16() == 200 {
                let rest = over_rest(app, &token, &format!("/v1/servers/{server}/{path}"), member).await;
                let door = format!("/servers/{server}/mcp");
                assert_eq!(rest, over_mcp(app, &token, &door, (method, list, member)).await, "{who}: {path}");
                compared += 1;
            }
        }
    }
    assert!(refused > 5 && compared > 20, "{refused} {compared}");
}

/// How a call went: it was done, it is refused, or there is no such tool.
async fn called(app: &App, token: &str, door: &str, tool: &str) -> &'static str {
    let params = json!({ "name": tool, "arguments": { "message": "x", "text": "x" } });
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    let reply = app.mcp_raw(door, token, &message.to_string(), &[]).await;
    let answer = reply.json();
    match (reply.status.as_u16(), answer["error"]["code"].as_i64()) {
        (200, None) => "allowed",
        (200, Some(-32602)) => "hidden",
        (403, _) => "refused",
        other => panic!("{other:?}: {answer}"),
    }
}

#[tokio::test]
async fn calls_do_what_explanations_say() {
    let world = World::make().await;
    let server = a_server(&world.app).await;
    let app = &world.app;
    let mut outcomes = BTreeSet::new();
    for (who, token) in principals(&world, &server).await {
        let mut doors = vec![
            ("/mcp".to_owned(), json!(null)),
            ("/rpc".to_owned(), json!(null)),
            (format!("/servers/{server}/mcp"), json!(server)),
        ];
        if who == "carl, bound" {
            // Over /mcp and /rpc, it finds itself on its server.
            for (_, at) in &mut doors {
                *at = json!(server);
            }
        }
        for (door, at) in doors {
            for tool in ["demo-echo", "open-echo", "red-echo", "blue-echo", "own-echo", "none-echo"] {
                let outcome = called(app, &token, &door, tool).await;
                outcomes.insert(outcome);
                let body = json!({ "token": token, "tool": tool, "server": at });
                let by_admin = app.post("/rbac/explain", &app.admin(), body).await.expect(200);
                let said = by_admin["decision"].as_str().unwrap();
                let expected = if outcome == "allowed" { "allowed" } else { "denied" };
                // What the administrator may not know of is unknown, or is refused for another reason first.
                let untold = tool == "own-echo" || tool == "none-echo";
                assert!(
                    said == expected || (untold && said == "unknown"),
                    "{who} {door} {tool}: {outcome}: {by_admin}"
                );
                if who == "carl, bound" {
                    continue;
                }
                let myself = app.post("/rbac/explain", &token, json!({ "tool": tool, "server": at })).await;
                assert_eq!(
                    myself.json()["decision"],
                    expected,
                    "{who} {door} {tool}: {outcome} {:?}",
                    myself.body
                );
            }
        }
    }
    assert_eq!(outcomes, BTreeSet::from(["allowed", "hidden", "refused"]));
}

#[tokio::test]
async fn reading_over_rest_and_over_mcp_is_one_decision() {
    let world = World::make().await;
    let app = &world.app;
    let ann = app.login(ANN).await;
    let (admin_rows, own_rows) = (
        app.get("/v1/prompts?limit=0", &app.admin()).await.expect(200),
        app.get("/v1/prompts?limit=0", &ann).await.expect(200),
    );
    let mut prompts: Vec<(String, String)> = Vec::new();
    for row in admin_rows.as_array().unwrap().iter().chain(own_rows.as_array().unwrap()) {
        let name = row["name"].as_str().unwrap().to_owned();
        if name.ends_with("simple-prompt") || name.ends_with("simple_prompt") {
            prompts.push((row["id"].as_str().unwrap().to_owned(), name));
        }
    }
    prompts.sort();
    prompts.dedup();
    assert_eq!(prompts.len(), 4, "one of each gateway: {prompts:?}");
    for (who, token) in
        principals(&world, &"1".repeat(32)).await.into_iter().filter(|(who, _)| *who != "carl, bound")
    {
        for (id, name) in &prompts {
            let rest = app.post(&format!("/v1/prompts/{id}"), &token, json!({})).await.status.as_u16();
            let message =
                json!({ "jsonrpc": "2.0", "id": 7, "method": "prompts/get", "params": { "name": name } });
            let mcp = app.mcp_raw("/mcp", &token, &message.to_string(), &[]).await;
            let mcp = match (mcp.status.as_u16(), mcp.json()["error"].is_null()) {
                (200, false) => 404,
                (status, _) => status,
            };
            assert_eq!(rest, mcp, "{who}: {name}");
        }
    }
}
