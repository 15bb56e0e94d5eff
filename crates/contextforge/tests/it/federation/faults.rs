//! Upstreams that answer too much, too slowly or twice: the call concerned fails with one clear error, the memory of
//! the gateway stays bounded, other upstreams answer meanwhile, and the next call works without help.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Duration,
};

use super::{call, raw::Raw, register, text};
use crate::app::App;

/// What the servers here would send if they were let.
const GIGABYTE: usize = 1 << 30;

/// By how much one call may raise the memory of the gateway, in kilobytes.
const ROOM: u64 = 160 * 1024;

const TOOLS: [&str; 8] = [
    "fine",
    "huge-json",
    "huge-events",
    "drip-json",
    "drip-events",
    "twice-json",
    "twice-events",
    "twice-http",
];

/// A legacy server without sessions that answers each tool in the way of its name.
struct Faulty {
    url: String,
    /// Answers that are being sent.
    open: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Faulty {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let (open, sent) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (opening, sending) = (Arc::clone(&open), Arc::clone(&sent));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (open, sent) = (Arc::clone(&opening), Arc::clone(&sending));
                connections.spawn(async move { serve(stream, &open, &sent).await.unwrap_or_default() });
            }
        });
        Self { url, open, sent, _serving: serving }
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Answers what comes on one connection, until the other side closes it.
async fn serve(mut stream: TcpStream, open: &AtomicUsize, sent: &AtomicUsize) -> std::io::Result<()> {
    while let Some((method, body)) = read(&mut stream).await? {
        let id = &body["id"];
        if method != "POST" || id.is_null() {
            let status = if method == "POST" { "202 Accepted" } else { "405 Method Not Allowed" };
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
            continue;
        }
        let named = body["params"]["name"].as_str().unwrap_or_default();
        let (fault, kind) = named.split_once('-').unwrap_or(("fine", "json"));
        let answer = answer(&body).to_string();
        match fault {
            "huge" | "drip" => {
                open.fetch_add(1, Ordering::SeqCst);
                let ended = pour(&mut stream, fault, kind, sent).await;
                open.fetch_sub(1, Ordering::SeqCst);
                return ended;
            }
            "twice" => stream.write_all(twice(kind, &answer).as_bytes()).await?,
            _ => stream.write_all(whole("application/json", &answer).as_bytes()).await?,
        }
    }
    Ok(())
}

/// One request: its method and its body.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<(String, Value)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).await?;
    let method = head.split(' ').next().unwrap().to_ascii_uppercase();
    Ok(Some((method, serde_json::from_slice(&body).unwrap_or_default())))
}

fn answer(body: &Value) -> Value {
    let tools: Vec<Value> =
        TOOLS.iter().map(|name| json!({ "name": name, "inputSchema": { "type": "object" } })).collect();
    let result = match body["method"].as_str().unwrap_or_default() {
        "initialize" => {
            json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": { "name": "f", "version": "1" } })
        }
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": body["params"]["name"] }] }),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return json!({ "jsonrpc": "2.0", "id": body["id"], "error": error });
        }
    };
    json!({ "jsonrpc": "2.0", "id": body["id"], "result": result })
}

fn whole(kind: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn twice(kind: &str, answer: &str) -> String {
    match kind {
        "json" => whole("application/json", &format!("{answer}{answer}")),
        "events" => whole("text/event-stream", &format!("data: {answer}\n\ndata: {answer}\n\n")),
        _ => whole("application/json", answer).repeat(2),
    }
}

/// One line that is a gigabyte long or never ends, until the gateway closes the connection.
async fn pour(stream: &mut TcpStream, fault: &str, kind: &str, sent: &AtomicUsize) -> std::io::Result<()> {
    let (kind, start) =
        if kind == "json" { ("application/json", "\"") } else { ("text/event-stream", "data: \"") };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{start}");
    stream.write_all(head.as_bytes()).await?;
    let huge = fault == "huge";
    let piece = vec![b'x'; if huge { 1 << 20 } else { 1 }];
    let mut now_and_then = tokio::time::interval(Duration::from_millis(50));
    for _ in 0..GIGABYTE / piece.len() {
        if !huge {
            now_and_then.tick().await;
        }
        stream.write_all(&piece).await?;
        sent.fetch_add(piece.len(), Ordering::SeqCst);
    }
    Ok(())
}

/// The most memory that the gateway ever had, in kilobytes.
fn peak(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.process.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[tokio::test]
async fn a_line_of_a_gigabyte_is_cut_off() {
    let app = App::with(&[], &[]).await;
    let faulty = Faulty::start().await;
    register(&app, "f", &faulty.url).await;
    for kind in ["json", "events"] {
        let before = peak(&app);
        let answer = call(&app, &format!("f-huge-{kind}"), json!({})).await;
        assert!(message(&answer).contains("UPSTREAM_MAX_RESPONSE_BYTES"), "{kind}: {answer}");
        assert!(peak(&app) < before + ROOM, "{kind}: from {before} to {} kB", peak(&app));
        app.until(async || faulty.open() == 0).await;
        assert!(faulty.sent.swap(0, Ordering::SeqCst) < GIGABYTE / 4, "{kind}: the gateway read on");
        assert_eq!(text(&call(&app, "f-fine", json!({})).await), "fine", "after {kind}");
    }
}

#[tokio::test]
async fn a_slow_drip_ends_at_the_time_limit_and_holds_up_nobody() {
    let app = App::with(&[("TOOL_TIMEOUT", "4")], &[]).await;
    let faulty = Faulty::start().await;
    register(&app, "f", &faulty.url).await;
    let tool = r#"{"name":"t","inputSchema":{"type":"object"}}"#;
    let other = Raw::tools(tool, r#"{"content":[{"type":"text","text":"here"}]}"#).await;
    register(&app, "other", &other.url).await;
    let meanwhile = async {
        app.until(async || faulty.open() == 2).await;
        assert_eq!(text(&call(&app, "other-t", json!({})).await), "here");
        assert_eq!(text(&call(&app, "f-fine", json!({})).await), "fine");
        assert_eq!(faulty.open(), 2, "both drip on");
    };
    let (json, events, ()) =
        tokio::join!(call(&app, "f-drip-json", json!({})), call(&app, "f-drip-events", json!({})), meanwhile);
    for answer in [json, events] {
        assert!(message(&answer).contains("did not answer in time"), "{answer}");
    }
    app.until(async || faulty.open() == 0).await;
    assert_eq!(text(&call(&app, "f-fine", json!({})).await), "fine");
}

#[tokio::test]
async fn a_second_answer_is_nobodys() {
    let app = App::with(&[], &[]).await;
    let faulty = Faulty::start().await;
    register(&app, "f", &faulty.url).await;
    let answer = call(&app, "f-twice-json", json!({})).await;
    assert!(message(&answer).contains("not JSON-RPC"), "{answer}");
    for kind in ["events", "http"] {
        // What is left over must not become the answer to the next question on the connection.
        let name = format!("twice-{kind}");
        assert_eq!(text(&call(&app, &format!("f-{name}"), json!({})).await), name);
        assert_eq!(text(&call(&app, "f-fine", json!({})).await), "fine", "after {name}");
    }
}
