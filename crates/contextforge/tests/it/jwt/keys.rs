//! Keys of every family, made by the command line, published, and changed while the gateway runs.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;

use super::{Signer, header_of, pair, run};
use crate::{
    app::{ADMIN, App, PASSWORD, command},
    token,
};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn every_algorithm_serves_from_generated_keys() {
    for (kind, more, algorithm) in [
        ("rsa", ["--bits", "2048"], "RS384"),
        ("rsa", ["--bits", "2048"], "RS512"),
        ("ecdsa", ["--curve", "P-256"], "ES256"),
        ("ecdsa", ["--curve", "P-384"], "ES384"),
        ("ecdsa", ["--curve", "P-521"], "ES512"),
        ("hmac", ["--bits", "2048"], "HS512"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("keys");
        let made = [&["keys", "generate", kind, "--out", out.to_str().unwrap()], &more[..]].concat();
        let made = run(folder.path(), &[], &made).await;
        let private = made["private"].as_str().unwrap();
        assert_eq!(mode(Path::new(private)), 0o600, "{kind}");
        let secret = std::fs::read_to_string(private).unwrap();
        let vars = match made["public"].as_str() {
            None => vec![("JWT_ALGORITHM", algorithm), ("JWT_SECRET_KEY", secret.trim())],
            Some(public) => {
                assert_eq!(mode(Path::new(public)), 0o644);
                let paths = [("JWT_PRIVATE_KEY_PATH", private), ("JWT_PUBLIC_KEY_PATH", public)];
                [vec![("JWT_ALGORITHM", algorithm)], paths.to_vec()].concat()
            }
        };
        let app = App::with(&vars, &[]).await;
        let session = app.login(ADMIN).await;
        app.get("/v1/tools", &session).await.expect(200);
        assert_eq!(header_of(&session)["alg"], algorithm);
        let create = ["token", "create", "--username", ADMIN, "--admin", "--exp", "5"];
        let by_command = run(folder.path(), &vars, &create).await;
        app.get("/v1/tools", by_command["access_token"].as_str().unwrap()).await.expect(200);
        if let Some(("JWT_PRIVATE_KEY_PATH", path)) = vars.get(1) {
            let named = [&create[..], &["--algo", algorithm, "--key", *path]].concat();
            let named = run(folder.path(), &[], &named).await;
            app.get("/v1/tools", named["access_token"].as_str().unwrap()).await.expect(200);
        }
        let keys = app.get("/.well-known/jwks.json", "").await.expect(200);
        let published = keys["keys"].as_array().unwrap();
        assert_eq!(published.len(), usize::from(made["public"].is_string()), "{keys}");
        for key in published {
            assert_eq!((&key["kid"], &key["alg"]), (&header_of(&session)["kid"], &json!(algorithm)));
            assert_eq!(key["kid"], made["kid"]);
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key.get(private).is_none(), "{key}");
            }
        }
        let again = command(folder.path(), &[]).args(["keys", "generate", kind, "--out"]).arg(&out).output();
        let again = again.await.unwrap();
        assert!(
            !again.status.success() && String::from_utf8_lossy(&again.stderr).contains("not overwritten")
        );
        assert_eq!(std::fs::read_to_string(private).unwrap(), secret);
    }
}

#[tokio::test]
async fn tokens_of_the_python_gateway_come_in() {
    let folder = tempfile::tempdir().unwrap();
    let (private, _) = pair(folder.path(), "ecdsa").await;
    let vars = [("JWT_ALGORITHM", "ES256"), ("JWT_PRIVATE_KEY_PATH", private.to_str().unwrap())];
    let app = App::with(&vars, &[]).await;
    // No `kid`, no `token_use`, and the person's address as `sub`.
    let mut claims = token::claims(ADMIN);
    claims["username"] = json!(ADMIN);
    claims.as_object_mut().unwrap().remove("user");
    let legacy = Signer::new("ES256", &private).sign(&claims);
    app.get("/v1/tools", &legacy).await.expect(200);
}

#[tokio::test]
async fn keys_rotate_while_the_gateway_runs() {
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("ring");
    let vars = [("JWT_ALGORITHM", "ES256"), ("JWT_KEYS_DIR", ring.to_str().unwrap())];
    let first = run(folder.path(), &vars, &["keys", "rotate"]).await;
    let app = App::with(&vars, &[]).await;
    let old = app.login(ADMIN).await;
    assert_eq!(header_of(&old)["kid"], first["kid"]);

    let second = run(folder.path(), &vars, &["keys", "rotate"]).await;
    let mut new = Signer::new("ES256", Path::new(second["active"].as_str().unwrap()));
    new.key_id = second["kid"].as_str().map(str::to_owned);
    let new = new.sign(&token::claims(ADMIN));
    app.until(async || app.get("/v1/tools", &new).await.status.as_u16() == 200).await;
    app.get("/v1/tools", &old).await.expect(200);
    app.until(async || header_of(&app.login(ADMIN).await)["kid"] == second["kid"]).await;
    let published = app.get("/.well-known/jwks.json", "").await.expect(200);
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);

    let retired = second["passive"][0].as_str().unwrap();
    run(folder.path(), &vars, &["keys", "retire", retired]).await;
    app.until(async || app.get("/v1/tools", &old).await.status.as_u16() == 401).await;
    app.get("/v1/tools", &new).await.expect(200);
    let states: Vec<_> = run(folder.path(), &vars, &["keys", "list"]).await.as_array().unwrap().clone();
    assert_eq!(states.iter().map(|key| key["state"].clone()).collect::<Vec<_>>(), ["retired", "active"]);
    let last = states[1]["name"].as_str().unwrap();
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let refused = command(folder.path(), &vars).args(["keys", "retire", last]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("rotate first"));
}

#[tokio::test]
async fn a_secret_ring_takes_tokens_of_the_secret_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("ring");
    let vars = [("JWT_KEYS_DIR", ring.to_str().unwrap())];
    let made = run(folder.path(), &vars, &["keys", "rotate"]).await;
    let app = App::with(&vars, &[]).await;
    app.get("/v1/tools", &app.admin()).await.expect(200);
    let session = app.login(ADMIN).await;
    assert_eq!(header_of(&session)["kid"], made["kid"]);
    app.get("/v1/tools", &session).await.expect(200);
    assert_eq!(app.get("/.well-known/jwks.json", "").await.expect(200), json!({ "keys": [] }));
}

#[tokio::test]
async fn a_gateway_without_a_private_key_verifies_and_signs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (private, public) = pair(folder.path(), "rsa").await;
    let vars = [("JWT_ALGORITHM", "RS256"), ("JWT_PUBLIC_KEY_PATH", public.to_str().unwrap())];
    let app = App::with(&vars, &[]).await;
    app.get("/v1/tools", &Signer::new("RS256", &private).sign(&token::claims(ADMIN))).await.expect(200);
    let login = json!({ "email": ADMIN, "password": PASSWORD });
    assert_eq!(app.post("/auth/login", "", login).await.status.as_u16(), 503);
}

#[tokio::test]
async fn production_starts_with_private_keys_that_are_private_only() {
    let folder = tempfile::tempdir().unwrap();
    let (private, _) = pair(folder.path(), "ecdsa").await;
    let vars = [
        ("ENVIRONMENT", "production"),
        ("JWT_ALGORITHM", "ES256"),
        ("JWT_PRIVATE_KEY_PATH", private.to_str().unwrap()),
        ("AUTH_ENCRYPTION_SECRET", "v8-test-encryption-secret_that-is-long_7Rw2"),
        ("PLATFORM_ADMIN_PASSWORD", PASSWORD),
    ];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let check = async || {
        let output = command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = check().await;
    assert!(code == Some(0) && said.contains("JWT_ISSUER"), "{code:?} {said}");
    std::fs::set_permissions(&private, Permissions::from_mode(0o644)).unwrap();
    let (code, said) = check().await;
    assert!(code == Some(64) && said.contains("JWT_PRIVATE_KEY_PATH"), "{code:?} {said}");
}
