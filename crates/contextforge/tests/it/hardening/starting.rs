//! Starts with a configuration that must not be started with, and the folder that a start leaves behind.

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::{
    app::{App, command},
    token,
};

/// Exit code and everything that was printed.
async fn run(folder: &Path, vars: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String) {
    let mut all = vec![
        ("JWT_SECRET_KEY".to_owned(), token::KEY.to_owned()),
        ("AUTH_ENCRYPTION_SECRET".to_owned(), "v8-test-encryption-secret_that-is-long_7Rw2".to_owned()),
        ("PORT".to_owned(), "0".to_owned()),
    ];
    for (name, value) in vars {
        all.retain(|(existing, _)| existing != name);
        all.push(((*name).to_owned(), (*value).to_owned()));
    }
    let mut command = command(folder, &all);
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), command.args(args).output());
    let output = ended.await.expect("it started and stayed").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn weak_keys_and_unknown_words_start_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, says) in [
        ("JWT_SECRET_KEY", "__REPLACE_ME__run_init-secrets_before_starting", "placeholder"),
        ("AUTH_ENCRYPTION_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "entropy"),
        ("LOG_LEVEL", "loud", "error, warn, info, debug, trace"),
        ("LOG_FORMAT", "xml", "json or text"),
        ("HEADER_TIMEOUT_SECONDS", "0", "1 to 3600"),
    ] {
        let (code, text) = run(folder.path(), &[(name, value)], &["serve"]).await;
        assert_eq!(code, Some(64), "{name}={value}: {text}");
        assert!(text.contains(name) && text.contains(says), "{name}={value}: {text}");
        assert!(name.starts_with("LOG") || name.starts_with("HEADER") || !text.contains(value), "{text}");
    }
}

/// The catalogue's case 2-14. In development a weak key is remarked on; a placeholder starts nowhere.
#[tokio::test]
async fn a_weak_signing_key_does_not_start_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let good = "Zk7-test-signing-key_that-is-long_3Qx9";
    for (key, refused) in [
        (&good[..31], true),
        ("my-test-key-but-now-longer-than-32-bytes", true),
        ("my-test-key", true),
        (good, false),
    ] {
        let vars = [("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", key)];
        let (_, text) = run(folder.path(), &vars, &["config", "check"]).await;
        assert_eq!(text.contains("problem: JWT_SECRET_KEY"), refused, "{text}");
        assert!(!text.contains(key), "{text}");
        let (code, text) = run(folder.path(), &vars, &["serve"]).await;
        // Something else is missing in every case, so that nothing starts here.
        assert_eq!((code, text.contains("JWT_SECRET_KEY")), (Some(64), refused), "{text}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("postgresql://somebody:DBPW-CANARY@127.0.0.1:{port}/x");
    let started = std::time::Instant::now();
    let (code, text) = run(folder.path(), &[("DATABASE_URL", &url)], &["serve"]).await;
    assert!(started.elapsed() < std::time::Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("DATABASE_URL") && text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(!text.contains("DBPW-CANARY"), "{text}");
}

#[tokio::test]
async fn the_data_folder_is_its_owners_alone() {
    let app = App::with(&[], &[]).await;
    let data = app.folder.path().join("data");
    let mode = || std::fs::metadata(&data).map(|data| data.permissions().mode() & 0o777);
    // With PostgreSQL and secrets from the environment there is no folder at all.
    assert!(mode().is_err() || mode().unwrap() == 0o700);
    let folder = tempfile::tempdir().unwrap();
    let loose = folder.path().join("data");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o777)).unwrap();
    let (code, text) = run(folder.path(), &[], &["db", "migrate", "--json"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(std::fs::metadata(&loose).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_migration_reports_to_scripts() {
    let folder = tempfile::tempdir().unwrap();
    for fresh in [true, false] {
        let (code, text) = run(folder.path(), &[], &["db", "migrate", "--json"]).await;
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((code, &report["ok"]), (Some(0), &serde_json::json!(true)), "{text}");
        assert_eq!(report["applied"].as_u64().unwrap() > 0, fresh, "{text}");
    }
}
