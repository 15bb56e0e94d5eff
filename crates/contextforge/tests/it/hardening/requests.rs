//! Requests that ask for much, for nothing, or for what is not offered.

use serde_json::{Value, json};

use super::{fields, path, register, row, upstream};
use crate::app::App;

/// How often the catalogue was built.
async fn reloads(app: &App) -> String {
    let metrics = app.get("/metrics/prometheus", &app.admin()).await;
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let line = text.lines().find(|line| line.starts_with("contextforge_catalogue_reloads_total"));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test]
async fn programs_are_named_where_they_are_refused() {
    let app = App::with(&[], &[]).await;
    let raw = upstream("u", &["t"], &[], &[]).await;
    for (member, value) in [
        ("command", json!("sh")),
        ("args", json!(["-c", "id"])),
        ("env", json!({ "A": "b" })),
        ("cwd", json!("/")),
    ] {
        let mut body = json!({ "name": "g", "url": raw.url, "transport": "STREAMABLEHTTP" });
        body[member] = value;
        let refused = app.post("/v1/gateways", &app.admin(), body).await.expect(422);
        assert_eq!(fields(&refused), [member], "{refused}");
    }
    assert!(raw.asked("initialize").is_empty());
}

#[tokio::test]
async fn fifty_thousand_mistakes_make_a_short_answer() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let post = async |ids: Vec<String>| {
        let body = json!({ "server": { "name": "s", "associated_tools": ids } });
        app.post("/v1/servers", &admin, body).await
    };
    let malformed = post(vec!["a".to_owned(); 50_000]).await;
    assert!(malformed.body.len() < 10_000, "{} bytes", malformed.body.len());
    let malformed = malformed.expect(422);
    let last = malformed["detail"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["msg"], "and 49980 more");
    let unknown = post((0..50_000).map(|number| format!("{number:032x}")).collect()).await;
    assert!(unknown.body.len() < 10_000, "{} bytes", unknown.body.len());
    assert!(unknown.expect(400).to_string().contains("and 49980 more"));
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_none() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let raw = upstream("u", &["t"], &["doc://a"], &[]).await;
    let gateway =
        register(&app, &admin, "g", &raw, json!({ "auth_type": "bearer", "auth_token": "s" })).await;
    let server = app.post("/v1/servers", &admin, json!({ "server": { "name": "s" } })).await.expect(201);
    let rows = [
        path("gateways", &gateway),
        path("servers", &server),
        path("tools", &row(&app, &admin, "tools", "name", "g-t").await),
        path("resources", &row(&app, &admin, "resources", "uri", "doc://a").await),
    ];
    let (probes, before) = (raw.asked("initialize").len(), reloads(&app).await);
    let read = async |row: &str| {
        // A resource itself is read where others are described.
        let info = if row.contains("/resources/") { "/info" } else { "" };
        app.get(&format!("{row}{info}"), &admin).await.expect(200)
    };
    for row in &rows {
        let was = read(row).await;
        for body in [json!({}), was.clone()] {
            let after = app.send("PUT", row, &admin, Some(body)).await.expect(200);
            assert_eq!(
                (&after["version"], &after["updatedAt"]),
                (&was["version"], &was["updatedAt"]),
                "{row}"
            );
        }
        app.send("POST", &format!("{row}/state?activate=true"), &admin, None).await.expect(200);
        assert_eq!(read(row).await["version"], was["version"], "{row}");
    }
    assert_eq!(reloads(&app).await, before);
    assert_eq!(raw.asked("initialize").len(), probes);
    let change: Value = json!({ "description": "new" });
    app.send("PUT", &rows[1], &admin, Some(change)).await.expect(200);
    assert_ne!(reloads(&app).await, before, "a change is one");
}
