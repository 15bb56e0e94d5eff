//! Templates and what they would like to serve.

use serde_json::json;

use super::{path, reads, register, row, upstream};
use crate::app::App;

#[tokio::test]
async fn a_template_serves_nothing_that_was_withheld() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let raw = upstream("u", &[], &["doc://one", "doc://two", "doc://three"], &["doc://{id}"]).await;
    register(&app, &admin, "g", &raw, json!({ "visibility": "public" })).await;
    for uri in ["doc://one", "doc://two", "doc://three", "doc://four"] {
        assert_eq!(reads(&app, &bob, uri).await.as_deref(), Some("u"), "{uri}");
    }
    let one = path("resources", &row(&app, &admin, "resources", "uri", "doc://one").await);
    app.send("PUT", &one, &admin, Some(json!({ "visibility": "private" }))).await.expect(200);
    let two = path("resources", &row(&app, &admin, "resources", "uri", "doc://two").await);
    app.send("POST", &format!("{two}/state?activate=false"), &admin, None).await.expect(200);
    let before = raw.asked("resources/read").len();
    for uri in ["doc://one", "doc://%6Fne", "doc://%6fn%65", "doc://two", "doc://tw%6f", "doc://x/../one"] {
        assert_eq!(reads(&app, &bob, uri).await, None, "{uri}");
    }
    assert_eq!(reads(&app, &admin, "doc://two").await, None, "off is off for everybody");
    assert_eq!(raw.asked("resources/read").len(), before, "the upstream was not asked");
    assert_eq!(reads(&app, &admin, "doc://one").await.as_deref(), Some("u"), "its owner");
    assert_eq!(reads(&app, &bob, "doc://three").await.as_deref(), Some("u"));
    assert_eq!(reads(&app, &bob, "doc://four").await.as_deref(), Some("u"));
    // In a virtual server that has the template alone, too.
    let templates = app.get("/v1/resources/templates/list", &admin).await.expect(200);
    let chosen = json!({ "name": "s", "associated_resources": [templates["resource_templates"][0]["id"]] });
    let body = json!({ "server": chosen, "visibility": "public" });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    let place = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    for (uri, served) in [("doc://one", false), ("doc://two", false), ("doc://three", true)] {
        let answer = app.mcp(&place, &bob, "resources/read", json!({ "uri": uri })).await;
        assert_eq!(answer["result"].is_object(), served, "{uri}: {answer}");
    }
}

#[tokio::test]
async fn the_most_particular_template_serves_and_of_equals_the_older() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let general = upstream("general", &[], &[], &["doc://{+path}"]).await;
    let particular = upstream("particular", &[], &[], &["doc://team/{id}"]).await;
    let later = upstream("later", &[], &[], &["doc://{+path}", "doc://team/{id}"]).await;
    let greedy = upstream("greedy", &[], &["own://a"], &["{+anything}", "{scheme}://{rest}"]).await;
    for (name, raw) in [("b", &general), ("c", &particular), ("a", &later), ("d", &greedy)] {
        register(&app, &admin, name, raw, json!({ "visibility": "public" })).await;
    }
    assert_eq!(reads(&app, &admin, "doc://x").await.as_deref(), Some("general"));
    assert_eq!(reads(&app, &admin, "doc://team/x").await.as_deref(), Some("particular"));
    assert_eq!(reads(&app, &admin, "file:///etc/passwd").await, None, "nobody's scheme");
    assert_eq!(reads(&app, &admin, "own://a").await.as_deref(), Some("greedy"), "its own resources stay");
}
