//! One credential, every door: what a token may do is the same over REST, MCP, `/rpc` and HTTP+SSE, whatever kind of key
//! signed it, and it ends at all of them at once.

use serde_json::{Value, json};

use super::{Signer, header_of, run};
use crate::{
    app::{ADMIN, App},
    doors::sse::Client,
    token,
};

const ANN: &str = "ann@example.com";

/// A gateway that signs with this algorithm, a server with `demo-echo` alone, and whoever else holds the key.
struct World {
    app: App,
    server: String,
    signer: Signer,
    _folder: tempfile::TempDir,
}

impl World {
    async fn of(algorithm: &'static str, make: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("keys");
        let arguments = [&["keys", "generate"], make, &["--out", out.to_str().unwrap()]].concat();
        let keys = run(folder.path(), &[], &arguments).await;
        let path = |name: &str| keys[name].as_str().unwrap().to_owned();
        let (private, public) = (path("private"), path("public"));
        let vars = [
            ("JWT_ALGORITHM", algorithm),
            ("JWT_PRIVATE_KEY_PATH", private.as_str()),
            ("JWT_PUBLIC_KEY_PATH", public.as_str()),
        ];
        let app = App::with(&vars, &["--demo"]).await;
        let signer = Signer::new(algorithm, private.as_ref());
        let admin = signer.sign(&token::claims(ADMIN));
        let tools = app.get("/v1/tools?limit=0", &admin).await.expect(200);
        let echo = tools.as_array().unwrap().iter().find(|tool| tool["name"] == "demo-echo").unwrap();
        let body =
            json!({ "server": { "name": "s", "associated_tools": [echo["id"]] }, "visibility": "public" });
        let server =
            app.post("/v1/servers", &admin, body).await.expect(201)["id"].as_str().unwrap().to_owned();
        let account = json!({ "email": ANN, "password": crate::app::PASSWORD, "full_name": "Ann" });
        app.post("/auth/email/admin/users", &admin, account).await.expect(201);
        Self { app, server, signer, _folder: folder }
    }

    #[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
    fn sign(&self, email: &str, more: Value) -> String {
        let mut claims = token::claims(email);
        claims["user"]["is_admin"] = json!(email == ADMIN);
        claims["jti"] = json!(format!("{email}{more}"));
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.signer.sign(&claims)
    }

    /// Where MCP is spoken: everything, then the server alone.
    fn doors(&self) -> [Vec<String>; 2] {
        let everything = ["/mcp", "/mcp/", "/rpc", "/sse"].map(str::to_owned).to_vec();
        [everything, vec![format!("/servers/{}/mcp", self.server), format!("/servers/{}/sse", self.server)]]
    }

    async fn ask(&self, door: &str, token: &str, method: &str, params: Value) -> Value {
        if door.ends_with("/sse") {
            Client::open(&self.app, door, token).await.ask(method, params).await.0
        } else {
            self.app.mcp(door, token, method, params).await
        }
    }

    /// The tools that a door lists, and what becomes of calls of two of them.
    async fn seen(&self, door: &str, token: &str) -> (Vec<String>, [&'static str; 2]) {
        let listed = self.ask(door, token, "tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("{door}: {listed}"));
        let names = tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        let mut outcomes = ["", ""];
        let calls = [("demo-echo", json!({ "text": "hi" })), ("demo-get-time", json!({}))];
        for (outcome, (name, arguments)) in outcomes.iter_mut().zip(calls) {
            let params = json!({ "name": name, "arguments": arguments });
            let answer = self.ask(door, token, "tools/call", params).await;
            *outcome = match answer["error"]["code"].as_i64() {
                None => "done",
                Some(-32003) => "refused",
                Some(-32602) => "hidden",
                Some(_) => panic!("{door} {name}: {answer}"),
            };
        }
        (names, outcomes)
    }

    /// What REST lists, or its status.
    async fn rest(&self, path: &str, token: &str) -> Result<Vec<String>, u16> {
        let reply = self.app.get(&format!("{path}?limit=0"), token).await;
        if reply.status.as_u16() != 200 {
            return Err(reply.status.as_u16());
        }
        let rows = reply.json();
        let mut names: Vec<String> =
            rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Refused with 401 at every door, of MCP and others.
    async fn is_nobody(&self, token: &str, why: &str) {
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        for door in self.doors().concat() {
            let status = if door.ends_with("/sse") {
                self.app.get(&door, token).await.status
            } else {
                self.app.mcp_raw(&door, token, ping, &[]).await.status
            };
            assert_eq!(status.as_u16(), 401, "{why}: {door}");
        }
        for path in ["/v1/tools", "/tools", "/v1/servers", "/openapi.json", "/auth/validate", "/tokens"] {
            assert_eq!(self.app.get(path, token).await.status.as_u16(), 401, "{why}: {path}");
        }
        let message = "/message?session_id=x";
        assert_eq!(self.app.post(message, token, json!({})).await.status.as_u16(), 401, "{why}: {message}");
    }
}

/// What a token is to come to: at the doors to everything, at those of the server, and whether REST lists tools.
struct Expected<'a> {
    who: &'a str,
    token: String,
    listed: &'a [String],
    calls: [&'a str; 2],
    calls_on_server: [&'a str; 2],
    rest: bool,
}

impl World {
    async fn check(&self, expected: Expected<'_>) {
        let Expected { who, token, listed, calls, calls_on_server, rest } = expected;
        let [everything, server] = self.doors();
        for door in everything {
            let (mut names, found) = self.seen(&door, &token).await;
            names.sort_unstable();
            assert_eq!((names.as_slice(), found), (listed, calls), "{who} {door}");
        }
        for door in server {
            let (names, found) = self.seen(&door, &token).await;
            assert_eq!((names.join(" ").as_str(), found), ("demo-echo", calls_on_server), "{who} {door}");
        }
        for path in ["/v1/tools", "/tools"] {
            let expected = if rest { Ok(listed.to_vec()) } else { Err(403) };
            assert_eq!(self.rest(path, &token).await, expected, "{who} {path}");
        }
    }

    /// Tokens that count no longer, or never did, open no door.
    async fn check_endings(&self, full: &str, session: &str) {
        let mut changed = full.to_owned();
        changed.replace_range(full.len() - 9..full.len() - 4, "AAAAA");
        self.is_nobody(&changed, "a changed signature").await;
        self.is_nobody(&self.sign(ADMIN, json!({ "exp": token::now() - 1 })), "an old one").await;
        let body = json!({ "name": "ci", "expires_in_days": 1 });
        let issued = self.app.post("/tokens", session, body).await.expect(201);
        let raw = issued["access_token"].as_str().unwrap();
        assert_eq!(self.seen("/sse", raw).await.1, ["done", "done"]);
        let path = format!("/tokens/{}", issued["token"]["id"].as_str().unwrap());
        assert_eq!(self.app.send("DELETE", &path, session, None).await.status.as_u16(), 204);
        self.is_nobody(raw, "revoked").await;
        self.app.post("/auth/logout", session, json!({})).await.expect(200);
        self.is_nobody(session, "logged out").await;
    }
}

async fn one_decision_at_every_door(algorithm: &'static str, make: &[&str]) {
    let world = World::of(algorithm, make).await;
    let full = world.sign(ADMIN, json!({}));
    let (mut all, _) = world.seen("/mcp", &full).await;
    all.sort_unstable();
    assert!(all.len() > 2 && all.contains(&"demo-get-time".to_owned()), "{all:?}");
    let session = world.app.login(ADMIN).await;
    assert_eq!(header_of(&session)["alg"], algorithm);
    let scoped = |scopes: Value| world.sign(ADMIN, json!({ "scopes": scopes }));
    let (done, refused, only_echo) = (["done", "done"], ["refused", "refused"], ["done", "hidden"]);
    let anybody = |who, token, calls, calls_on_server| {
        let listed = all.as_slice();
        Expected { who, token, listed, calls, calls_on_server, rest: true }
    };
    let reads = scoped(json!({ "permissions": ["tools.read"] }));
    let runs = scoped(json!({ "permissions": ["tools.read", "tools.execute"] }));
    world.check(anybody("full", full.clone(), done, only_echo)).await;
    world.check(anybody("session", session.clone(), done, only_echo)).await;
    world.check(anybody("reads", reads, refused, refused)).await;
    world.check(anybody("reads and runs", runs, done, only_echo)).await;
    let viewer = world.sign(ANN, json!({ "teams": [] }));
    world.check(anybody("viewer", viewer, refused, refused)).await;
    let bound = anybody("bound", scoped(json!({ "server_id": world.server })), only_echo, only_echo);
    world.check(Expected { listed: &["demo-echo".to_owned()], rest: false, ..bound }).await;
    world.check_endings(&full, &session).await;
}

#[tokio::test]
async fn tokens_of_rs256_are_the_same_at_every_door() {
    one_decision_at_every_door("RS256", &["rsa", "--bits", "2048"]).await;
}

#[tokio::test]
async fn tokens_of_es256_are_the_same_at_every_door() {
    one_decision_at_every_door("ES256", &["ecdsa", "--curve", "P-256"]).await;
}

#[tokio::test]
async fn tokens_of_es512_are_the_same_at_every_door() {
    one_decision_at_every_door("ES512", &["ecdsa", "--curve", "P-521"]).await;
}
