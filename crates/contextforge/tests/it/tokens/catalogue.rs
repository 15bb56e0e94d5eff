//! `/tokens`: made, listed, changed, revoked, with the replies of ContextForge.

use serde_json::{Value, json};

use super::{issue, signed, status, team};
use crate::app::{ADMIN, App};

/// Keys in the order of ContextForge's replies, for comparison.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn a_token_is_shown_once_and_works() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let scope = json!({ "permissions": ["tools.read", "tools.execute"], "ip_restrictions": ["127.0.0.1"],
        "time_restrictions": {}, "usage_limits": {} });
    let body =
        json!({ "name": "ci", "description": "d", "expires_in_days": 7, "scope": scope, "tags": ["ci"] });
    let made = app.post("/tokens", &session, body).await.expect(201);
    assert_eq!(keys(&made), ["access_token", "token"]);
    let token = &made["token"];
    let expected = json!({
        "name": "ci", "description": "d", "user_email": ADMIN, "team_id": null, "server_id": null,
        "resource_scopes": ["tools.read", "tools.execute"], "ip_restrictions": ["127.0.0.1"],
        "time_restrictions": {}, "usage_limits": {}, "last_used": null, "is_active": true, "is_revoked": false,
        "revoked_at": null, "revoked_by": null, "revocation_reason": null, "tags": ["ci"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(token[name], *value, "{name}");
    }
    assert_eq!(keys(token).len(), expected.as_object().unwrap().len() + 3, "and id and two times: {token}");
    let id = token["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "{id}");
    let raw = made["access_token"].as_str().unwrap();
    app.get("/v1/tools", raw).await.expect(200);
    let listed = app.get("/tokens", &session).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(raw), "only once");
    let listed = listed.expect(200);
    assert_eq!((&listed["total"], &listed["limit"], &listed["offset"]), (&json!(1), &json!(50), &json!(0)));
    assert_eq!(listed["tokens"][0]["id"], *id);
    assert_eq!(app.get(&format!("/tokens/{id}"), &session).await.expect(200)["name"], "ci");
    app.get(&format!("/tokens/{}", id.replace('-', "")), &session).await.expect(200);
    for unknown in ["nope", "00000000-0000-4000-8000-000000000000"] {
        let reply = app.get(&format!("/tokens/{unknown}"), &session).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (404, json!({ "detail": "Token not found" })));
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_says_where() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let post = async |body: Value| app.post("/tokens", &session, body).await;
    post(json!({ "name": "ci", "expires_in_days": 7 })).await.expect(201);
    let twice = post(json!({ "name": "ci", "expires_in_days": 7 })).await.expect(400);
    assert!(twice["detail"].as_str().unwrap().contains("ci"), "{twice}");
    assert!(
        post(json!({ "name": "endless" })).await.expect(400)["detail"].as_str().unwrap().contains("expires")
    );
    let scoped = |scope: Value| json!({ "name": "x", "expires_in_days": 1, "scope": scope });
    for (body, field) in [
        (json!({ "name": " ", "expires_in_days": 1 }), json!(["body", "name"])),
        (json!({ "name": "x", "expires_in_days": 0 }), json!(["body", "expires_in_days"])),
        (json!({ "name": "x", "expires_in_days": 100_000 }), json!(["body", "expires_in_days"])),
        (scoped(json!({ "permissions": ["tools.*"] })), json!(["body", "scope", "permissions", 0])),
        (
            scoped(json!({ "ip_restrictions": ["10.0.0.0/99"] })),
            json!(["body", "scope", "ip_restrictions", 0]),
        ),
        (
            scoped(json!({ "time_restrictions": { "days": [1] } })),
            json!(["body", "scope", "time_restrictions", "days"]),
        ),
        (
            scoped(json!({ "usage_limits": { "per_minute": 1 } })),
            json!(["body", "scope", "usage_limits", "per_minute"]),
        ),
        (
            scoped(json!({ "server_id": "00000000000000000000000000000000" })),
            json!(["body", "scope", "server_id"]),
        ),
        (
            json!({ "name": "x", "expires_in_days": 1, "user_email": "nobody@example.com" }),
            json!(["body", "user_email"]),
        ),
        (scoped(json!({ "permission": ["tools.read"] })), json!(["body", "scope", "permission"])),
        (
            json!({ "name": "x", "expires_in_days": 1, "resource_scopes": "tools.read" }),
            json!(["body", "resource_scopes"]),
        ),
        (
            json!({ "name": "x", "expires_in_days": 1, "ip_restrictions": ["10.0.0.0/8"] }),
            json!(["body", "ip_restrictions"]),
        ),
    ] {
        let wrong = post(body.clone()).await.expect(422);
        assert_eq!(wrong["detail"][0]["loc"], field, "{body}");
    }
    app.get("/tokens?limit=0", &session).await.expect(422);
    app.get("/tokens?limit=501", &session).await.expect(422);
}

#[tokio::test]
async fn a_change_counts_for_the_token_that_is_out() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token =
        issue(&app, &session, json!({ "scope": { "permissions": ["tools.read", "gateways.read"] } })).await;
    let path = format!("/tokens/{}", token.id);
    let put = async |body: Value| app.send("PUT", &path, &session, Some(body)).await.expect(200);
    let reach = async || {
        (status(&app, "/v1/tools", &token.raw).await, status(&app, "/v1/gateways", &token.raw).await)
    };
    assert_eq!(reach().await, (200, 200));
    for (wrong, field) in [
        (json!({ "permissions": ["tools.read"] }), json!(["body", "permissions"])),
        (json!({ "scope": { "permision": ["tools.read"] } }), json!(["body", "scope", "permision"])),
    ] {
        let refused = app.send("PUT", &path, &session, Some(wrong.clone())).await.expect(422);
        assert_eq!(refused["detail"][0]["loc"], field, "what would be ignored limits nothing: {wrong}");
    }
    put(json!({ "scope": { "permissions": ["tools.read"] } })).await;
    assert_eq!(reach().await, (200, 403), "narrowed");
    put(json!({ "scope": { "permissions": ["*"] } })).await;
    assert_eq!(reach().await, (200, 200), "as far as it was issued for");
    assert_eq!(status(&app, "/v1/servers", &token.raw).await, 403, "and no further");
    put(json!({ "scope": { "ip_restrictions": ["192.0.2.1"] } })).await;
    assert_eq!(reach().await, (403, 403));
    put(json!({ "scope": {}, "is_active": false, "name": "renamed", "tags": ["one", "two"] })).await;
    assert_eq!(reach().await, (401, 401), "switched off");
    let shown = put(json!({ "is_active": true })).await;
    assert_eq!((&shown["name"], &shown["tags"]), (&json!("renamed"), &json!(["one", "two"])));
    assert_eq!(reach().await, (200, 200), "and on again");
}

#[tokio::test]
async fn a_revoked_token_ends_at_once_and_stays_in_the_catalogue() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({ "name": "ci" })).await;
    let other = issue(&app, &session, json!({ "name": "other" })).await;
    let path = format!("/tokens/{}", token.id);
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
    let reply = app.send("DELETE", &path, &session, Some(json!({ "reason": "lost" }))).await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0));
    let refused = app.get("/v1/tools", &token.raw).await;
    assert_eq!(refused.json(), json!({ "detail": "Token has been revoked" }));
    assert_eq!((refused.status.as_u16(), status(&app, "/v1/tools", &other.raw).await), (401, 200));
    app.send("DELETE", &path, &session, None).await.expect(204);
    app.send("PUT", &path, &session, Some(json!({ "is_active": true }))).await.expect(400);
    let shown = app.get(&path, &session).await.expect(200);
    assert_eq!(
        (&shown["is_revoked"], &shown["is_active"], &shown["revoked_by"], &shown["revocation_reason"]),
        (&json!(true), &json!(false), &json!(ADMIN), &json!("lost"))
    );
    let total =
        async |query: &str| app.get(&format!("/tokens{query}"), &session).await.expect(200)["total"].clone();
    assert_eq!((total("").await, total("?include_inactive=true").await), (json!(1), json!(2)));
    issue(&app, &session, json!({ "name": "ci" })).await;
}

#[tokio::test]
async fn two_that_revoke_at_once_both_succeed() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({})).await;
    let path = format!("/tokens/{}", token.id);
    let administrators = format!("/tokens/admin/{}", token.id);
    let (one, other) = tokio::join!(
        app.send("DELETE", &path, &session, None),
        app.send("DELETE", &administrators, &session, None)
    );
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (204, 204));
    let trail = app.get("/api/logs/audit-trails", &app.admin()).await.expect(200);
    let revoked = trail.as_array().unwrap().iter().filter(|row| row["action"] == "token.revoke");
    assert_eq!(revoked.count(), 1, "one row of each kind");
}

#[tokio::test]
async fn tokens_of_a_team_are_seen_by_those_who_run_it() {
    let app = App::start().await;
    let [ann, bob, eve] = [
        app.user("ann@example.com").await,
        app.user("bob@example.com").await,
        app.user("eve@example.com").await,
    ];
    let red = team(&app, "Red", &["ann@example.com", "bob@example.com"]).await;
    let path = format!("/tokens/teams/{red}");
    let body = |name: &str| json!({ "name": name, "expires_in_days": 1, "team_id": "ignored" });
    let made = app.post(&path, &bob, body("bobs")).await.expect(201);
    assert_eq!(made["token"]["team_id"], red);
    app.post(&path, &ann, body("anns")).await.expect(201);
    let names = async |session: &str| {
        let listed = app.get(&path, session).await.expect(200);
        let names = listed["tokens"].as_array().unwrap().iter();
        let mut names: Vec<String> = names.map(|token| token["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&ann).await, ["anns", "bobs"], "the owner of the team");
    assert_eq!(names(&bob).await, ["bobs"], "a member");
    for other in [path.clone(), format!("/tokens/teams/{}", "0".repeat(32))] {
        assert_eq!(status(&app, &other, &eve).await, 403);
        assert_eq!(app.post(&other, &eve, body("x")).await.status.as_u16(), 403, "{other}");
    }
    let id = made["token"]["id"].as_str().unwrap();
    assert_eq!(status(&app, &format!("/tokens/{id}"), &ann).await, 404, "another person's token");
    app.send("DELETE", &format!("/tokens/{id}"), &ann, None).await.expect(404);
}

#[tokio::test]
async fn administrators_see_and_end_every_token() {
    let app = App::start().await;
    let (admin, ann) = (app.login(ADMIN).await, app.user("ann@example.com").await);
    let token = issue(&app, &ann, json!({ "name": "anns" })).await;
    let denied = app.get("/tokens/admin/all", &ann).await;
    assert_eq!(denied.refused(), json!({ "detail": "Admin access required" }));
    app.send("DELETE", &format!("/tokens/admin/{}", token.id), &ann, None).await.expect(403);
    let all = app.get("/tokens/admin/all?user_email=Ann@example.com", &admin).await.expect(200);
    assert_eq!((&all["limit"], &all["tokens"][0]["user_email"]), (&json!(100), &json!("ann@example.com")));
    assert_eq!(app.get("/tokens/admin/all?user_email=x@example.com", &admin).await.expect(200)["total"], 0);
    app.send("DELETE", &format!("/tokens/admin/{}", "0".repeat(32)), &admin, None).await.expect(404);
    app.send("DELETE", &format!("/tokens/admin/{}", token.id), &admin, None).await.expect(204);
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 401);
}

#[tokio::test]
async fn programs_do_not_manage_tokens() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({})).await;
    let cli = signed(ADMIN, json!({}));
    for raw in [&token.raw, &cli] {
        let id = &token.id;
        for (method, path) in [
            ("GET", "/tokens".to_owned()),
            ("POST", "/tokens".to_owned()),
            ("GET", format!("/tokens/{id}")),
            ("PUT", format!("/tokens/{id}")),
            ("DELETE", format!("/tokens/{id}")),
            ("GET", format!("/tokens/{id}/usage")),
            ("GET", "/tokens/admin/all".to_owned()),
            ("DELETE", format!("/tokens/admin/{id}")),
        ] {
            let body =
                (method == "POST" || method == "PUT").then(|| json!({ "name": "x", "expires_in_days": 1 }));
            let reply = app.send(method, &path, raw, body).await;
            assert_eq!(reply.refused(), json!({ "detail": "Access denied" }), "{path}");
        }
    }
}

#[tokio::test]
async fn every_change_is_on_record() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({ "name": "ci" })).await;
    let path = format!("/tokens/{}", token.id);
    app.send("PUT", &path, &session, Some(json!({ "description": "d" }))).await.expect(200);
    app.send("DELETE", &path, &session, None).await.expect(204);
    let trail = app.get("/api/logs/audit-trails", &app.admin()).await.expect(200);
    let trail = trail.as_array().unwrap();
    let id = token.id.replace('-', "");
    let actions: Vec<&str> = trail
        .iter()
        .filter(|row| row["resource_id"] == *id)
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["token.revoke", "token.update", "token.create"]);
    assert!(!serde_json::to_string(trail).unwrap().contains(&token.raw));
}
