//! HTTP+SSE: messages in at one address, everything out on one stream, and nobody else's.

use serde_json::{Value, json};

use crate::{
    app::App,
    federation::{
        peer::{Era, Peer},
        register,
    },
    push::{Events, get},
    token,
};

/// A client of revision 2024-11-05.
pub(crate) struct Client<'a> {
    app: &'a App,
    token: String,
    events: Events,
    /// Where its messages go.
    pub(crate) endpoint: String,
}

impl<'a> Client<'a> {
    pub(crate) async fn open(app: &'a App, door: &str, token: &str) -> Self {
        Self::try_open(app, door, token).await.expect("a stream")
    }

    /// `None` for whoever is refused.
    pub(crate) async fn try_open(app: &'a App, door: &str, token: &str) -> Option<Self> {
        let mut events = Events::open(get(app, door, token, &[])).await;
        if events.status.as_u16() == 403 {
            return None;
        }
        assert_eq!(events.status.as_u16(), 200);
        let (name, endpoint) = events.event().await.unwrap();
        assert_eq!(name, "endpoint");
        Some(Self { app, token: token.to_owned(), events, endpoint })
    }

    /// Sends a message; gives the status.
    pub(crate) async fn send(&self, token: &str, message: &Value) -> u16 {
        self.app.post(&self.endpoint, token, message.clone()).await.status.as_u16()
    }

    /// Asks, and gives the answer; what comes before it is given too.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> (Value, Vec<Value>) {
        let message = json!({ "jsonrpc": "2.0", "id": 4, "method": method, "params": params });
        assert_eq!(self.send(&self.token, &message).await, 202);
        let mut before = Vec::new();
        loop {
            let message = self.events.next().await.expect("an answer");
            if message["id"] == 4 {
                return (message, before);
            }
            before.push(message);
        }
    }
}

fn hello() -> Value {
    json!({ "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } })
}

#[tokio::test]
async fn a_client_of_the_oldest_revision_is_served() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "up", &peer.url()).await;
    let mut client = Client::open(&app, "/sse", &app.admin()).await;
    let (greeted, _) = client.ask("initialize", hello()).await;
    assert_eq!(greeted["result"]["protocolVersion"], "2024-11-05", "{greeted}");
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(client.send(&app.admin(), &told).await, 202);
    let (list, _) = client.ask("tools/list", json!({})).await;
    assert!(list["result"]["tools"].as_array().unwrap().len() > 5, "{list}");
    let call =
        json!({ "name": "up-test-tool-with-progress", "arguments": {}, "_meta": { "progressToken": "p" } });
    let (called, before) = client.ask("tools/call", call).await;
    assert!(called["result"]["content"].is_array(), "{called}");
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(before.iter().all(|message| message["params"]["progressToken"] == "p"), "{before:?}");
    let (done, _) = client.ask("resources/subscribe", json!({ "uri": "test://static-text" })).await;
    assert_eq!(done["result"], json!({}), "{done}");
    app.until(async || !peer.state.followed().is_empty()).await;
    peer.state.touch("test://static-text").await;
    assert_eq!(client.events.method().await, "notifications/resources/updated");
    peer.state.grow().await;
    assert_eq!(client.events.method().await, "notifications/tools/list_changed");
    drop(client);
    app.until(async || peer.state.followed().is_empty()).await;
}

/// What the client said that it can be asked holds for the stream; a client that said nothing is not asked.
#[tokio::test]
async fn a_client_is_asked_on_its_stream() {
    let app = App::with(&[], &[]).await;
    let peers = [Peer::start(Era::Modern).await, Peer::start(Era::Legacy).await];
    register(&app, "new", &peers[0].url()).await;
    register(&app, "old", &peers[1].url()).await;
    let capabilities = json!({ "elicitation": {} });
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": { "name": "t", "version": "1" } });
    let mut client = Client::open(&app, "/sse", &app.admin()).await;
    client.ask("initialize", hello).await;
    let mut silent = Client::open(&app, "/sse", &app.admin()).await;
    silent.ask("initialize", self::hello()).await;
    for upstream in ["new", "old"] {
        let params =
            json!({ "name": format!("{upstream}-test-elicitation"), "arguments": { "message": "Who?" } });
        let call = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params });
        assert_eq!(client.send(&app.admin(), &call).await, 202);
        let question = client.events.next().await.unwrap();
        assert_eq!(question["method"], "elicitation/create", "{upstream}: {question}");
        let content = json!({ "username": "ann", "email": "ann@example.com" });
        let answer = json!({ "action": "accept", "content": content });
        let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer });
        assert_eq!(client.send(&app.admin(), &answer).await, 202);
        let done = client.events.next().await.unwrap();
        assert_eq!(done["id"], 9, "{done}");
        let text = done["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("ann@example.com"), "{upstream}: {done}");
        let (answer, before) = silent.ask("tools/call", params).await;
        assert!(before.is_empty(), "{upstream}: {before:?}");
        assert!(answer["result"]["isError"] == true || answer["error"].is_object(), "{upstream}: {answer}");
    }
}

#[tokio::test]
async fn a_call_is_cancelled_and_ends_with_its_stream() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "up", &peer.url()).await;
    let client = Client::open(&app, "/sse", &app.admin()).await;
    let call = |id: u32| {
        let params = json!({ "name": "up-wait", "arguments": { "milliseconds": 60_000 } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    assert_eq!(client.send(&app.admin(), &call(11)).await, 202);
    app.until(async || peer.state.waiting() == 1).await;
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 11 } });
    assert_eq!(client.send(&app.admin(), &cancel).await, 202);
    app.until(async || peer.state.waiting() == 0).await;
    assert_eq!(client.send(&app.admin(), &call(12)).await, 202);
    app.until(async || peer.state.waiting() == 1).await;
    let endpoint = client.endpoint.clone();
    drop(client);
    app.until(async || peer.state.waiting() == 0).await;
    let late = app.post(&endpoint, &app.admin(), call(13)).await;
    assert_eq!(late.status.as_u16(), 404, "the stream is gone");
}

#[tokio::test]
async fn a_stream_is_its_principals_at_its_place() {
    let app = App::start().await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let server = async |name: &str| {
        let body = json!({ "server": { "name": name }, "visibility": "public" });
        app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let (one, other) = (server("one").await, server("other").await);
    let bound = {
        let mut claims = token::claims(crate::app::ADMIN);
        claims["scopes"] = json!({ "server_id": one });
        token::sign(&claims)
    };
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let everything = Client::open(&app, "/sse", &bob).await;
    assert_eq!(everything.send(&bob, &ping).await, 202);
    assert_eq!(everything.send(&admin, &ping).await, 404, "an administrator is somebody else too");
    assert_eq!(everything.send("", &ping).await, 401);
    let id = everything.endpoint.split('=').nth(1).unwrap().to_owned();
    for path in [
        format!("/servers/{one}/message?session_id={id}"),
        "/message?session_id=made-up".to_owned(),
        "/message".to_owned(),
        format!("/message?session_id={id}&session_id={id}"),
    ] {
        assert_eq!(app.post(&path, &bob, ping.clone()).await.status.as_u16(), 404, "{path}");
    }
    let mut within = Client::open(&app, &format!("/servers/{one}/sse"), &bound).await;
    assert!(within.endpoint.starts_with(&format!("/servers/{one}/message?")), "{}", within.endpoint);
    let (list, _) = within.ask("tools/list", json!({})).await;
    assert_eq!(list["result"]["tools"], json!([]), "{list}");
    let mut narrowed = Client::open(&app, "/sse", &bound).await;
    let (list, _) = narrowed.ask("tools/list", json!({})).await;
    assert_eq!(list["result"]["tools"], json!([]), "over /sse it is on its server too: {list}");
    for path in [format!("/servers/{other}/sse"), format!("/servers/{other}/mcp")] {
        assert_eq!(app.get(&path, &bound).await.status.as_u16(), 403, "{path}");
    }
    let message = format!("/servers/{other}/message?session_id={id}");
    assert_eq!(app.post(&message, &bound, ping.clone()).await.status.as_u16(), 403);
}

/// What a stream tells is read by whoever opened it: a broader token must not have its answers told there, and a
/// narrower one must not put its messages among those of a broader one.
#[tokio::test]
async fn a_stream_is_for_tokens_that_reach_what_its_opener_reached() {
    let app = App::start().await;
    let session = app.user("ann@example.com").await;
    let team = app.post("/teams/", &session, json!({ "name": "Red" })).await.expect(201);
    let team = team["id"].as_str().unwrap();
    let signed = |n: u8, changes: Value| {
        let mut claims = token::claims("ann@example.com");
        claims["user"]["is_admin"] = json!(false);
        claims["jti"] = json!(format!("jti-{n}"));
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        token::sign(&claims)
    };
    let server = json!({ "server": { "name": "one" }, "visibility": "public" });
    let server = app.post("/v1/servers", &app.admin(), server).await.expect(201)["id"].clone();
    let tokens = [
        signed(1, json!({ "teams": [] })),
        signed(2, json!({ "teams": [team] })),
        signed(3, json!({ "teams": [team], "scopes": { "permissions": ["servers.use", "tools.read"] } })),
        signed(4, json!({ "teams": [team], "scopes": { "server_id": server } })),
    ];
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for (opener, token) in tokens.iter().enumerate() {
        let mut client = Client::open(&app, "/sse", token).await;
        for (other, posted) in tokens.iter().enumerate() {
            let expected = if opener == other { 202 } else { 404 };
            assert_eq!(client.send(posted, &ping).await, expected, "{other} on the stream of {opener}");
        }
        assert_eq!(client.events.next().await.unwrap()["id"], 1);
        let (list, before) = client.ask("tools/list", json!({})).await;
        assert!(
            before.is_empty() && list["result"].is_object(),
            "nothing of the others was told: {before:?}"
        );
    }
    // Another login of hers reaches the same.
    let client = Client::open(&app, "/sse", &session).await;
    assert_eq!(client.send(&app.login("ann@example.com").await, &ping).await, 202);
}

#[tokio::test]
async fn refusals_have_their_numbers_on_the_stream_too() {
    let app = App::start().await;
    let mut claims = token::claims(crate::app::ADMIN);
    claims["scopes"] = json!({ "permissions": ["tools.read"] });
    let limited = token::sign(&claims);
    let mut client = Client::open(&app, "/sse", &limited).await;
    let (answer, _) =
        client.ask("tools/call", json!({ "name": "demo-echo", "arguments": { "text": "x" } })).await;
    assert_eq!(answer["error"]["code"], -32003, "{answer}");
    let number = answer["error"]["data"]["decision_id"].as_str().unwrap();
    let found = app.get(&format!("/rbac/decisions/{number}"), &app.admin()).await;
    assert_eq!(found.status.as_u16(), 200, "{:?}", found.body);
}
