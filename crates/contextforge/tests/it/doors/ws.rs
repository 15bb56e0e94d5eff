//! MCP over a WebSocket: off unless it is switched on, and behind it what is behind every other door.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{
    app::App,
    federation::{
        peer::{Era, Peer},
        register,
    },
};

const ON: (&str, &str) = ("MCPGATEWAY_WS_RELAY_ENABLED", "true");
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    stream: WebSocketStream<TcpStream>,
}

/// The status of a handshake that was refused.
pub(crate) fn status(refused: Error) -> u16 {
    match refused {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    }
}

impl Client {
    pub(crate) async fn open(app: &App, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let authority = app.base.strip_prefix("http://").unwrap();
        let mut request = format!("ws://{authority}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let tcp = TcpStream::connect(authority).await.unwrap();
        let (stream, _) = client_async(request, tcp).await?;
        Ok(Self { stream })
    }

    pub(crate) async fn with(app: &App, path: &str, token: &str) -> Result<Self, Error> {
        Self::open(app, path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, or the code of the end.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(text.as_str()).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    pub(crate) async fn ask(&mut self, id: u32, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.next().await.expect("a message")
    }
}

fn hello() -> Value {
    let capabilities = json!({ "elicitation": {} });
    json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": { "name": "t", "version": "1" } })
}

#[tokio::test]
async fn switched_off_it_does_not_exist() {
    let app = App::start().await;
    let refused = Client::with(&app, "/ws", &app.admin()).await.err().unwrap();
    assert_eq!(status(refused), 404);
}

#[tokio::test]
async fn a_conversation_of_both_eras() {
    let app = App::with(&[ON], &[]).await;
    let peer = Peer::start(Era::Legacy).await;
    register(&app, "up", &peer.url()).await;
    let mut client = Client::with(&app, "/ws", &app.admin()).await.unwrap();
    let greeted = client.ask(0, "initialize", hello()).await;
    assert_eq!(greeted["result"]["protocolVersion"], "2025-11-25", "{greeted}");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let called = client.ask(1, "tools/call", call("up-echo", json!({ "message": "hi" }))).await;
    assert_eq!(
        (&called["id"], &called["result"]["content"][0]["text"]),
        (&json!(1), &json!("hi")),
        "{called}"
    );
    let question =
        client.ask(2, "tools/call", call("up-test-elicitation", json!({ "message": "Who?" }))).await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let content = json!({ "username": "ann", "email": "ann@example.com" });
    let answer = json!({ "action": "accept", "content": content });
    client.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer })).await;
    let done = client.next().await.unwrap();
    assert!(done["result"]["content"][0]["text"].as_str().unwrap().contains("ann@example.com"), "{done}");
    let wait = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": call("up-wait", json!({ "milliseconds": 60_000 })) });
    client.send(&wait).await;
    app.until(async || peer.state.waiting() == 1).await;
    client
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 3 } }))
        .await;
    app.until(async || peer.state.waiting() == 0).await;
    peer.state.grow().await;
    loop {
        let message = client.next().await.unwrap();
        if message["method"] == "notifications/tools/list_changed" {
            break;
        }
        assert_eq!(message["id"], 3, "{message}");
    }
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} });
    let modern = json!({ "name": "up-echo", "arguments": { "message": "new" }, "_meta": meta });
    let called = client.ask(4, "tools/call", modern).await;
    assert_eq!(called["result"]["resultType"], "complete", "{called}");
    client.send(&json!("no message")).await;
    assert_eq!(client.next().await.unwrap()["error"]["code"], -32600);
}

#[tokio::test]
async fn who_is_refused() {
    let app = App::with(&[ON, ("MAX_REQUEST_BODY_BYTES", "65536")], &[]).await;
    let admin = format!("Bearer {}", app.admin());
    let refused = async |path: &str, headers: &[(&'static str, &str)]| {
        status(Client::open(&app, path, headers).await.err().expect("refused"))
    };
    assert_eq!(refused("/ws", &[]).await, 401);
    let by_query = format!("/ws?token={}", app.admin());
    assert_eq!(refused(&by_query, &[]).await, 401);
    assert_eq!(refused(&by_query, &[("authorization", &admin)]).await, 400);
    assert_eq!(refused("/ws", &[("sec-websocket-protocol", &app.admin())]).await, 401);
    let foreign = [("authorization", admin.as_str()), ("origin", "https://evil.example")];
    assert_eq!(refused("/ws", &foreign).await, 403);
    let nowhere = "/servers/00000000000000000000000000000000/ws";
    assert_eq!(refused(nowhere, &[("authorization", &admin)]).await, 404);
    assert_eq!(app.get("/ws", &app.admin()).await.status.as_u16(), 426);
    let mut client = Client::with(&app, "/ws", &app.admin()).await.unwrap();
    client.stream.send(Message::binary(vec![0_u8; 8])).await.unwrap();
    assert_eq!(client.next().await, Err(1003));
    let mut client = Client::with(&app, "/ws", &app.admin()).await.unwrap();
    client
        .send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "a".repeat(70_000) } }))
        .await;
    assert!(client.next().await.is_err(), "a message beyond the limit ends the connection");
}

#[tokio::test]
async fn it_ends_with_the_credential() {
    let app = App::with(&[ON], &["--demo"]).await;
    let session = app.user("ann@example.com").await;
    let mut client = Client::with(&app, "/ws", &session).await.unwrap();
    assert_eq!(client.ask(1, "ping", json!({})).await["result"], json!({}));
    let began = Instant::now();
    assert_eq!(app.post("/auth/logout", &session, json!({})).await.status.as_u16(), 200);
    assert_eq!(client.next().await, Err(1008));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let metrics = app.get("/metrics/prometheus", &app.admin()).await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(metrics.contains(r#"contextforge_streams{kind="ws"} 0"#), "{metrics}");
}
