//! Starts, stops and sudden ends.

use std::process::Stdio;

use http_body_util::BodyExt;
use serde_json::json;

use crate::app::{App, command};

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let mut app = App::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let body = json!({ "server": { "name": format!("s{n}") } });
        ids.push(
            app.post("/v1/servers", &app.admin(), body).await.expect(201)["id"].as_str().unwrap().to_owned(),
        );
    }
    app.kill_and_restart().await;
    for id in ids {
        app.get(&format!("/v1/servers/{id}"), &app.admin()).await.expect(200);
    }
    let mut vars = vec![
        ("JWT_SECRET_KEY".to_owned(), crate::token::KEY.to_owned()),
        ("AUTH_ENCRYPTION_SECRET".to_owned(), "v8-test-encryption-secret_that-is-long_7Rw2".to_owned()),
    ];
    vars.extend(app.database_url().map(|url| ("DATABASE_URL".to_owned(), url)));
    let verified =
        command(app.folder.path(), &vars).args(["db", "verify-audit", "--json"]).output().await.unwrap();
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["first_broken"], json!(null));
    assert!(verified["rows"].as_u64().unwrap() >= 5, "{verified}");
}

#[tokio::test]
async fn a_stop_lets_requests_finish() {
    let mut app = App::start().await;
    let params =
        json!({ "name": "demo-slow-count", "arguments": { "steps": 3 }, "_meta": { "progressToken": 1 } });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let mut answer = app.mcp_stream("/mcp", &app.admin(), &body).await;
    // The first progress has come: the call is under way.
    let first = answer.body_mut().frame().await.unwrap().unwrap();
    let pid = i32::try_from(app.process.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let rest = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(first.data_ref().unwrap()).contains("notifications/progress"));
    assert!(String::from_utf8_lossy(&rest).contains(r#""id":1"#), "{rest:?}");
    let status = app.process.wait().await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn production_refuses_to_start_and_names_everything() {
    let folder = tempfile::tempdir().unwrap();
    let vars = [("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", "short"), ("PORT", "many")];
    let vars: Vec<_> = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let output = command(folder.path(), &vars).arg("serve").stdout(Stdio::piped()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(64));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    for name in ["JWT_SECRET_KEY", "AUTH_ENCRYPTION_SECRET", "PLATFORM_ADMIN_PASSWORD", "PORT"] {
        assert!(text.contains(name), "{name} is missing: {text}");
    }
}

#[tokio::test]
async fn the_command_line_works_with_a_running_gateway() {
    let app = App::start().await;
    let vars = vec![
        ("CONTEXTFORGE_URL".to_owned(), app.base.clone()),
        ("CONTEXTFORGE_TOKEN".to_owned(), app.admin()),
    ];
    let run = async |args: &[&str]| {
        let output = command(app.folder.path(), &vars).args(args).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, text) = run(&["tool", "list"]).await;
    assert!(code == Some(0) && text.contains("demo-echo"), "{code:?} {text}");
    let (code, text) = run(&["tool", "call", "demo-echo", r#"{"text":"hi"}"#]).await;
    assert_eq!((code, text.trim()), (Some(0), "hi"));
    let (code, text) = run(&["gateway", "list", "--json"]).await;
    assert!(code == Some(0) && text.contains("\"demo\""), "{code:?} {text}");
    let (code, text) = run(&["tool", "call", "nope"]).await;
    assert!(code == Some(1) && text.contains("nope"), "{code:?} {text}");
}

#[tokio::test]
async fn tokens_of_the_command_line_are_contextforges() {
    let folder = tempfile::tempdir().unwrap();
    let vars = vec![("JWT_SECRET_KEY".to_owned(), crate::token::KEY.to_owned())];
    let claims = async |args: &[&str]| {
        let output = command(folder.path(), &vars)
            .args(["token", "create", "-u", "ann@example.com"])
            .args(args)
            .output()
            .await
            .unwrap();
        let warning = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(warning.contains("bypasses"), "{warning}");
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let payload = token.split('.').nth(1).unwrap().to_owned();
        let bytes =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
    };
    let plain = claims(&[]).await;
    assert_eq!(
        (&plain["sub"], &plain["iss"], &plain["aud"]),
        (&json!("ann@example.com"), &json!("mcpgateway"), &json!("mcpgateway-api"))
    );
    assert!(plain.get("teams").is_none() && plain.get("user").is_none(), "public only: {plain}");
    let admin = claims(&["--admin", "--exp", "5"]).await;
    assert_eq!((&admin["teams"], &admin["user"]["is_admin"]), (&json!(null), &json!(true)));
    assert_eq!(admin["exp"].as_i64().unwrap() - admin["iat"].as_i64().unwrap(), 300);
    let teams = claims(&["--teams", "a,b", "--scopes", r#"{"permissions":["tools.read"]}"#]).await;
    assert_eq!(
        (&teams["teams"], &teams["scopes"]["permissions"]),
        (&json!(["a", "b"]), &json!(["tools.read"]))
    );
}

#[tokio::test]
async fn a_database_of_the_python_gateway_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    sqlx::query("CREATE TABLE alembic_version (version_num TEXT)").execute(&pool).await.unwrap();
    pool.close().await;
    let before = std::fs::read(&file).unwrap();
    let vars = vec![("DATABASE_URL".to_owned(), "sqlite:///./mcp.db".to_owned())];
    let output = command(folder.path(), &vars).arg("serve").output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("import"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

/// A password hash of 256 MiB is made when the administrator is; the process is quiet afterwards.
#[tokio::test]
async fn memory_that_a_burst_took_goes_back_to_the_system() {
    let vars = [("ARGON2ID_MEMORY_COST", "262144"), ("ARGON2ID_TIME_COST", "1")];
    let app = App::with(&vars, &[]).await;
    let status = format!("/proc/{}/status", app.process.id().unwrap());
    let kilobytes = |name: &str| -> u64 {
        let text = std::fs::read_to_string(&status).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(kilobytes("VmHWM") > 256 * 1024, "the hash was made in this process");
    app.until(async || kilobytes("RssAnon") < 128 * 1024).await;
}
