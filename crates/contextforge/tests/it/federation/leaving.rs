//! Clients that go away at random points of a call leave nothing behind: no connection, no waiting call upstream,
//! no process. Counted from outside, in `/proc`.
//!
//! `TEST_DISCONNECTS=10000 cargo test -p contextforge --test it federation::leaving` makes ten thousand calls instead of
//! 300. What the gateway says of itself in its metrics has to agree. The points are the same in every run; what the machine has done by then is not.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::{
    call,
    peer::{Era, Peer},
    register, text,
};
use crate::{
    app::App,
    push::{ask, session, stream},
    relay::client::{Modern, answered},
};

/// Calls under way at a time.
const AT_ONCE: usize = 20;

/// A generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

fn calls() -> usize {
    let var = std::env::vars_os().find(|(name, _)| name == "TEST_DISCONNECTS");
    var.map_or(300, |(_, number)| number.to_str().unwrap().parse().unwrap())
}

/// A call as it goes over the wire; in a legacy session, or modern without one.
fn request(app: &App, token: &str, session: Option<&str>, tool: &str, progress: bool) -> Vec<u8> {
    let mut params = json!({ "name": tool, "arguments": { "milliseconds": 600_000 } });
    if progress {
        params["_meta"]["progressToken"] = json!(1);
    }
    let era = if let Some(id) = session {
        format!("mcp-session-id: {id}\r\nmcp-protocol-version: 2025-11-25")
    } else {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {tool}")
    };
    let body = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params }).to_string();
    let host = app.base.trim_start_matches("http://");
    format!(
        "POST /mcp HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{era}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn send(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Sends so much of a request, waits for so much of the answer if all of it was sent, and goes.
async fn leave(address: String, request: Vec<u8>, sent: usize, heard: usize) {
    let mut stream = send(&address, &request[..sent]).await;
    if sent == request.len() && heard > 0 {
        let mut answer = vec![0; heard];
        stream.read_exact(&mut answer).await.unwrap();
    }
}

/// What the gateway has open for clients: its sockets on its own port, but for the listening one.
fn connections(app: &App) -> usize {
    let pid = app.process.id().unwrap();
    let port: u16 = app.base.rsplit(':').next().unwrap().parse().unwrap();
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let ours = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return false };
        local.ends_with(&format!(":{port:04X}")) && *state != "0A" && sockets.iter().any(|one| one == inode)
    };
    ["tcp", "tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).ok())
        .map(|table| table.lines().filter(ours).count())
        .sum()
}

/// What the gateway says that it holds, in the words of its metrics.
async fn says(app: &App, gauge: &str, number: usize) -> bool {
    let metrics = app.get("/metrics/prometheus", &app.admin()).await;
    let metrics = std::str::from_utf8(&metrics.body).unwrap();
    let kept = format!("{gauge} {number}");
    metrics.lines().any(|line| line == kept)
}

const PARKED: &str = r#"contextforge_held{kind="parked_calls"}"#;
const QUESTIONS: &str = r#"contextforge_held{kind="questions"}"#;
const SESSIONS: &str = r#"contextforge_held{kind="sessions"}"#;
const STREAMS: &str = r#"contextforge_streams{kind="session"}"#;

/// The processes that the gateway started and that are still there, waited for or not.
fn children(app: &App) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", app.process.id().unwrap())).unwrap();
    let lists = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .collect::<Vec<_>>();
    let mut all: Vec<String> =
        lists.iter().flat_map(|list| list.split_whitespace()).map(str::to_owned).collect();
    all.sort();
    all
}

/// A stdio server that answers every call with one text, beside the two of the network.
fn local(folder: &std::path::Path) -> String {
    let script = r#"
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    known = {
        "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}},
        "tools/list": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": "here"}]},
    }
    result = known.get(message["method"])
    told = {"result": result} if result else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}), flush=True)
"#;
    let servers =
        json!({ "mcpServers": { "local": { "command": "python3", "args": ["-u", "-c", script] } } });
    let file = folder.join("mcp.json");
    std::fs::write(&file, servers.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn clients_that_go_at_any_point_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::with(&[], &["--servers", &local(folder.path())]).await;
    let peers = [Peer::start(Era::Modern).await, Peer::start(Era::Legacy).await];
    register(&app, "new", &peers[0].url()).await;
    register(&app, "old", &peers[1].url()).await;
    app.until(async || super::listed(&app).await.contains(&"local-t".to_owned())).await;
    assert_eq!(text(&call(&app, "local-t", json!({})).await), "here");
    let token = app.admin();
    let legacy = session(&app, "/mcp", &token).await;
    app.until(async || connections(&app) == 0).await;
    let before = children(&app);
    assert_eq!(before.len(), 2, "the stdio server and its guard");
    let address = app.base.trim_start_matches("http://");
    // What is counted can be seen: these two stay until it was.
    let stay = [
        send(address, &request(&app, &token, None, "new-wait", false)).await,
        send(address, &request(&app, &token, Some(&legacy), "old-wait", true)).await,
    ];
    for peer in &peers {
        app.until(async || peer.state.waiting() == 1).await;
    }
    assert_eq!(connections(&app), stay.len());
    drop(stay);
    let (mut dice, mut leaving, mut whole) = (Dice(0x9E37_79B9_7F4A_7C15), JoinSet::new(), 0);
    // The last two take ten minutes: only that the client went ends them.
    let tools = ["local-t", "new-test-simple-text", "old-test-simple-text", "new-wait", "old-wait"];
    for _ in 0..calls() {
        let tool = tools[dice.below(tools.len())];
        let session = (dice.below(2) == 0).then_some(legacy.as_str());
        let request = request(&app, &token, session, tool, dice.below(2) == 0);
        let sent = if dice.below(4) == 0 { dice.below(request.len()) } else { request.len() };
        whole += usize::from(sent == request.len());
        // What waits says nothing until then.
        let heard = if tool.ends_with("wait") { 0 } else { dice.below(100) };
        leaving.spawn(leave(address.to_owned(), request, sent, heard));
        if leaving.len() == AT_ONCE {
            leaving.join_next().await.unwrap().unwrap();
        }
    }
    while let Some(left) = leaving.join_next().await {
        left.unwrap();
    }
    assert!(whole > calls() / 2, "{whole} were sent whole");
    app.until(async || connections(&app) == 0).await;
    for peer in &peers {
        app.until(async || peer.state.waiting() == 0).await;
    }
    assert_eq!(children(&app), before);
    for gauge in [PARKED, QUESTIONS] {
        assert!(says(&app, gauge, 0).await, "{gauge}");
    }
    let answers: [Value; 3] = [
        call(&app, "local-t", json!({})).await,
        call(&app, "new-test-simple-text", json!({})).await,
        call(&app, "old-test-simple-text", json!({})).await,
    ];
    assert!(answers.iter().all(|answer| answer["error"].is_null()), "{answers:?}");
}

#[tokio::test]
async fn what_is_held_for_clients_can_be_counted() {
    let app = App::start().await;
    let peer = Peer::start(Era::Legacy).await;
    register(&app, "old", &peer.url()).await;
    let admin = app.admin();
    let client = Modern { app: &app, token: &admin, capabilities: json!({ "elicitation": {} }) };
    assert!(says(&app, PARKED, 0).await && says(&app, SESSIONS, 0).await);
    let (tool, arguments) = ("old-test-elicitation", json!({ "message": "Who?" }));
    let asked = client.ask(tool, &arguments, json!({})).await;
    assert!(says(&app, PARKED, 1).await, "{asked}");
    let back = answered(&asked, |_| json!({ "action": "decline" }));
    let done = client.ask(tool, &arguments, back).await;
    assert!(says(&app, PARKED, 0).await, "{done}");

    let id = session(&app, "/mcp", &admin).await;
    ask(&app, &admin, &id, "logging/setLevel", json!({ "level": "error" })).await;
    let events = stream(&app, &admin, &id).await;
    assert!(says(&app, SESSIONS, 1).await && says(&app, STREAMS, 1).await);
    drop(events);
    app.until(async || says(&app, STREAMS, 0).await).await;
    assert!(app.send_in_session("DELETE", &admin, &id).await < 300);
    app.until(async || says(&app, SESSIONS, 0).await).await;
}
