//! A token is never more than whoever makes it.

use serde_json::{Value, json};

use super::{issue, signed, status, team};
use crate::app::{ADMIN, App};

async fn refused(app: &App, session: &str, mut body: Value) -> u16 {
    body["name"] = json!("x");
    body["expires_in_days"] = json!(1);
    app.post("/tokens", session, body).await.status.as_u16()
}

/// A session as a login gives it, with changes.
async fn session(app: &App, email: &str, changes: Value) -> String {
    let id = app.get(&format!("/auth/email/admin/users/{email}"), &app.admin()).await;
    assert_eq!(id.status.as_u16(), 200);
    let mut all = json!({ "token_use": "session", "user": null, "scopes": { "permissions": ["*"] } });
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    signed(email, all)
}

#[tokio::test]
async fn nobody_hands_out_what_they_have_not_got() {
    let app = App::start().await;
    let ann = app.user("ann@example.com").await;
    let permissions = |names: &[&str]| json!({ "scope": { "permissions": names } });
    assert_eq!(refused(&app, &ann, permissions(&["admin.user_management"])).await, 403);
    assert_eq!(refused(&app, &ann, permissions(&["*"])).await, 403);
    assert_eq!(refused(&app, &ann, permissions(&["tools.read", "audit:read"])).await, 403);
    assert_eq!(refused(&app, &ann, permissions(&["tools.read", "metrics:read"])).await, 201);
    let token = issue(&app, &ann, json!({ "name": "t" })).await;
    let path = format!("/tokens/{}", token.id);
    let wider = permissions(&["audit:read"]);
    app.send("PUT", &path, &ann, Some(wider)).await.expect(403);
    let admin = app.login(ADMIN).await;
    assert_eq!(refused(&app, &admin, permissions(&["*"])).await, 201);
}

#[tokio::test]
async fn a_token_is_for_a_team_of_its_owner() {
    let app = App::start().await;
    let (ann, _) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let blue = team(&app, "Blue", &["bob@example.com"]).await;
    assert_eq!(refused(&app, &ann, json!({ "team_id": blue })).await, 403);
    assert_eq!(refused(&app, &ann, json!({ "team_id": "0".repeat(32) })).await, 403);
    assert_eq!(refused(&app, &ann, json!({ "team_id": "no team" })).await, 403);
    // The only team of hers is her own, and need not be named.
    let made = app.post("/tokens", &ann, json!({ "name": "t", "expires_in_days": 1 })).await.expect(201);
    let personal = made["token"]["team_id"].as_str().unwrap().to_owned();
    let red = team(&app, "Red", &["ann@example.com"]).await;
    let made = app.post("/tokens", &ann, json!({ "name": "u", "expires_in_days": 1 })).await.expect(201);
    assert_eq!(made["token"]["team_id"], json!(null), "with two, none is guessed");
    let token = issue(&app, &ann, json!({ "name": "v", "team_id": red })).await;
    assert_ne!(personal, red);
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
}

#[tokio::test]
async fn who_leaves_the_team_leaves_the_token() {
    let app = App::start().await;
    let (_, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let red = team(&app, "Red", &["ann@example.com", "bob@example.com"]).await;
    let token = issue(&app, &bob, json!({ "team_id": red })).await;
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
    app.send("DELETE", &format!("/teams/{red}/members/bob@example.com"), &app.admin(), None)
        .await
        .expect(200);
    let reply = app.get("/v1/tools", &token.raw).await;
    let text = "Token is invalid: User is no longer a member of the associated team";
    assert_eq!(reply.refused(), json!({ "detail": text }));
}

#[tokio::test]
async fn administrators_make_tokens_for_others_and_nobody_else_does() {
    let app = App::start().await;
    let (admin, ann) = (app.login(ADMIN).await, app.user("ann@example.com").await);
    app.user("bob@example.com").await;
    assert_eq!(refused(&app, &ann, json!({ "user_email": "bob@example.com" })).await, 403);
    assert_eq!(refused(&app, &ann, json!({ "user_email": ADMIN })).await, 403);
    let body = json!({ "name": "t", "expires_in_days": 1, "user_email": "Ann@example.com" });
    let made = app.post("/tokens", &admin, body).await.expect(201);
    assert_eq!(made["token"]["user_email"], "ann@example.com");
    let raw = made["access_token"].as_str().unwrap();
    // It is hers, and no more than she is.
    assert_eq!(status(&app, "/v1/tools", raw).await, 200);
    assert_eq!(status(&app, "/api/logs/audit-trails", raw).await, 403);
    assert_eq!(app.get("/tokens", &ann).await.expect(200)["total"], 1);
}

#[tokio::test]
async fn a_narrowed_session_makes_nothing_wider() {
    let app = App::start().await;
    let red = team(&app, "Red", &[]).await;
    let blue = team(&app, "Blue", &[]).await;
    let narrowed = session(&app, ADMIN, json!({ "teams": [red] })).await;
    let body = json!({ "name": "t", "expires_in_days": 1 });
    assert_eq!(
        app.post("/tokens", &narrowed, body).await.expect(201)["token"]["team_id"],
        red,
        "the only one"
    );
    assert_eq!(refused(&app, &narrowed, json!({ "team_id": blue })).await, 403);
    let narrowed = session(&app, ADMIN, json!({ "teams": [red, blue] })).await;
    assert_eq!(refused(&app, &narrowed, json!({})).await, 403, "a token for no team would reach everything");
    assert_eq!(refused(&app, &narrowed, json!({ "team_id": red })).await, 201);
    assert_eq!(status(&app, "/tokens/admin/all", &narrowed).await, 403);
    // Nor does one that is there already come to reach further.
    let whole = session(&app, ADMIN, json!({})).await;
    let limits = json!({ "permissions": ["tools.read"] });
    let token = issue(&app, &whole, json!({ "name": "small", "scope": limits, "is_active": false })).await;
    let path = format!("/tokens/{}", token.id);
    for wider in [json!({ "scope": { "permissions": ["*"] } }), json!({ "is_active": true })] {
        app.send("PUT", &path, &narrowed, Some(wider.clone())).await.expect(403);
        app.send("PUT", &path, &whole, Some(wider)).await.expect(200);
    }
    app.send("PUT", &path, &narrowed, Some(json!({ "is_active": false }))).await.expect(200);
    let capped = json!({ "scopes": { "permissions": ["tokens.create", "tokens.read", "tools.read"] } });
    let capped = session(&app, ADMIN, capped).await;
    assert_eq!(refused(&app, &capped, json!({ "scope": { "permissions": ["tools.execute"] } })).await, 403);
    let token = issue(&app, &capped, json!({ "name": "inherits" })).await;
    assert_eq!(status(&app, "/v1/tools", &token.raw).await, 200);
    assert_eq!(status(&app, "/v1/gateways", &token.raw).await, 403, "no list is this credential's list");
    let limited = json!({ "scopes": { "permissions": ["*"], "ip_restrictions": ["127.0.0.1"] } });
    let limited = session(&app, ADMIN, limited).await;
    assert_eq!(status(&app, "/tokens", &limited).await, 200);
    assert_eq!(refused(&app, &limited, json!({})).await, 403, "it would be good from anywhere");
    let public = session(&app, "admin@example.com", json!({ "teams": ["0".repeat(32)] })).await;
    assert_eq!(status(&app, "/tokens", &public).await, 200, "an administrator may be narrowed to any team");
    app.user("ann@example.com").await;
    let public = session(&app, "ann@example.com", json!({ "teams": ["0".repeat(32)] })).await;
    assert_eq!(status(&app, "/tokens", &public).await, 403, "narrowed to nothing");
}

#[tokio::test]
async fn what_a_body_adds_is_not_believed() {
    let app = App::start().await;
    let ann = app.user("ann@example.com").await;
    let body = json!({ "name": "t", "expires_in_days": 1, "is_admin": true, "owner_email": ADMIN, "created_by": ADMIN,
        "visibility": "public", "token_use": "session" });
    let made = app.post("/tokens", &ann, body).await.expect(201);
    assert_eq!(made["token"]["user_email"], "ann@example.com");
    let raw = made["access_token"].as_str().unwrap();
    assert_eq!(status(&app, "/tokens", raw).await, 403);
    assert_eq!(status(&app, "/api/logs/audit-trails", raw).await, 403);
}
