//! `contextforge reverse-proxy`: a server behind a firewall becomes a gateway, for as long as it is connected.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Child;

use super::ws::{Client, status};
use crate::{
    app::{App, command},
    federation::{
        call, listed,
        peer::{Era, Peer},
        processes::lives,
        register,
    },
};

const ON: (&str, &str) = ("MCPGATEWAY_REVERSE_PROXY_ENABLED", "true");

/// A server that tells its process id, and prints what is no message.
pub(crate) const SERVER: &str = r#"
import json, os, sys
print("starting", flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method = message["method"]
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        answer["result"] = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        answer["result"] = {"tools": [{"name": "pid", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": str(os.getpid())}]}
    else:
        answer["error"] = {"code": -32601, "message": "no"}
    print(json.dumps(answer), flush=True)
"#;

fn publish(app: &App, token: &str, more: &[&str]) -> Child {
    let file = app.folder.path().join("server.py");
    std::fs::write(&file, SERVER).unwrap();
    let mut command = command(app.folder.path(), &[]);
    let server = format!("python3 -u {}", file.display());
    command.args(["reverse-proxy", "--local-stdio", &server, "--gateway", &app.base, "--token", token]);
    command.args(["--name", "Home", "--reconnect-delay", "0.2"]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn pid(app: &App) -> Option<Pid> {
    let answer = call(app, "home-pid", json!({})).await;
    let text = answer["result"]["content"][0]["text"].as_str()?;
    text.parse().ok().and_then(Pid::from_raw)
}

async fn sessions(app: &App) -> Vec<Value> {
    let all = app.get("/reverse-proxy/sessions", &app.admin()).await.expect(200);
    all["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_local_server_is_a_gateway_while_it_is_connected() {
    let app = App::with(&[ON], &[]).await;
    let bob = app.user("bob@example.com").await;
    let mut program = publish(&app, &app.admin(), &[]);
    app.until(async || listed(&app).await == ["home-pid"]).await;
    let first = pid(&app).await.expect("a process");
    let session = sessions(&app).await.remove(0);
    let gateway = session["gateway_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/gateways/{gateway}");
    let row = app.get(&path, &app.admin()).await.expect(200);
    assert_eq!((&row["visibility"], &row["transport"]), (&json!("private"), &json!("STDIO")), "{row}");
    let seen = app.mcp("/mcp", &bob, "tools/list", json!({})).await;
    assert_eq!(seen["result"]["tools"], json!([]), "private is the owner's: {seen}");

    // The server dies, and the connection is taken away: both are found again, as the same gateway.
    kill_process(first, Signal::KILL).unwrap();
    app.until(async || pid(&app).await.is_some_and(|now| now != first)).await;
    app.until(async || sessions(&app).await.iter().any(|session| session["gateway_id"] == json!(gateway)))
        .await;
    let second = pid(&app).await.expect("a process");
    let id = sessions(&app).await.remove(0)["session_id"].as_str().unwrap().to_owned();
    app.send("DELETE", &format!("/reverse-proxy/sessions/{id}"), &app.admin(), None).await.expect(200);
    app.until(async || !lives(second)).await;
    app.until(async || pid(&app).await.is_some_and(|now| now != second)).await;
    let third = pid(&app).await.expect("a process");

    let proxy = Pid::from_raw(i32::try_from(program.id().unwrap()).unwrap()).unwrap();
    kill_process(proxy, Signal::TERM).unwrap();
    assert!(program.wait().await.unwrap().success());
    app.until(async || !lives(third) && sessions(&app).await.is_empty()).await;
    app.until(async || app.get(&path, &app.admin()).await.expect(200)["reachable"] == false).await;
    let gone = call(&app, "home-pid", json!({})).await;
    assert!(gone["error"].is_object(), "{gone}");
    assert_eq!(app.get("/v1/gateways", &app.admin()).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_is_refused_is_told_why() {
    let app = App::with(&[ON], &[]).await;
    let off = App::start().await;
    for (at, token, why) in
        [(&app, "nonsense", "--token"), (&off, &*off.admin(), "MCPGATEWAY_REVERSE_PROXY_ENABLED")]
    {
        let output = publish(at, token, &[]).wait_with_output().await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(why), "{said}");
        assert!(!said.contains(&app.admin()), "{said}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{nobody}");
    let mut lost = command(app.folder.path(), &[]);
    lost.args(["reverse-proxy", "--local-stdio", "true", "--gateway", &address, "--max-retries", "2"]);
    let output = lost.args(["--reconnect-delay", "0.05"]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("gave up after 3 attempts"), "{said}");
    assert_eq!(said.matches("trying again").count(), 2, "{said}");
}

#[tokio::test]
async fn the_door_takes_programs_and_nobody_else() {
    let app = App::with(&[ON], &[]).await;
    let refused = async |token: &str| {
        status(Client::with(&app, "/reverse-proxy/ws", token).await.err().expect("refused"))
    };
    assert_eq!(refused("nonsense").await, 401);
    let first = [json!({ "type": "heartbeat" }), json!({ "type": "register", "server": {} }), json!([])];
    for message in first {
        let mut client = Client::with(&app, "/reverse-proxy/ws", &app.admin()).await.unwrap();
        client.send(&message).await;
        assert_eq!(client.next().await.unwrap()["type"], "error", "{message}");
        assert_eq!(client.next().await, Err(1008));
    }
    // Its own idea of an id is not read, and what does not speak MCP is not registered.
    let mut client = Client::with(&app, "/reverse-proxy/ws", &app.admin()).await.unwrap();
    let server = json!({ "name": "Mute" });
    client.send(&json!({ "type": "register", "sessionId": "mine", "server": server })).await;
    let ack = client.next().await.unwrap();
    assert_eq!((&ack["type"], ack["sessionId"] == "mine"), (&json!("register_ack"), false), "{ack}");
    let asked = client.next().await.unwrap();
    assert_eq!(asked["type"], "request", "{asked}");
    client.send(&json!({ "type": "heartbeat" })).await;
    assert_eq!(client.next().await.unwrap()["type"], "heartbeat");
    client.send(&json!({ "type": "unregister" })).await;
    assert!(client.next().await.is_err());
    app.until(async || sessions(&app).await.is_empty()).await;
    assert_eq!(app.get("/v1/gateways", &app.admin()).await.expect(200), json!([]));
}

/// Programs that connect and say nothing take up no place of those that do.
#[tokio::test]
async fn mute_programs_hold_up_nobody() {
    let app = App::with(&[ON], &[]).await;
    let mut mute = Vec::new();
    for n in 0..20 {
        let mut client = Client::with(&app, "/reverse-proxy/ws", &app.admin()).await.unwrap();
        client.send(&json!({ "type": "register", "server": { "name": format!("Mute {n}") } })).await;
        assert_eq!(client.next().await.unwrap()["type"], "register_ack");
        // The gateway waits for an answer to this from now on.
        assert_eq!(client.next().await.unwrap()["type"], "request");
        mute.push(client);
    }
    let began = Instant::now();
    let peer = Peer::start(Era::Modern).await;
    register(&app, "up", &peer.url()).await;
    let mut program = publish(&app, &app.admin(), &[]);
    app.until(async || listed(&app).await.contains(&"home-pid".to_owned())).await;
    let fresh = app.beside().await;
    assert_eq!(fresh.get("/ready", "").await.status.as_u16(), 200);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "before any of them was given up: {:?}",
        began.elapsed()
    );
    assert_eq!(sessions(&app).await.len(), 21, "all of them are still connected");
    program.kill().await.unwrap();
}
