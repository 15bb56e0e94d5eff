//! Sessions that are open: whose they are, what they are called, and what many of them cost.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    doors::ws::{Client, status},
    people::{ANN, BOB},
};

const REVERSE: (&str, &str) = ("MCPGATEWAY_REVERSE_PROXY_ENABLED", "true");

/// A session token of somebody who may register gateways outside of their teams.
async fn publisher(app: &App, email: &str) -> String {
    let token = app.user(email).await;
    let name = email.split('@').next().unwrap();
    let role = json!({ "name": name, "scope": "global", "permissions": ["gateways.create"] });
    let role = app.post("/rbac/roles", &app.admin(), role).await.expect(200);
    let given = json!({ "role_id": role["id"], "scope": "global" });
    app.post(&format!("/rbac/users/{email}/roles"), &app.admin(), given).await.expect(200);
    token
}

/// A program that has connected, and the id of its session.
async fn connected(app: &App, token: &str, headers: &[(&'static str, &str)]) -> (Client, String) {
    let bearer = format!("Bearer {token}");
    let headers: Vec<_> = [("authorization", bearer.as_str())].iter().chain(headers).copied().collect();
    let mut client = Client::open(app, "/reverse-proxy/ws", &headers).await.unwrap();
    client.send(&json!({ "type": "register", "sessionId": "mine", "server": { "name": "Mute" } })).await;
    let ack = client.next().await.unwrap();
    assert_eq!(ack["type"], "register_ack", "{ack}");
    // It is asked what it is, and does not say.
    assert_eq!(client.next().await.unwrap()["type"], "request");
    (client, ack["sessionId"].as_str().unwrap().to_owned())
}

async fn listed(app: &App, token: &str) -> HashSet<String> {
    let all = app.get("/reverse-proxy/sessions", token).await.expect(200);
    let ids = all["sessions"].as_array().unwrap().iter();
    let ids: HashSet<String> = ids.map(|one| one["session_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all["total"], json!(ids.len()));
    ids
}

/// The catalogue's cases 6-01 and 6-02, with programs that are connected.
#[tokio::test]
async fn everybody_reaches_their_own_programs_and_administrators_all() {
    let app = App::with(&[REVERSE], &[]).await;
    let (ann, bob) = (publisher(&app, ANN).await, publisher(&app, BOB).await);
    let chosen = "0123456789abcdef0123456789abcdef";
    let own_id = [("x-session-id", chosen), ("mcp-session-id", chosen)];
    let (mut anns, first) = connected(&app, &ann, &own_id).await;
    let (_bobs, second) = connected(&app, &bob, &[]).await;
    let set = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<HashSet<_>>();
    assert!(first != second && [&first, &second].iter().all(|id| *id != chosen && id.len() == 32));
    assert_eq!(listed(&app, &ann).await, set(&[&first]));
    assert_eq!(listed(&app, &bob).await, set(&[&second]));
    assert_eq!(listed(&app, &app.admin()).await, set(&[&first, &second]));
    // An administrator whose token reaches less sees less, and nobody sees anything without a credential.
    let narrow = crate::tokens::signed(ADMIN, json!({ "teams": [] }));
    assert_eq!(listed(&app, &narrow).await, HashSet::new());
    assert_eq!(app.get("/reverse-proxy/sessions", "").await.status.as_u16(), 401);
    let path = format!("/reverse-proxy/sessions/{first}");
    for (method, token, expected) in [
        ("GET", "", 401),
        ("GET", bob.as_str(), 404),
        ("DELETE", bob.as_str(), 404),
        ("DELETE", narrow.as_str(), 404),
        ("GET", ann.as_str(), 200),
        ("DELETE", ann.as_str(), 200),
        ("GET", ann.as_str(), 404),
    ] {
        let reply = app.send(method, &path, token, None).await;
        assert_eq!(reply.status.as_u16(), expected, "{method} {token}: {:?}", reply.body);
    }
    while anns.next().await.is_ok() {}
    assert_eq!(listed(&app, &app.admin()).await, set(&[&second]), "the other one goes on");
}

/// The catalogue's case 4-02 for programs: their connection ends with the token that opened it.
#[tokio::test]
async fn a_program_goes_with_its_credential() {
    let app = App::with(&[REVERSE], &[]).await;
    let ann = publisher(&app, ANN).await;
    let (mut program, _) = connected(&app, &ann, &[]).await;
    let began = std::time::Instant::now();
    app.post("/auth/logout", &ann, json!({})).await.expect(200);
    while program.next().await.is_ok() {}
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(listed(&app, &app.admin()).await, HashSet::new());
}

fn initialize() -> String {
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string()
}

/// Kilobytes of memory that a process uses.
fn memory(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.process.id().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The catalogue's case 6-03: an id in other hands is none, and its owner does not notice.
#[tokio::test]
async fn a_session_of_mcp_is_its_openers() {
    let app = App::start().await;
    let (ann, bob) = (app.user(ANN).await, app.user(BOB).await);
    let opened =
        app.mcp_raw("/mcp", &ann, &initialize(), &[("mcp-session-id", "chosen-by-the-client")]).await;
    let id = opened.header("mcp-session-id").to_owned();
    assert!(id.len() > 60, "made here: {id}");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let post = async |token: &str| {
        app.mcp_raw("/mcp", token, ping, &[("mcp-session-id", &id)]).await.status.as_u16()
    };
    assert_eq!((post(&ann).await, post(&bob).await), (200, 404));
    for method in ["GET", "DELETE"] {
        let used = app.send_in_session(method, &bob, &id).await;
        assert!([404, 406].contains(&used), "{method}: {used}");
    }
    assert_eq!(post(&ann).await, 200, "it goes on");
    assert_eq!(app.send_in_session("DELETE", &ann, &id).await, 200);
    assert_eq!(post(&ann).await, 404, "a late message");
}

/// The catalogue's cases 6-05 and 6-07 for sessions of MCP: ids are sealed, and nothing is kept of them, so that there is
/// no number of them to refuse.
#[tokio::test]
async fn a_flood_of_sessions_takes_no_memory_and_no_id_comes_twice() {
    let app = App::start().await;
    let admin = app.admin();
    let open = async |count: usize| {
        let mut ids = HashSet::new();
        for _ in 0..count {
            let reply = app.mcp_raw("/mcp", &admin, &initialize(), &[]).await;
            assert!(ids.insert(reply.header("mcp-session-id").to_owned()));
        }
        ids
    };
    open(500).await;
    let before = memory(&app);
    let ids = open(3000).await;
    let grown = memory(&app).saturating_sub(before);
    // One kilobyte for each would be three megabytes.
    assert!(grown < 2048, "{grown} kB");
    // Two ids have no more in common than the few letters that name their form and their key.
    let list: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
    let shared = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let most = list.windows(2).map(|two| shared(two[0], two[1])).max().unwrap();
    assert!(most < 12 && list.iter().all(|id| id.len() > 60), "{most}");
}

/// The catalogue's case 2-21 at the doors that open a connection.
#[tokio::test]
async fn a_program_names_itself_in_a_header_only() {
    let app = App::with(&[REVERSE], &[]).await;
    let admin = app.admin();
    for path in
        [format!("/reverse-proxy/ws?token={admin}"), format!("/reverse-proxy/ws?access_token={admin}")]
    {
        assert_eq!(status(Client::open(&app, &path, &[]).await.err().expect("refused")), 401, "{path}");
    }
    let narrow = crate::tokens::signed(ADMIN, json!({ "scopes": { "permissions": ["tools.read"] } }));
    let bound = crate::tokens::signed(ADMIN, json!({ "scopes": { "server_id": "0".repeat(32) } }));
    for token in [narrow, bound] {
        let refused = Client::with(&app, "/reverse-proxy/ws", &token).await.err().expect("refused");
        assert_eq!(status(refused), 403);
    }
    let none: Value = app.get("/reverse-proxy/sessions", &admin).await.expect(200);
    assert_eq!(none["total"], 0);
}
