//! Credentials of upstreams: sent, sealed at rest, masked in answers, and kept where a mask comes back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{call, now, path, raw::Raw};
use crate::app::App;

const TOOL: &str = r#"{"name":"t","inputSchema":{"type":"object"}}"#;
const RESULT: &str = r#"{"content":[]}"#;
const SECRET: &str = "upstream-s3cret-Vq71";

/// Registers a raw upstream with these credentials, and gives it with its gateway.
async fn with(app: &App, name: &str, credentials: Value) -> (Raw, Value) {
    let raw = Raw::tools(TOOL, RESULT).await;
    let mut body = json!({ "name": name, "url": raw.url, "transport": "STREAMABLEHTTP" });
    body.as_object_mut().unwrap().extend(credentials.as_object().unwrap().clone());
    let reply = app.post("/v1/gateways", &app.admin(), body).await;
    assert!(!String::from_utf8_lossy(&reply.body).contains(SECRET), "{:?}", reply.body);
    (raw, reply.expect(200))
}

/// The header of the last call.
async fn sent(app: &App, raw: &Raw, name: &str, header: &str) -> String {
    call(app, &format!("{name}-t"), json!({})).await;
    raw.asked("tools/call").last().unwrap().header(header).to_owned()
}

#[tokio::test]
async fn every_kind_is_sent_with_every_request_and_shown_to_nobody() {
    let app = App::with(&[], &[]).await;
    let basic = STANDARD.encode(format!("bob:{SECRET}"));
    let kinds = [
        (
            "bearer",
            json!({ "auth_type": "bearer", "auth_token": SECRET }),
            "authorization",
            format!("Bearer {SECRET}"),
        ),
        (
            "basic",
            json!({ "auth_type": "basic", "auth_username": "bob", "auth_password": SECRET }),
            "authorization",
            format!("Basic {basic}"),
        ),
        (
            "headers",
            json!({ "auth_type": "authheaders", "auth_headers": [{ "key": "X-Api-Key", "value": SECRET }, { "key": "X-Other", "value": "o" }] }),
            "x-api-key",
            SECRET.to_owned(),
        ),
    ];
    for (name, credentials, header, expected) in kinds {
        let (raw, gateway) = with(&app, name, credentials).await;
        for method in ["initialize", "tools/list"] {
            let seen = raw.asked(method);
            assert!(
                !seen.is_empty() && seen.iter().all(|seen| seen.header(header) == expected),
                "{name} {method}"
            );
        }
        assert_eq!(sent(&app, &raw, name, header).await, expected);
        for place in [path(&gateway), "/v1/gateways?limit=0".to_owned(), "/v1/tools?limit=0".to_owned()] {
            let shown = app.get(&place, &app.admin()).await;
            let text = String::from_utf8_lossy(&shown.body).into_owned();
            assert!(!text.contains(SECRET) && !text.contains(&basic), "{place}: {text}");
        }
        let shown = now(&app, &gateway).await;
        assert_eq!(shown["authValue"], "*****", "{shown}");
    }
}

#[tokio::test]
async fn a_mask_that_comes_back_keeps_what_is_stored() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (raw, gateway) = with(&app, "g", json!({ "auth_type": "bearer", "auth_token": SECRET })).await;
    // A client reads, changes one member and sends everything back.
    let mut whole = now(&app, &gateway).await;
    whole["description"] = json!("changed");
    let after = app.send("PUT", &path(&gateway), &admin, Some(whole)).await.expect(200);
    assert_eq!((&after["description"], &after["authToken"]), (&json!("changed"), &json!("*****")));
    assert_eq!(sent(&app, &raw, "g", "authorization").await, format!("Bearer {SECRET}"));
    let change = json!({ "auth_type": "bearer", "auth_token": "another" });
    app.send("PUT", &path(&gateway), &admin, Some(change)).await.expect(200);
    assert_eq!(sent(&app, &raw, "g", "authorization").await, "Bearer another");
    app.send("PUT", &path(&gateway), &admin, Some(json!({ "auth_type": "none" }))).await.expect(200);
    assert_eq!(sent(&app, &raw, "g", "authorization").await, "");
}

#[tokio::test]
async fn credentials_rest_sealed_and_survive_a_restart() {
    let mut app = App::with(&[], &[]).await;
    let (raw, gateway) = with(&app, "g", json!({ "auth_type": "bearer", "auth_token": SECRET })).await;
    let stored = stored(&app, gateway["id"].as_str().unwrap()).await;
    for form in [SECRET.to_owned(), STANDARD.encode(SECRET)] {
        assert!(!contains(&stored, form.as_bytes()), "{form} rests in the clear");
    }
    app.kill_and_restart().await;
    assert_eq!(sent(&app, &raw, "g", "authorization").await, format!("Bearer {SECRET}"));
    // Another key opens nothing, and the gateway says so instead of calling without credentials.
    app.set("AUTH_ENCRYPTION_SECRET", "v9-another-encryption-secret_that-is-long_4Kd8");
    app.kill_and_restart().await;
    let calls = raw.asked("tools/call").len();
    assert!(call(&app, "g-t", json!({})).await["error"].is_object());
    assert_eq!(raw.asked("tools/call").len(), calls, "nothing was sent");
    assert!(now(&app, &gateway).await["lastError"].as_str().unwrap().contains("credentials"));
}

/// Everything that the database holds of it: the files of SQLite, or the row in PostgreSQL.
async fn stored(app: &App, id: &str) -> Vec<u8> {
    let Some(url) = app.database_url() else {
        let files = std::fs::read_dir(app.folder.path().join("data")).unwrap();
        let files: Vec<_> = files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
        let all: Vec<u8> = files.iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
        assert!(contains(&all, id.as_bytes()), "the row is in one of {files:?}");
        return all;
    };
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let row: (String,) =
        sqlx::query_as("SELECT row_to_json(g)::text FROM gateways g").fetch_one(&pool).await.unwrap();
    pool.close().await;
    assert!(row.0.contains(id));
    row.0.into_bytes()
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
