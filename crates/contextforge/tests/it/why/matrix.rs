//! The deny-path matrix: every route of the route table and every method of the MCP table, with every credential that
//! must not do. What is expected follows from what the guard of a route demands, and from nothing else.

use std::collections::BTreeMap;

use domain::{Permission, Setting};
use engine::policy::methods::METHODS;
use http::Method;
use serde_json::{Value, json};
use web::{guard::Access, routes::RouteInfo};

use super::{ANN, BOB, CARL, DORA, World, signed};
use crate::{
    app::{ADMIN, App, Reply},
    token,
};

const NOBODY: &str = "00000000000000000000000000000000";
/// What a token that is limited to some permissions may do with no permission at all: read the documentation, end or go
/// on, and ask why not.
const LIMITED_TOO: [&str; 6] =
    ["/docs", "/redoc", "/openapi.json", "/auth/logout", "/auth/refresh", "/rbac/explain"];

fn table(vars: &[(&str, &str)]) -> Vec<RouteInfo> {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    web::route_table(&web::settings::Settings::read(&mut domain::Env::new(vars)).unwrap())
}

/// A path with `id` for its parameters.
fn filled(path: &str, id: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
}

async fn send(app: &App, route: &RouteInfo, id: &str, token: &str) -> Reply {
    let body = (route.method != Method::GET).then(|| json!({}));
    app.send(route.method.as_str(), &filled(&route.path, id), token, body).await
}

/// A token of the administrator that has every permission but one, and none that brings it along.
fn all_but(missing: &[Permission]) -> String {
    let brings =
        |name: &str| ["tools.", "resources.", "prompts."].iter().any(|prefix| name.starts_with(prefix));
    let without_use = missing.contains(&Permission::ServersUse);
    let names = Permission::ALL.iter().filter(|permission| !missing.contains(permission));
    let names = names.map(|permission| permission.as_str()).filter(|name| !(without_use && brings(name)));
    signed(ADMIN, &json!({ "scopes": { "permissions": names.collect::<Vec<_>>() } }))
}

/// The credentials that nobody gets in with.
async fn outsiders(app: &App) -> Vec<(&'static str, String)> {
    let revoked = app.login(BOB).await;
    app.post("/auth/logout", &revoked, json!({})).await.expect(200);
    let off = json!({ "is_active": false });
    app.send("PUT", &format!("/auth/email/admin/users/{CARL}"), &app.admin(), Some(off)).await.expect(200);
    let mut forged = app.admin();
    forged.replace_range(forged.len() - 4.., "AAAA");
    vec![
        ("anonymous", String::new()),
        ("revoked", revoked),
        ("disabled", signed(CARL, &json!({}))),
        ("expired", signed(ADMIN, &json!({ "exp": token::now() - 1 }))),
        ("forged", forged),
    ]
}

/// The number of a refusal, which has to be in the header and in the body.
fn number(reply: &Reply, what: &str) -> String {
    let id = reply.header("x-decision-id");
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let told = [&body["decision_id"], &body["error"]["data"]["decision_id"]];
    assert!(!id.is_empty() && told.contains(&&json!(id)), "{what}: {:?}", reply.body);
    id.to_owned()
}

#[tokio::test]
async fn routes_refuse_whoever_must_not() {
    // With every surface on, so that those that are off by themselves are tried too.
    let on: Vec<(&str, &str)> = switches("false").into_iter().map(|name| (name, "true")).collect();
    assert!(table(&on).len() > table(&[]).len(), "{on:?}");
    let app = App::with(&on, &["--demo"]).await;
    for email in [BOB, CARL] {
        app.user(email).await;
    }
    let anybody = app.user(DORA).await;
    let outsiders = outsiders(&app).await;
    let bound = signed(ADMIN, &json!({ "scopes": { "server_id": "1".repeat(32) } }));
    let mut numbers = BTreeMap::new();
    let mut tried = 0;
    for route in table(&on) {
        let name = format!("{} {}", route.method, route.path);
        let open = send(&app, &route, NOBODY, "").await.status.as_u16();
        for (who, token) in &outsiders {
            let status = send(&app, &route, NOBODY, token).await.status.as_u16();
            // What is public takes no notice of credentials, good or bad; but a password is not changed on a bad one.
            let asked = route.access != Access::Public || route.path.ends_with("/auth/email/change-password");
            let expected =
                if asked && !token.is_empty() || route.access != Access::Public { 401 } else { open };
            assert_eq!(status, expected, "{name}: {who}");
            tried += 1;
        }
        let wrong = match route.access {
            Access::Requires(permission) => Some((all_but(&[permission]), "token_cap", permission.as_str())),
            // What needs no permission is not for tokens that are limited to some, but for a few.
            Access::SignedIn if !LIMITED_TOO.contains(&route.path.trim_start_matches("/v1")) => {
                Some((all_but(&[Permission::ToolsRead]), "", ""))
            }
            Access::Administrator => Some((anybody.clone(), "", "")),
            Access::SignedIn | Access::Public => None,
        };
        if let Some((token, reason, permission)) = wrong {
            let reply = send(&app, &route, NOBODY, &token).await;
            assert_eq!(reply.status.as_u16(), 403, "{name}: wrong permission {permission}: {:?}", reply.body);
            if !reason.is_empty() {
                numbers.insert(number(&reply, &name), (reason, permission));
            }
            tried += 1;
        }
        let documents = ["/docs", "/redoc", "/openapi.json"];
        let narrowed =
            ["/mcp", "/rpc", "/sse", "/message", "/ws"].contains(&route.path.trim_end_matches('/'));
        if route.access != Access::Public && !documents.contains(&&*route.path) && !narrowed {
            let reply = send(&app, &route, NOBODY, &bound).await;
            assert_eq!(reply.status.as_u16(), 403, "{name}: another server");
            numbers.insert(number(&reply, &name), ("server_binding", ""));
            tried += 1;
        }
    }
    assert!(tried > 2000, "{tried}");
    let kept = app.get("/rbac/decisions?limit=1000", &app.admin()).await.expect(200);
    let kept = kept.as_array().unwrap();
    for (id, (reason, permission)) in numbers {
        let row =
            kept.iter().find(|row| row["decision_id"] == id).unwrap_or_else(|| panic!("{id} is not kept"));
        assert_eq!(row["reason"], reason, "{row}");
        assert!(permission.is_empty() || row["permission"] == permission, "{row}");
    }
}

#[tokio::test]
async fn another_teams_rows_are_not_there_on_any_route() {
    let world = World::make().await;
    let app = &world.app;
    let admin = app.admin();
    let mut hidden = BTreeMap::from([("teams", world.blue.clone())]);
    for kind in ["gateways", "tools", "prompts", "resources"] {
        let rows = app.get(&format!("/v1/{kind}?limit=0"), &admin).await.expect(200);
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["teamId"] == world.blue || row["team_id"] == world.blue);
        hidden
            .insert(kind, row.unwrap_or_else(|| panic!("{kind}: {rows}"))["id"].as_str().unwrap().to_owned());
    }
    let body = json!({ "server": { "name": "blue" }, "visibility": "team", "team_id": world.blue });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    hidden.insert("servers", server["id"].as_str().unwrap().to_owned());
    // Whoever may do everything, in another team.
    let role = app.get("/rbac/roles", &admin).await.expect(200);
    let role =
        role.as_array().unwrap().iter().find(|role| role["name"] == "platform_admin").unwrap()["id"].clone();
    let body = json!({ "role_id": role, "scope": "global" });
    app.post(&format!("/rbac/users/{ANN}/roles"), &admin, body).await.expect(200);
    let mut tried = 0;
    for route in table(&[]).into_iter().filter(|route| route.path.contains('{')) {
        let path = route.path.strip_prefix("/v1").unwrap_or(&route.path);
        let Some(id) = hidden.get(path.split('/').nth(1).unwrap()) else { continue };
        let told = async |id: &str| {
            let reply = send(app, &route, id, &signed(ANN, &json!({ "teams": [world.red] }))).await;
            (reply.status.as_u16(), String::from_utf8_lossy(&reply.body).replace(id, "ID"))
        };
        let (there, nowhere) = (told(id).await, told(NOBODY).await);
        assert_eq!(there, nowhere, "{} {}", route.method, route.path);
        assert!(there.0 >= 400, "{} {}: {there:?}", route.method, route.path);
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
    for kind in ["gateways", "tools", "prompts", "resources", "servers"] {
        let id = &hidden[kind];
        let status = app.get(&format!("/v1/{kind}/{id}"), &admin).await.status.as_u16();
        assert_ne!(status, 404, "{kind} are as they were");
    }
}

/// What every method of MCP is given, each taking what it knows.
fn params() -> Value {
    json!({
        "name": "demo-echo", "arguments": { "text": "x" }, "uri": "demo://about", "level": "info",
        "protocolVersion": "2025-06-18", "ref": { "type": "ref/prompt", "name": "demo-greet" },
        "argument": { "name": "name", "value": "" },
    })
}

async fn method(app: &App, door: &str, token: &str, method: &str) -> Reply {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params() });
    app.mcp_raw(door, token, &message.to_string(), &[]).await
}

#[tokio::test]
async fn methods_refuse_whoever_must_not() {
    let app = App::start().await;
    for email in [BOB, CARL] {
        app.user(email).await;
    }
    let body = json!({ "server": { "name": "one" }, "visibility": "public" });
    let server =
        app.post("/v1/servers", &app.admin(), body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let bound = signed(ADMIN, &json!({ "scopes": { "server_id": "1".repeat(32) } }));
    let outsiders = outsiders(&app).await;
    let doors = ["/mcp".to_owned(), format!("/servers/{server}/mcp")];
    for known in METHODS {
        for door in &doors {
            for (who, token) in &outsiders {
                let status = method(&app, door, token, known.name).await.status.as_u16();
                assert_eq!(status, 401, "{door} {}: {who}", known.name);
            }
            let entry = method(&app, door, &all_but(&[Permission::ServersUse]), known.name).await;
            assert_eq!(entry.status.as_u16(), 403, "{door} {}: without servers.use", known.name);
            if !known.about.is_empty() {
                let needs: Vec<Permission> = known.about.iter().map(|(_, permission)| *permission).collect();
                let reply = method(&app, door, &all_but(&needs), known.name).await;
                assert_eq!(reply.status.as_u16(), 403, "{door} {}: {:?}", known.name, reply.body);
                assert_eq!(reply.json()["error"]["code"], -32003, "{door} {}", known.name);
                number(&reply, known.name);
            }
            let allowed = method(&app, door, &app.admin(), known.name).await;
            assert_ne!(allowed.json()["error"]["code"], -32003, "{door} {}", known.name);
        }
        let elsewhere = method(&app, &doors[1], &bound, known.name).await;
        assert_eq!(elsewhere.status.as_u16(), 403, "{}: another server", known.name);
        let nowhere = method(&app, "/mcp", &bound, known.name).await;
        assert_eq!(nowhere.status.as_u16(), 404, "{}: its server is not there", known.name);
    }
    let unknown = method(&app, "/mcp", &app.admin(), "tools/fly").await.json();
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
}

/// The switches of surfaces that are set to `default` by themselves: every yes-or-no setting of the sections whose names
/// say so.
fn switches(default: &str) -> Vec<&'static str> {
    let about_surfaces = |about: &[&str]| {
        about.iter().any(|line| line.contains("switched off") || line.contains("well-known"))
    };
    let sections = web::settings::Settings::sections().into_iter().filter(|(about, _)| about_surfaces(about));
    let switch = |setting: &&Setting| setting.default == Some(default);
    sections.flat_map(|(_, settings)| settings.iter().filter(switch).map(|setting| setting.env)).collect()
}

#[tokio::test]
async fn what_is_switched_off_is_not_there() {
    let switches = switches("true");
    assert!(switches.len() >= 4, "{switches:?}");
    let on: Vec<(&str, &str)> = self::switches("false").into_iter().map(|name| (name, "true")).collect();
    let vars: Vec<(&str, &str)> = switches.into_iter().map(|name| (name, "false")).collect();
    // Those that are on by themselves are switched off, and those that are off are left so.
    let (all, left) = (table(&on), table(&vars));
    let app = App::with(&vars, &["--demo"]).await;
    let mut gone = 0;
    for route in all.iter().filter(|route| !left.contains(route)) {
        let status = send(&app, route, NOBODY, &app.admin()).await.status.as_u16();
        let other_methods = left.iter().any(|other| other.path == route.path);
        assert_eq!(status, if other_methods { 405 } else { 404 }, "{} {}", route.method, route.path);
        gone += 1;
    }
    assert!(gone > 200, "{gone}");
}
