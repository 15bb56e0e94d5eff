//! `contextforge wrapper`: the gateway on standard input and output.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::{
    app::{App, command},
    federation::{
        peer::{Era, Peer},
        register,
    },
};

/// A running wrapper.
struct Wrapper {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Wrapper {
    fn start(app: &App, auth: &str) -> Self {
        let vars = vec![
            ("MCP_SERVER_URL".to_owned(), format!("{}/mcp", app.base)),
            ("MCP_AUTH".to_owned(), auth.to_owned()),
            ("LOG_LEVEL".to_owned(), "off".to_owned()),
        ];
        let mut command = command(app.folder.path(), &vars);
        command.arg("wrapper").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, input, output }
    }

    async fn send(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(20), self.output.next_line());
        serde_json::from_str(&line.await.expect("a line in time").unwrap().unwrap()).unwrap()
    }

    async fn ask(&mut self, id: u32, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.next().await
    }

    async fn end(mut self) {
        drop(self.input);
        assert!(self.process.wait().await.unwrap().success());
    }
}

fn hello() -> Value {
    json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } })
}

#[tokio::test]
async fn a_desktop_client_reaches_a_gateway() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "up", &peer.url()).await;
    let mut wrapper = Wrapper::start(&app, &app.admin());
    let greeted = wrapper.ask(0, "initialize", hello()).await;
    assert_eq!(greeted["result"]["serverInfo"]["name"], "ContextForge", "{greeted}");
    wrapper.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let call = json!({ "name": "up-echo", "arguments": { "message": "hi" } });
    let called = wrapper.ask(1, "tools/call", call).await;
    assert_eq!(
        (&called["id"], &called["result"]["content"][0]["text"]),
        (&json!(1), &json!("hi")),
        "{called}"
    );
    let with_progress =
        json!({ "name": "up-test-tool-with-progress", "arguments": {}, "_meta": { "progressToken": "p" } });
    let first = wrapper.ask(2, "tools/call", with_progress).await;
    assert_eq!(first["method"], "notifications/progress", "{first}");
    while wrapper.next().await["id"] != 2 {}
    wrapper.send(&json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": { "name": "up-wait", "arguments": { "milliseconds": 60_000 } } })).await;
    app.until(async || peer.state.waiting() == 1).await;
    wrapper
        .send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 3 } }))
        .await;
    app.until(async || peer.state.waiting() == 0).await;
    wrapper.send(&json!("no message")).await;
    assert_eq!(wrapper.next().await["error"]["code"], -32600);
    wrapper.end().await;
}

#[tokio::test]
async fn changes_and_failures_arrive_too() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    register(&app, "up", &peer.url()).await;
    let mut wrapper = Wrapper::start(&app, &format!("Bearer {}", app.admin()));
    wrapper.ask(0, "initialize", hello()).await;
    wrapper.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
    let metrics =
        async || String::from_utf8(app.get("/metrics/prometheus", &app.admin()).await.body.to_vec()).unwrap();
    app.until(async || metrics().await.contains(r#"contextforge_streams{kind="session"} 1"#)).await;
    peer.state.grow().await;
    assert_eq!(wrapper.next().await["method"], "notifications/tools/list_changed");
    wrapper.end().await;
    app.until(async || metrics().await.contains(r#"contextforge_streams{kind="session"} 0"#)).await;
    let mut stranger = Wrapper::start(&app, "nonsense");
    let refused = stranger.ask(0, "initialize", hello()).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(0), &json!(-32603)), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("MCP_AUTH"), "{refused}");
    stranger.end().await;
}
