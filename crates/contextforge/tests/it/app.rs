//! A gateway under test, and a client for it.

use std::{
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::token;

pub(crate) const ADMIN: &str = "admin@example.com";
pub(crate) const PASSWORD: &str = "Correct-horse-battery-staple-9";
const PATIENCE: Duration = Duration::from_secs(30);
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// A running gateway.
pub(crate) struct App {
    pub(crate) process: Child,
    pub(crate) base: String,
    pub(crate) folder: Arc<TempDir>,
    vars: Vec<(String, String)>,
    args: Vec<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {:?} {:?}", self.status, self.body))
    }

    /// The body of an answer 403 without the number of the refusal, which has to be there and in the header.
    pub(crate) fn refused(&self) -> Value {
        assert_eq!(self.status.as_u16(), 403, "{:?}", self.body);
        let mut body = self.json();
        let id = body.as_object_mut().unwrap().remove("decision_id");
        assert_eq!(id, Some(json!(self.header("x-decision-id"))), "{:?}", self.body);
        body
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

impl App {
    /// With the demonstration server.
    pub(crate) async fn start() -> Self {
        Self::with(&[], &["--demo"]).await
    }

    /// With more variables and options.
    pub(crate) async fn with(vars: &[(&str, &str)], args: &[&str]) -> Self {
        Self::logging_to(Stdio::inherit(), vars, args).await
    }

    /// The same with another place for its log.
    pub(crate) async fn logging_to(log: Stdio, vars: &[(&str, &str)], args: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut all: Vec<(String, String)> = [
            ("JWT_SECRET_KEY", token::KEY),
            ("AUTH_ENCRYPTION_SECRET", "v8-test-encryption-secret_that-is-long_7Rw2"),
            ("PLATFORM_ADMIN_PASSWORD", PASSWORD),
            ("PORT", "0"),
            ("LOG_LEVEL", "warn"),
            ("ARGON2ID_MEMORY_COST", "8192"),
            ("ARGON2ID_TIME_COST", "1"),
            ("FAILED_LOGIN_MIN_RESPONSE_MS", "0"),
            ("SSRF_ALLOW_LOCALHOST", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        all.extend(database().await.map(|url| ("DATABASE_URL".to_owned(), url)));
        for (name, value) in vars {
            all.retain(|(existing, _)| existing != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let (process, base) = launch(folder.path(), &all, &args, log).await;
        Self { process, base, folder, vars: all, args }
    }

    /// Another gateway process on the same database.
    pub(crate) async fn beside(&self) -> Self {
        let (folder, vars, args) = (Arc::clone(&self.folder), self.vars.clone(), self.args.clone());
        let (process, base) = launch(folder.path(), &vars, &args, Stdio::inherit()).await;
        Self { process, base, folder, vars, args }
    }

    /// Ends the gateway as a power cut would, and starts it again on the same data.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.process.kill().await.unwrap();
        (self.process, self.base) =
            launch(self.folder.path(), &self.vars, &self.args, Stdio::inherit()).await;
    }

    /// Sets a variable from the next start on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.retain(|(existing, _)| existing != name);
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    /// The variables that it was started with.
    pub(crate) fn vars(&self) -> &[(String, String)] {
        &self.vars
    }

    /// What the gateway was told of its database, if anything.
    pub(crate) fn database_url(&self) -> Option<String> {
        self.vars.iter().find(|(name, _)| name == "DATABASE_URL").map(|(_, url)| url.clone())
    }

    /// An administrator's token that reaches everything.
    #[expect(clippy::unused_self, reason = "reads as what it is for at each use")]
    pub(crate) fn admin(&self) -> String {
        token::sign(&token::claims(ADMIN))
    }

    pub(crate) async fn send(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or_else(String::new, |body| body.to_string());
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        raw(request.body(Full::from(body)).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.send("GET", path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        self.send("POST", path, token, Some(body)).await
    }

    /// A legacy MCP request without a session.
    pub(crate) async fn mcp(&self, path: &str, token: &str, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        self.mcp_raw(path, token, &message.to_string(), &[]).await.json()
    }

    /// A request to an MCP endpoint, byte for byte.
    pub(crate) async fn mcp_raw(
        &self,
        path: &str,
        token: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(Method::POST).uri(format!("{}{path}", self.base));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let defaults =
            [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        for (name, value) in
            defaults.iter().filter(|(name, _)| !headers.iter().any(|(given, _)| given == name))
        {
            request = request.header(*name, *value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        raw(request.body(Full::from(body.to_owned())).unwrap()).await
    }

    /// A request without a body in an MCP session; gives the status.
    pub(crate) async fn send_in_session(&self, method: &str, token: &str, session: &str) -> u16 {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/mcp", self.base))
            .header("authorization", format!("Bearer {token}"))
            .header("mcp-session-id", session);
        raw(request.body(Full::default()).unwrap()).await.status.as_u16()
    }

    /// The same, with the body still to be read.
    pub(crate) async fn mcp_stream(&self, path: &str, token: &str, body: &str) -> Response<Incoming> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Full::from(body.to_owned()))
            .unwrap();
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.unwrap()
    }

    /// Asks until the answer is yes, for as long as a person would wait.
    pub(crate) async fn until(&self, mut ask: impl AsyncFnMut() -> bool) {
        let asking = async {
            while !ask().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("it became true in time");
    }

    /// Makes a user through the API and gives a session token of theirs.
    pub(crate) async fn user(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD, "full_name": "Somebody" });
        self.post("/auth/email/admin/users", &self.admin(), body).await.expect(201);
        self.login(email).await
    }

    pub(crate) async fn login(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.post("/auth/login", "", body).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// Sends a request as it is.
pub(crate) async fn raw(request: Request<Full<Bytes>>) -> Reply {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response =
        tokio::time::timeout(PATIENCE, client.request(request)).await.expect("an answer in time").unwrap();
    let (parts, body) = response.into_parts();
    let body =
        tokio::time::timeout(PATIENCE, body.collect()).await.expect("a body in time").unwrap().to_bytes();
    Reply { status: parts.status, headers: parts.headers, body }
}

/// The command, with nothing of this process's environment.
pub(crate) fn command(folder: &Path, vars: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contextforge"));
    let path = std::env::vars_os().find(|(name, _)| name == "PATH").map(|(_, path)| path).unwrap_or_default();
    command.env_clear().env("PATH", path).envs(vars.iter().cloned()).current_dir(folder);
    command.arg("--data-dir").arg(folder.join("data")).kill_on_drop(true);
    command
}

async fn launch(folder: &Path, vars: &[(String, String)], args: &[String], log: Stdio) -> (Child, String) {
    let mut command = command(folder, vars);
    command.arg("serve").args(args).stdout(Stdio::piped()).stderr(log);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(url) = line.trim().strip_prefix("MCP endpoint") {
                return url.trim().split("/mcp").next().unwrap().to_owned();
            }
        }
        panic!("the gateway ended before it was ready");
    };
    let base = tokio::time::timeout(PATIENCE, found).await.expect("a start in time");
    // What follows of the banner must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, base)
}

/// The URL of a fresh PostgreSQL schema, where the tests are to run on PostgreSQL.
async fn database() -> Option<String> {
    let var = |wanted: &str| std::env::vars_os().find(|(name, _)| name == wanted)?.1.into_string().ok();
    if var("TEST_DATABASE").as_deref() != Some("postgres") {
        return None;
    }
    Some(fresh_schema(&var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL names a server")).await)
}

/// The URL of a fresh schema on a PostgreSQL server.
pub(crate) async fn fresh_schema(server: &str) -> String {
    let name = format!("it_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let pool = sqlx::PgPool::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    let glue = if server.contains('?') { '&' } else { '?' };
    format!("{server}{glue}options=-c%20search_path%3D{name}")
}
