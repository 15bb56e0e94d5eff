//! Stdio servers that go wrong: the call concerned fails with one clear error, calls to others and calls that the same
//! server still owes an answer go on, and the next call works without help.

use std::{path::Path, time::Instant};

use serde_json::{Value, json};
use tokio::time::Duration;

use super::{call, listed, text};
use crate::app::App;

/// A server whose tools are its faults; `pid` is fine.
const SERVER: &str = r#"
import json, os, sys, time
TOOLS = ["pid", "garbage", "twice", "huge", "hang", "die"]
def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, answer = message["method"], {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        answer["result"] = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]}
    elif method == "tools/call":
        name = message["params"]["name"]
        answer["result"] = {"content": [{"type": "text", "text": str(os.getpid())}]}
        if name == "garbage":
            say("{]")
            say('{"jsonrpc":"2.0","id":"nobody","result":{}}')
        if name == "twice":
            say(json.dumps(answer))
        if name == "huge":
            for _ in range(1024):
                sys.stdout.write("x" * (1 << 20))
        if name == "hang":
            continue
        if name == "die":
            os._exit(3)
    else:
        answer["error"] = {"code": -32601, "message": "no"}
    say(json.dumps(answer))
"#;

async fn start(folder: &Path) -> App {
    let script = folder.join("server.py");
    std::fs::write(&script, SERVER).unwrap();
    let server = json!({ "command": "python3", "args": ["-u", script] });
    let servers = json!({ "mcpServers": { "bad": server, "good": server } });
    let file = folder.join("mcp.json");
    std::fs::write(&file, servers.to_string()).unwrap();
    let app = App::with(&[("TOOL_TIMEOUT", "3")], &["--servers", file.to_str().unwrap()]).await;
    app.until(async || listed(&app).await.len() == 12).await;
    app
}

async fn pid(app: &App, server: &str) -> Option<String> {
    let answer = call(app, &format!("{server}-pid"), json!({})).await;
    answer["result"]["content"][0]["text"].as_str().map(str::to_owned)
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[tokio::test]
async fn what_is_no_answer_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let app = start(folder.path()).await;
    let first = pid(&app, "bad").await.expect("a process");
    for fault in ["garbage", "twice"] {
        assert_eq!(text(&call(&app, &format!("bad-{fault}"), json!({})).await), first, "{fault}");
        assert_eq!(pid(&app, "bad").await.as_ref(), Some(&first), "the same process after {fault}");
    }
}

#[tokio::test]
async fn one_that_hangs_fails_its_call_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let app = start(folder.path()).await;
    let first = pid(&app, "bad").await.expect("a process");
    let began = Instant::now();
    let meanwhile = async { (pid(&app, "bad").await, pid(&app, "good").await, began.elapsed()) };
    let (hung, (same, other, soon)) = tokio::join!(call(&app, "bad-hang", json!({})), meanwhile);
    assert!(message(&hung).contains("did not answer in time"), "{hung}");
    assert_eq!(same, Some(first.clone()));
    assert!(other.is_some() && soon < Duration::from_secs(3), "{other:?} after {soon:?}");
    assert_eq!(pid(&app, "bad").await, Some(first));
}

#[tokio::test]
async fn one_that_dies_or_says_too_much_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let app = start(folder.path()).await;
    let good = pid(&app, "good").await;
    for fault in ["die", "huge", "die"] {
        let before = pid(&app, "bad").await.expect("a process");
        let answer = call(&app, &format!("bad-{fault}"), json!({})).await;
        assert!(!message(&answer).is_empty(), "{fault}");
        assert_eq!(pid(&app, "good").await, good, "others go on after {fault}");
        app.until(async || pid(&app, "bad").await.is_some_and(|now| now != before)).await;
    }
}
