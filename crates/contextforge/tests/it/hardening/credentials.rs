//! Stored credentials and secret URLs, and who would like to have them.

use serde_json::{Value, json};

use super::{fields, path, register, row, team, upstream};
use crate::app::App;

const SECRET: &str = "upstream-s3cret-Kx82";

#[tokio::test]
async fn credentials_do_not_follow_a_gateway_to_another_host() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (real, evil) = (upstream("real", &["t"], &[], &[]).await, upstream("evil", &["t"], &[], &[]).await);
    let kinds = [
        (json!({ "auth_type": "bearer", "auth_token": SECRET }), vec!["auth_token"]),
        (
            json!({ "auth_type": "basic", "auth_username": "bob", "auth_password": SECRET }),
            vec!["auth_username", "auth_password"],
        ),
        (
            json!({ "auth_type": "authheaders", "auth_headers": [{ "key": "X-Key", "value": SECRET }] }),
            vec!["auth_headers"],
        ),
        (json!({ "passthrough_headers": ["X-Tenant"] }), vec!["passthrough_headers"]),
    ];
    for (at, (credentials, expected)) in kinds.into_iter().enumerate() {
        let gateway = register(&app, &admin, &format!("g{at}"), &real, credentials).await;
        let put = async |body: Value| app.send("PUT", &path("gateways", &gateway), &admin, Some(body)).await;
        let refused = put(json!({ "url": evil.url })).await.expect(422);
        assert_eq!(fields(&refused), expected, "{refused}");
        assert!(refused.to_string().contains("again"), "{refused}");
        // A client that reads, changes the URL and sends everything back sends masks.
        let mut whole = app.get(&path("gateways", &gateway), &admin).await.expect(200);
        whole["url"] = json!(evil.url);
        let sent_back = put(whole).await;
        let passed_on = expected == ["passthrough_headers"];
        assert_eq!(sent_back.status.as_u16(), if passed_on { 200 } else { 422 }, "{:?}", sent_back.body);
        if !passed_on {
            assert!(evil.asked("initialize").is_empty(), "it was not even asked");
            put(json!({ "url": format!("{}?x=1", real.url) })).await.expect(200);
        }
    }
    let gateway =
        register(&app, &admin, "moved", &real, json!({ "auth_type": "bearer", "auth_token": SECRET })).await;
    let change = json!({ "url": evil.url, "auth_type": "bearer", "auth_token": "for-the-new-host" });
    app.send("PUT", &path("gateways", &gateway), &admin, Some(change)).await.expect(200);
    let seen = evil.asked("initialize");
    assert!(seen.iter().any(|seen| seen.header("authorization") == "Bearer for-the-new-host"));
    assert!(!format!("{seen:?}").contains(SECRET));
}

#[tokio::test]
async fn a_member_of_the_team_cannot_point_a_gateway_elsewhere() {
    let app = App::with(&[], &[]).await;
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let members = [("ann@example.com", "owner", None), ("bob@example.com", "member", Some("developer"))];
    let team = team(&app, "Red", &members).await;
    let evil = upstream("evil", &["t"], &[], &[]).await;
    for visibility in ["team", "public"] {
        let real = upstream("real", &["t"], &[], &[]).await;
        let more =
            json!({ "visibility": visibility, "team_id": team, "auth_type": "bearer", "auth_token": SECRET });
        let gateway = register(&app, &ann, visibility, &real, more).await;
        let place = path("gateways", &gateway);
        let change = json!({ "url": evil.url, "auth_type": "none" });
        app.send("PUT", &place, &bob, Some(change)).await.expect(403);
        app.send("POST", &format!("{place}/tools/refresh"), &bob, None).await.expect(403);
        app.send("DELETE", &place, &bob, None).await.expect(403);
    }
    assert!(evil.asked("initialize").is_empty());
}

#[tokio::test]
async fn a_guessed_credential_of_somebody_else_is_not_confirmed() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    team(&app, "Red", &[("bob@example.com", "owner", None)]).await;
    let raw = upstream("u", &["t"], &[], &[]).await;
    let with = |name: &str| json!({ "auth_type": "bearer", "auth_token": SECRET, "description": name });
    register(&app, &admin, "g", &raw, with("theirs")).await;
    let mut again =
        json!({ "name": "mine", "url": raw.url, "transport": "STREAMABLEHTTP", "visibility": "private" });
    again.as_object_mut().unwrap().extend(with("mine").as_object().unwrap().clone());
    app.post("/v1/gateways", &admin, again.clone()).await.expect(409);
    let reply = app.post("/v1/gateways", &bob, again).await;
    assert_ne!(reply.status.as_u16(), 409, "{:?}", reply.body);
}

#[tokio::test]
async fn secrets_in_a_url_are_for_those_who_may_change_it() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let mut raw = upstream("u", &["t"], &["doc://a"], &[]).await;
    raw.url = format!("{}?tenant=7&apikey={SECRET}", raw.url);
    let gateway = register(&app, &admin, "g", &raw, json!({ "visibility": "public" })).await;
    assert_eq!(gateway["url"], raw.url, "whoever registers it sees it");
    for place in [path("gateways", &gateway), "/v1/gateways?limit=0".into(), "/v1/tools?limit=0".into()] {
        let text = app.get(&place, &bob).await.expect(200).to_string();
        assert!(!text.contains(SECRET) && text.contains("tenant=7&apikey=*****"), "{place}: {text}");
    }
    for list in ["resources", "prompts", "servers"] {
        let text = app.get(&format!("/v1/{list}?limit=0"), &bob).await.expect(200).to_string();
        assert!(!text.contains(SECRET), "{list}: {text}");
    }
    assert_eq!(row(&app, &admin, "tools", "name", "g-t").await["url"], raw.url);
    // The mask that comes back is no new URL.
    let masked = app.get(&path("gateways", &gateway), &bob).await.expect(200)["url"].clone();
    let change = json!({ "url": masked, "description": "d" });
    let after = app.send("PUT", &path("gateways", &gateway), &admin, Some(change)).await.expect(200);
    assert_eq!((&after["url"], &after["description"]), (&json!(raw.url), &json!("d")));
}
