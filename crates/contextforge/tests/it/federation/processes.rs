//! Stdio servers are gone when the gateway is, however it ended.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;

use super::{call, text};
use crate::app::App;

/// A server that starts a child of its own and tells both process ids.
const SCRIPT: &str = r#"
import json, os, subprocess, sys
child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method = message["method"]
    if method == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "pids", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": f"{os.getpid()} {child.pid}"}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

async fn started() -> (App, Vec<Pid>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    let servers =
        json!({ "mcpServers": { "local": { "command": "python3", "args": ["-u", "-c", SCRIPT] } } });
    std::fs::write(&file, servers.to_string()).unwrap();
    let app = App::with(&[], &["--servers", file.to_str().unwrap()]).await;
    app.until(async || super::listed(&app).await == ["local-pids"]).await;
    let answer = call(&app, "local-pids", json!({})).await;
    let pids: Vec<Pid> =
        text(&answer).split(' ').map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect();
    assert!(pids.iter().all(|pid| lives(*pid)), "{pids:?}");
    (app, pids)
}

/// Whether a process runs. One that ended and that nobody waited for yet does not.
pub(crate) fn lives(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let state =
        stat.ok().and_then(|stat| stat.rsplit(')').next()?.split_whitespace().next().map(str::to_owned));
    match state {
        Some(state) => state != "Z",
        None => !cfg!(target_os = "linux") && test_kill_process(pid).is_ok(),
    }
}

async fn ends_with(signal: Signal) {
    let (mut app, pids) = started().await;
    let gateway = Pid::from_raw(i32::try_from(app.process.id().unwrap()).unwrap()).unwrap();
    kill_process(gateway, signal).unwrap();
    app.process.wait().await.unwrap();
    app.until(async || !pids.iter().any(|pid| lives(*pid))).await;
}

#[tokio::test]
async fn a_stop_takes_whole_process_groups_along() {
    ends_with(Signal::TERM).await;
}

#[tokio::test]
async fn a_kill_takes_whole_process_groups_along() {
    ends_with(Signal::KILL).await;
}
