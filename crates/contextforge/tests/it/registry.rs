//! Gateways and virtual servers through the API.

use serde_json::json;

use crate::app::App;

#[tokio::test]
async fn a_virtual_server_serves_what_was_chosen() {
    let app = App::start().await;
    let admin = app.admin();
    let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
    let echo = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "demo-echo").unwrap();
    assert_eq!((&echo["originalName"], &echo["gatewaySlug"]), (&json!("echo"), &json!("demo")));
    let body = json!({ "server": { "name": "one", "associated_tools": [echo["id"]], "prefix": "none" } });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    assert_eq!(server["associatedToolIds"], json!([echo["id"]]));
    assert_eq!(server["visibility"], "public");
    let path = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    let listed = app.mcp(&path, &admin, "tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(listed["result"]["tools"][0]["name"], "echo", "prefix none shows the upstream's own name");
    let call =
        app.mcp(&path, &admin, "tools/call", json!({ "name": "echo", "arguments": { "text": "x" } })).await;
    assert_eq!(call["result"]["content"][0]["text"], "x");
    let other = app.mcp(&path, &admin, "tools/call", json!({ "name": "get_time", "arguments": {} })).await;
    assert_eq!(other["error"]["code"], -32602, "what was not chosen is not there");
}

#[tokio::test]
async fn servers_are_changed_listed_and_removed() {
    let app = App::start().await;
    let admin = app.admin();
    let body =
        json!({ "server": { "name": "virt", "description": "d", "tags": ["prod"] }, "visibility": "public" });
    let id = app.post("/servers", &admin, body.clone()).await.expect(201)["id"].as_str().unwrap().to_owned();
    let again = app.post("/v1/servers", &admin, body).await;
    assert_eq!(again.status.as_u16(), 409);
    assert_eq!(again.json(), json!({ "detail": "Public Server already exists with name: virt" }));
    let changed = app
        .send("PUT", &format!("/v1/servers/{id}"), &admin, Some(json!({ "description": "e" })))
        .await
        .expect(200);
    assert_eq!((&changed["description"], &changed["version"]), (&json!("e"), &json!(2)));
    let page = app.get("/v1/servers?include_pagination=true", &admin).await.expect(200);
    assert_eq!(page["servers"].as_array().unwrap().len(), 1);
    let unknown = json!({ "server": { "name": "v2", "associated_tools": ["0".repeat(32)] } });
    app.post("/v1/servers", &admin, unknown).await.expect(400);
    app.send("DELETE", &format!("/v1/servers/{id}"), &admin, None).await.expect(200);
    app.get(&format!("/v1/servers/{id}"), &admin).await.expect(404);
    app.send("DELETE", &format!("/v1/servers/{id}"), &admin, None).await.expect(404);
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_502_and_nothing_is_stored() {
    let app = App::start().await;
    let admin = app.admin();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", free.local_addr().unwrap());
    drop(free);
    let body = json!({ "name": "Gone", "url": url, "transport": "STREAMABLEHTTP" });
    let reply = app.post("/v1/gateways", &admin, body).await;
    assert_eq!(reply.status.as_u16(), 502);
    assert!(
        reply.json()["message"].as_str().unwrap().contains("Failed to initialize gateway"),
        "{:?}",
        reply.body
    );
    let all = app.get("/v1/gateways?limit=0&include_inactive=true", &admin).await.expect(200);
    assert!(all.as_array().unwrap().iter().all(|gateway| gateway["name"] != "Gone"));
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_422() {
    let app = App::with(&[("SSRF_ALLOW_LOCALHOST", "false")], &["--demo"]).await;
    let admin = app.admin();
    for url in [
        "http://127.0.0.1:9/mcp",
        "http://localhost:9/mcp",
        "http://[::1]:9/mcp",
        "http://0x7f.1:9/mcp",
        "http://2130706433/mcp",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/mcp",
        "http://[::ffff:10.0.0.1]/mcp",
        "http://user:pass@example.com/mcp",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ] {
        let body = json!({ "name": "x", "url": url, "transport": "STREAMABLEHTTP" });
        let reply = app.post("/v1/gateways", &admin, body).await;
        assert_eq!(reply.status.as_u16(), 422, "{url}: {:?}", reply.body);
    }
}

#[tokio::test]
async fn programs_cannot_be_started_through_the_api() {
    let app = App::start().await;
    for body in [
        json!({ "name": "x", "url": "stdio:cat", "transport": "STDIO" }),
        json!({ "name": "x", "url": "http://example.com/mcp", "transport": "STDIO", "command": "cat" }),
    ] {
        assert_eq!(app.post("/v1/gateways", &app.admin(), body).await.status.as_u16(), 422);
    }
}

#[tokio::test]
async fn the_demonstration_server_is_listed_and_left_alone() {
    let app = App::start().await;
    let admin = app.admin();
    let all = app.get("/v1/gateways?limit=0", &admin).await.expect(200);
    let demo = all.as_array().unwrap().iter().find(|gateway| gateway["slug"] == "demo").unwrap();
    assert_eq!(demo["reachable"], true);
    let path = format!("/v1/gateways/{}", demo["id"].as_str().unwrap());
    let reply = app.send("DELETE", &path, &admin, None).await;
    assert_eq!(reply.status.as_u16(), 409, "{:?}", reply.body);
}

#[tokio::test]
async fn a_file_of_servers_starts_programs_and_survives_their_end() {
    let script = r#"
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method = message["method"]
    if method == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "end", "inputSchema": {"type": "object"}}, {"name": "hello", "inputSchema": {"type": "object"}, "vendor": 1e400}]}
    elif method == "tools/call" and message["params"]["name"] == "end":
        sys.exit(3)
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": "hello"}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).replace("Infinity", "1e400"), flush=True)
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    let servers = json!({ "mcpServers": {
        "local": { "command": "python3", "args": ["-u", "-c", script] },
        "broken": { "command": "/nonexistent/program" },
    } });
    std::fs::write(&file, servers.to_string()).unwrap();
    let app = App::with(&[], &["--servers", file.to_str().unwrap()]).await;
    let admin = app.admin();
    // A server that does not start breaks nothing else.
    app.until(async || {
        let all = app.get("/v1/gateways?limit=0&include_inactive=true", &admin).await.expect(200);
        let asked = |name: &str, reachable: bool| {
            let found = all.as_array().unwrap().iter().find(|gateway| gateway["name"] == name).unwrap();
            found["reachable"] == reachable && (reachable || found["lastError"].is_string())
        };
        asked("local", true) && asked("broken", false)
    })
    .await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    app.until(async || {
        let listed = app.mcp_raw("/mcp", &admin, list, &[]).await;
        let text = String::from_utf8_lossy(&listed.body).into_owned();
        text.contains(r#""name":"local-hello""#) && text.contains("1e400")
    })
    .await;
    let call = async |name: &str| {
        app.mcp("/mcp", &admin, "tools/call", json!({ "name": name, "arguments": {} })).await
    };
    assert_eq!(call("local-hello").await["result"]["content"][0]["text"], "hello");
    assert_eq!(call("local-end").await["error"]["code"], -32603, "the process ended under the call");
    assert_eq!(call("local-hello").await["result"]["content"][0]["text"], "hello", "it was started again");
}
