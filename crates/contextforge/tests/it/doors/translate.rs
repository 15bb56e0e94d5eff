//! `contextforge translate`: a stdio server over both HTTP transports, and back again.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Child,
};

use super::reverse::SERVER;
use crate::{
    app::{App, command},
    federation::{call, listed, register, text},
};

/// A translator in front of the server of `reverse`, and its addresses: streamable HTTP, HTTP+SSE.
async fn serving(app: &App) -> (Child, String, String) {
    let file = app.folder.path().join("translated.py");
    std::fs::write(&file, SERVER).unwrap();
    let server = format!("python3 -u {}", file.display());
    let mut command = command(app.folder.path(), &[]);
    command.args(["translate", "--stdio", &server, "--port", "0", "--log-level", "off"]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let streamable = lines.next_line().await.unwrap().unwrap();
    let sse = lines.next_line().await.unwrap().unwrap();
    (process, streamable, sse)
}

#[tokio::test]
async fn a_stdio_server_is_served_over_both_transports() {
    let app = App::with(&[], &[]).await;
    let (_process, streamable, sse) = serving(&app).await;
    register(&app, "new", &streamable).await;
    let body = json!({ "name": "old", "url": sse, "transport": "SSE", "visibility": "public" });
    app.post("/v1/gateways", &app.admin(), body).await.expect(200);
    let mut names = listed(&app).await;
    names.sort_unstable();
    assert_eq!(names, ["new-pid", "old-pid"]);
    let pids = [call(&app, "new-pid", json!({})).await, call(&app, "old-pid", json!({})).await];
    assert_ne!(text(&pids[0]), text(&pids[1]), "every session has a process of its own");
    let base = streamable.strip_suffix("/mcp").unwrap().to_owned();
    let far = async |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(http::Request::post(&streamable), |request, (name, value)| request.header(*name, *value));
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
        crate::app::raw(request.body(ping.into()).unwrap()).await.status.as_u16()
    };
    assert_eq!(far(&[]).await, 200);
    assert_eq!(far(&[("origin", "https://evil.example")]).await, 403);
    assert_eq!(far(&[("host", "evil.example")]).await, 403);
    assert_eq!(far(&[("mcp-session-id", "nobody")]).await, 404);
    assert!(base.starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_server_over_http_is_a_stdio_server_again() {
    let app = App::with(&[], &[]).await;
    let (_process, streamable, sse) = serving(&app).await;
    for (option, url) in [("--streamableHttp", &streamable), ("--sse", &sse)] {
        let mut command = command(app.folder.path(), &[]);
        command.args(["translate", option, url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        for method in ["initialize", "tools/call"] {
            let message = json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": { "protocolVersion": "2025-06-18", "name": "pid" } });
            input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
            let line = lines.next_line().await.unwrap().unwrap();
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(
                (&answer["id"], answer["result"].is_object()),
                (&json!(method), true),
                "{option}: {answer}"
            );
        }
        drop(input);
        assert!(process.wait().await.unwrap().success(), "{option}");
    }
}

#[tokio::test]
async fn others_need_a_token() {
    let app = App::with(&[], &[]).await;
    let mut command = command(app.folder.path(), &[]);
    command.args(["translate", "--stdio", "cat", "--host", "0.0.0.0", "--port", "0"]);
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--auth-token"), "{said}");
}
