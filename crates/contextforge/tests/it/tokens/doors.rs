//! Tokens that are limited to one server or to some permissions, at every door that there is.

use serde_json::{Value, json};
use web::guard::Access;

use super::{server, signed};
use crate::app::{ADMIN, App};

/// The names of the tools that an MCP endpoint lists.
async fn tools(app: &App, path: &str, token: &str) -> Vec<String> {
    let listed = app.mcp(path, token, "tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("{path}: {listed}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

fn table() -> Vec<web::routes::RouteInfo> {
    let mut env = domain::Env::default();
    web::route_table(&web::settings::Settings::read(&mut env).unwrap())
}

fn filled(path: &str, id: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { id } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// A server with the tool `demo-echo` and nothing else.
async fn echo_server(app: &App) -> String {
    let admin = app.admin();
    let all = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let echo = all.as_array().unwrap().iter().find(|tool| tool["name"] == "demo-echo").unwrap();
    let body =
        json!({ "server": { "name": "mine", "associated_tools": [echo["id"]] }, "visibility": "public" });
    app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn calls(name: &str) -> Value {
    json!({ "name": name, "arguments": { "text": "hi" } })
}

#[tokio::test]
async fn a_server_token_reaches_its_server_over_every_mcp_door() {
    let app = App::start().await;
    let mine = echo_server(&app).await;
    let other = server(&app, &app.admin(), "other", "public", None).await;
    let token = signed(ADMIN, json!({ "scopes": { "server_id": mine } }));
    let dashed = uuid_form(&mine);
    assert!(tools(&app, "/mcp", &app.admin()).await.len() > 1, "there is more to see");
    for token in [&token, &signed(ADMIN, json!({ "scopes": { "server_id": dashed } }))] {
        for path in [format!("/servers/{mine}/mcp"), "/mcp".to_owned(), "/mcp/".to_owned()] {
            assert_eq!(tools(&app, &path, token).await, ["demo-echo"], "{path}");
            let done = app.mcp(&path, token, "tools/call", calls("demo-echo")).await;
            assert_eq!(done["result"]["content"][0]["text"], "hi", "{path}: {done}");
            let outside = app.mcp(&path, token, "tools/call", calls("demo-add")).await;
            assert!(outside["error"].is_object(), "{path}: {outside}");
            let bare = app.mcp(&path, token, "demo-add", json!({})).await;
            assert!(bare["error"].is_object(), "a method is no tool: {bare}");
        }
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(app.mcp_raw(&format!("/servers/{other}/mcp"), &token, ping, &[]).await.status.as_u16(), 403);
    // A server that is switched off is nowhere.
    app.send("POST", &format!("/v1/servers/{mine}/state?activate=false"), &app.admin(), None)
        .await
        .expect(200);
    assert_eq!(app.mcp_raw("/mcp", &token, ping, &[]).await.status.as_u16(), 404);
}

fn uuid_form(id: &str) -> String {
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

#[tokio::test]
async fn a_server_token_reaches_no_other_route() {
    let app = App::start().await;
    let mine = echo_server(&app).await;
    let other = server(&app, &app.admin(), "other", "public", None).await;
    let token = signed(ADMIN, json!({ "scopes": { "server_id": mine } }));
    let documents = ["/docs", "/redoc", "/openapi.json"];
    let mut tried = 0;
    for route in table().into_iter().filter(|route| route.access != Access::Public) {
        let path = filled(&route.path, &other);
        if documents.contains(&&*path)
            || ["/mcp", "/rpc", "/sse", "/message"].contains(&path.trim_end_matches('/'))
        {
            continue;
        }
        let body = (route.method != http::Method::GET).then(|| json!({}));
        let reply = app.send(route.method.as_str(), &path, &token, body).await;
        assert_eq!(reply.status.as_u16(), 403, "{} {path}", route.method);
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
    app.get(&format!("/v1/servers/{mine}"), &token).await.expect(200);
    app.get(&format!("/servers/{mine}/tools"), &token).await.expect(200);
    app.get("/openapi.json", &token).await.expect(200);
    for document in documents {
        assert_eq!(app.get(document, "").await.status.as_u16(), 401, "{document} wants a credential");
    }
    for public in ["/health", "/ready"] {
        app.get(public, &token).await.expect(200);
    }
    for admin in ["/admin", "/admin/", "/admin/users", "//admin", "/%61dmin"] {
        let found = app.get(admin, &token).await.status.as_u16();
        assert!([403, 404].contains(&found), "{admin}: {found}");
    }
}

#[tokio::test]
async fn a_permission_token_may_the_same_at_every_door() {
    let app = App::start().await;
    let mine = echo_server(&app).await;
    let with = |names: &[&str]| signed(ADMIN, json!({ "scopes": { "permissions": names } }));
    let (reads, runs) = (with(&["tools.read"]), with(&["tools.read", "tools.execute"]));
    for path in ["/mcp".to_owned(), format!("/servers/{mine}/mcp")] {
        assert!(tools(&app, &path, &reads).await.contains(&"demo-echo".to_owned()));
        let denied = app.mcp(&path, &reads, "tools/call", calls("demo-echo")).await;
        assert_eq!(denied["error"]["code"], -32003, "{denied}");
        let done = app.mcp(&path, &runs, "tools/call", calls("demo-echo")).await;
        assert_eq!(done["result"]["content"][0]["text"], "hi", "{done}");
        let listed = app.mcp(&path, &runs, "prompts/list", json!({})).await;
        assert_eq!(listed["error"]["code"], -32003, "{listed}");
    }
    app.get("/v1/tools", &reads).await.expect(200);
    app.get("/tools", &reads).await.expect(200);
    // Both spellings, and a wildcard for a category.
    app.get("/metrics/prometheus", &with(&["metrics.read"])).await.expect(403);
    assert_eq!(app.get("/metrics/prometheus", &with(&["metrics:read"])).await.status.as_u16(), 200);
    app.get("/v1/gateways", &with(&["gateways.*"])).await.expect(200);
    app.get("/v1/tools", &with(&["gateways.*"])).await.expect(403);
    assert_eq!(app.get("/v1/tools", &with(&["nonsense.read"])).await.status.as_u16(), 403);
}

#[tokio::test]
async fn a_permission_token_is_refused_where_it_has_no_permission() {
    let app = App::start().await;
    let reads = signed(ADMIN, json!({ "scopes": { "permissions": ["tools.read"] } }));
    let has = ["tools.read", "servers.use"];
    for route in table() {
        let demand = route.access.to_string();
        let open = ["/docs", "/redoc", "/openapi.json"].contains(&&*route.path)
            || ["/auth/logout", "/rbac/explain"].iter().any(|end| route.path.ends_with(end));
        if route.access == Access::Public || has.contains(&&*demand) || open {
            continue;
        }
        let body = (route.method != http::Method::GET).then(|| json!({}));
        let reply =
            app.send(route.method.as_str(), &filled(&route.path, &"0".repeat(32)), &reads, body).await;
        assert_eq!(reply.status.as_u16(), 403, "{} {} {demand}", route.method, route.path);
    }
}
