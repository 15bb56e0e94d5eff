//! Changing gateways through the API: names, URLs, states, refreshes, conflicts and removal.

use serde_json::json;

use super::{
    call, listed, now, path,
    peer::{Era, Peer},
    raw::Raw,
    register, text, tools,
};
use crate::app::App;

#[tokio::test]
async fn a_new_name_gives_the_tools_new_names_and_the_same_ids() {
    let app = App::with(&[], &[]).await;
    let peer = Peer::start(Era::Modern).await;
    let gateway = register(&app, "First", &peer.url()).await;
    let before = tools(&app, "first-").await;
    let change = json!({ "name": "Second One" });
    let after = app.send("PUT", &path(&gateway), &app.admin(), Some(change)).await.expect(200);
    assert_eq!((&after["name"], &after["slug"]), (&json!("Second One"), &json!("second-one")));
    let renamed = tools(&app, "second-one-").await;
    let ids = |rows: &[serde_json::Value]| {
        let mut ids: Vec<_> = rows.iter().map(|tool| tool["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!((before.len(), ids(&before)), (38, ids(&renamed)));
    assert!(!listed(&app).await.iter().any(|name| name.starts_with("first-")));
    assert_eq!(text(&call(&app, "second-one-echo", json!({ "message": "hi" })).await), "hi");
    assert_eq!(call(&app, "first-echo", json!({ "message": "hi" })).await["error"]["code"], -32602);
}

#[tokio::test]
async fn a_new_url_is_probed_before_it_is_taken() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (modern, legacy) = (Peer::start(Era::Modern).await, Peer::start(Era::Legacy).await);
    let gateway = register(&app, "g", &modern.url()).await;
    assert_eq!(gateway["protocolVersion"], "2026-07-28");
    let mut gone = Peer::start(Era::Modern).await;
    gone.stop();
    let refused = app.send("PUT", &path(&gateway), &admin, Some(json!({ "url": gone.url() }))).await;
    assert_eq!(refused.status.as_u16(), 502, "{:?}", refused.body);
    assert_eq!(now(&app, &gateway).await["url"], modern.url(), "the old one stays");
    assert_eq!(text(&call(&app, "g-echo", json!({ "message": "still" })).await), "still");
    let moved =
        app.send("PUT", &path(&gateway), &admin, Some(json!({ "url": legacy.url() }))).await.expect(200);
    assert_eq!((&moved["url"], &moved["protocolVersion"]), (&json!(legacy.url()), &json!("2025-11-25")));
    drop(modern);
    assert_eq!(text(&call(&app, "g-echo", json!({ "message": "moved" })).await), "moved");
}

#[tokio::test]
async fn a_gateway_is_switched_off_and_on() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let peer = Peer::start(Era::Legacy).await;
    let gateway = register(&app, "g", &peer.url()).await;
    let switch = async |on: bool| {
        let path = format!("{}/state?activate={on}", path(&gateway));
        app.send("POST", &path, &admin, None).await.expect(200)
    };
    assert_eq!(switch(false).await["gateway"]["enabled"], false);
    assert!(listed(&app).await.is_empty());
    assert_eq!(call(&app, "g-echo", json!({ "message": "x" })).await["error"]["code"], -32602);
    let refresh = app.send("POST", &format!("{}/tools/refresh", path(&gateway)), &admin, None).await;
    assert_eq!(refresh.status.as_u16(), 409, "{:?}", refresh.body);
    assert_eq!(tools(&app, "g-").await.len(), 32, "the rows stay");
    assert_eq!(switch(true).await["gateway"]["enabled"], true);
    assert_eq!(text(&call(&app, "g-echo", json!({ "message": "x" })).await), "x");
}

#[tokio::test]
async fn a_refresh_counts_what_it_changed() {
    let app = App::with(&[], &[]).await;
    let lists = std::sync::Mutex::new(vec![
        r#"{"name":"same","inputSchema":{"type":"object"}},{"name":"new","inputSchema":{"type":"object"}},{"name":"told","description":"b","inputSchema":{"type":"object"}}"#,
        r#"{"name":"same","inputSchema":{"type":"object"}},{"name":"gone","inputSchema":{"type":"object"}},{"name":"told","description":"a","inputSchema":{"type":"object"}}"#,
    ]);
    let raw = Raw::serve(move |seen| {
        if seen.method() != "tools/list" {
            return None;
        }
        let mut lists = lists.lock().unwrap();
        let list = if lists.len() > 1 { lists.pop() } else { lists.first().copied() };
        Some(format!(r#"{{"tools":[{}]}}"#, list.unwrap()))
    })
    .await;
    let gateway = register(&app, "g", &raw.url).await;
    let refresh = async || {
        let path = format!("{}/tools/refresh", path(&gateway));
        app.send("POST", &path, &app.admin(), None).await.expect(200)
    };
    let done = refresh().await;
    assert_eq!((&done["success"], &done["error"]), (&json!(true), &json!(null)), "{done}");
    let counts = |done: &serde_json::Value| {
        ["toolsAdded", "toolsUpdated", "toolsRemoved"].map(|name| done[name].as_u64().unwrap())
    };
    assert_eq!(counts(&done), [1, 1, 1], "{done}");
    assert_eq!(counts(&refresh().await), [0, 0, 0]);
    assert_eq!(listed(&app).await, ["g-new", "g-same", "g-told"]);
}

#[tokio::test]
async fn what_is_taken_is_409_and_what_is_removed_is_gone() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (one, two) = (Peer::start(Era::Modern).await, Peer::start(Era::Modern).await);
    let gateway = register(&app, "One", &one.url()).await;
    for body in [
        json!({ "name": "one", "url": two.url(), "transport": "STREAMABLEHTTP" }),
        json!({ "name": "Other", "url": one.url(), "transport": "STREAMABLEHTTP" }),
    ] {
        let again = app.post("/v1/gateways", &admin, body).await;
        assert_eq!(again.status.as_u16(), 409, "{:?}", again.body);
        assert!(again.json()["message"].is_string(), "{:?}", again.body);
    }
    // The same upstream with other credentials is another one.
    let body = json!({ "name": "Other", "url": one.url(), "transport": "STREAMABLEHTTP", "auth_type": "bearer", "auth_token": "t" });
    app.post("/v1/gateways", &admin, body).await.expect(200);
    app.send("DELETE", &path(&gateway), &admin, None).await.expect(200);
    assert_eq!(app.get(&path(&gateway), &admin).await.status.as_u16(), 404);
    assert!(tools(&app, "one-").await.is_empty());
    assert_eq!(call(&app, "one-echo", json!({ "message": "x" })).await["error"]["code"], -32602);
    assert_eq!(text(&call(&app, "other-echo", json!({ "message": "x" })).await), "x");
    register(&app, "One", &two.url()).await;
}
