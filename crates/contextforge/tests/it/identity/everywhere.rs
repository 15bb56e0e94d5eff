//! Credentials on connections that stay open: limits that hold there as well, and rights that end in the middle.

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    doors::{sse, ws},
    people::{ANN, BOB},
    tokens::signed,
};

const WEB_SOCKET: (&str, &str) = ("MCPGATEWAY_WS_RELAY_ENABLED", "true");

fn hello() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } })
}

/// A server with these tools of the demonstration server.
async fn server(app: &App, by: &str, tool: &str, more: Value) -> String {
    let all = app.get("/v1/tools?limit=0", &app.admin()).await.expect(200);
    let tool = all.as_array().unwrap().iter().find(|found| found["name"] == tool).unwrap();
    let mut body = json!({ "server": { "name": tool["name"], "associated_tools": [tool["id"]] }, "visibility": "public" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post("/v1/servers", by, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

fn call(tool: &str) -> Value {
    json!({ "name": tool, "arguments": { "text": "hi" } })
}

/// One open connection, whichever door it is.
enum Line<'a> {
    Socket(ws::Client),
    Stream(sse::Client<'a>),
}

impl<'a> Line<'a> {
    async fn open(app: &'a App, door: &str, token: &str) -> Option<Self> {
        let mut line = if door.ends_with("ws") {
            Self::Socket(ws::Client::with(app, door, token).await.ok()?)
        } else {
            Self::Stream(sse::Client::try_open(app, door, token).await?)
        };
        line.ask("initialize", hello()).await;
        Some(line)
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        match self {
            Self::Socket(client) => client.ask(4, method, params).await,
            Self::Stream(client) => client.ask(method, params).await.0,
        }
    }

    async fn tools(&mut self) -> Vec<Value> {
        let listed = self.ask("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("{listed}"));
        tools.iter().map(|tool| tool["name"].clone()).collect()
    }
}

/// The catalogue's cases 3-05 and 3-07 at the doors that keep a connection.
#[tokio::test]
async fn a_limited_token_is_limited_on_open_connections_too() {
    let app = App::with(&[WEB_SOCKET], &["--demo"]).await;
    let (mine, other) = (
        server(&app, &app.admin(), "demo-echo", json!({})).await,
        server(&app, &app.admin(), "demo-get-time", json!({})).await,
    );
    let bound = signed(ADMIN, json!({ "scopes": { "server_id": mine } }));
    let reads = signed(ADMIN, json!({ "scopes": { "permissions": ["tools.read"] } }));
    for end in ["ws", "sse"] {
        for door in [format!("/{end}"), format!("/servers/{mine}/{end}")] {
            let mut line = Line::open(&app, &door, &bound).await.unwrap();
            assert_eq!(line.tools().await, ["demo-echo"], "{door}");
            let done = line.ask("tools/call", call("demo-echo")).await;
            assert_eq!(done["result"]["content"][0]["text"], "hi", "{door}: {done}");
            for (method, params) in [("tools/call", call("demo-get-time")), ("demo-get-time", json!({}))] {
                let refused = line.ask(method, params).await;
                assert!(refused["error"].is_object(), "{door}: {refused}");
            }
            let mut line = Line::open(&app, &door, &reads).await.unwrap();
            assert!(line.tools().await.contains(&json!("demo-echo")), "{door}");
            for method in ["tools/call", "prompts/list", "resources/list"] {
                let refused = line.ask(method, call("demo-echo")).await;
                assert_eq!(refused["error"]["code"], -32003, "{door} {method}: {refused}");
            }
        }
        assert!(Line::open(&app, &format!("/servers/{other}/{end}"), &bound).await.is_none(), "{end}");
    }
}

/// Somebody who leaves a team, and somebody whose role has run out, keep nothing on a connection that they opened before.
#[tokio::test]
async fn rights_that_end_end_on_open_connections_too() {
    let app = App::with(&[WEB_SOCKET], &["--demo"]).await;
    let (ann, bob) = (app.user(ANN).await, app.user(BOB).await);
    let red = app.post("/teams/", &ann, json!({ "name": "Red" })).await.expect(201)["id"].clone();
    let red = red.as_str().unwrap();
    let member = json!({ "email": BOB, "role": "member" });
    app.post(&format!("/teams/{red}/members"), &ann, member).await.expect(201);
    let of_the_team = json!({ "visibility": "team", "team_id": red });
    let theirs = server(&app, &app.admin(), "demo-echo", of_the_team).await;
    let body = json!({ "name": "reds", "expires_in_days": 1, "team_id": red });
    let token =
        app.post("/tokens", &bob, body).await.expect(201)["access_token"].as_str().unwrap().to_owned();
    let mut sockets = Vec::new();
    for credential in [&bob, &token] {
        let Some(Line::Socket(mut socket)) =
            Line::open(&app, &format!("/servers/{theirs}/ws"), credential).await
        else {
            panic!("refused")
        };
        let listed = socket.ask(4, "tools/list", json!({})).await;
        assert_eq!(listed["result"]["tools"][0]["name"], "demo-echo", "{listed}");
        sockets.push(socket);
    }
    app.send("DELETE", &format!("/teams/{red}/members/{BOB}"), &ann, None).await.expect(200);
    for mut socket in sockets {
        socket
            .send(&json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": call("demo-echo") }))
            .await;
        // Whatever comes until it is closed is no result.
        while let Ok(message) = socket.next().await {
            assert!(message.get("result").is_none(), "{message}");
        }
    }
}
