//! Giving and taking roles.

use domain::Timestamp;
use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    teams::{add, delete, detail, limited_admin, team},
    token,
};

const BOB: &str = "/rbac/users/bob@example.com/roles";

async fn role(app: &App, name: &str, scope: &str, permissions: &[&str]) -> Value {
    let body = json!({ "name": name, "scope": scope, "permissions": permissions });
    app.post("/rbac/roles", &app.admin(), body).await.expect(200)["id"].clone()
}

#[tokio::test]
async fn a_role_in_a_team_is_given_and_taken_with_contextforges_words() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    app.user("bob@example.com").await;
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let qa = role(&app, "qa", "team", &["tools.read"]).await;
    let grant = json!({ "role_id": qa, "scope": "team", "scope_id": red });
    detail(&app.post(BOB, &admin, json!({ "role_id": qa, "scope": "team" })).await, 422);
    app.post(BOB, &admin, grant.clone()).await.expect(422);
    add(&app, &red, "bob@example.com", "member").await;
    let given = app.post(BOB, &admin, grant).await.expect(200);
    for (key, value) in [
        ("user_email", json!("bob@example.com")),
        ("role_id", qa.clone()),
        ("role_name", json!("qa")),
        ("scope", json!("team")),
        ("scope_id", json!(red)),
        ("granted_by", json!(ADMIN)),
        ("expires_at", json!(null)),
        ("is_active", json!(true)),
        ("grant_source", json!(null)),
    ] {
        assert_eq!(given[key], value, "{key}");
    }
    assert_eq!(given["id"].as_str().unwrap().len(), 36);
    let listed = app.get(&format!("{BOB}?scope=team"), &admin).await.expect(200);
    assert!(listed.as_array().unwrap().contains(&given), "{listed}");
    let one = format!("{BOB}/{}", qa.as_str().unwrap());
    detail(&delete(&app, &format!("{one}?scope=team"), &admin).await, 404);
    detail(&delete(&app, &format!("{one}?scope=global&scope_id={red}"), &admin).await, 404);
    let gone = delete(&app, &format!("{one}?scope=team&scope_id={red}"), &admin).await.expect(200);
    assert_eq!(gone, json!({ "message": "Role revoked successfully" }));
    detail(&delete(&app, &format!("{one}?scope=team&scope_id={red}"), &admin).await, 404);
    let wrong = json!({ "role_id": qa, "scope": "global" });
    app.post(BOB, &admin, wrong).await.expect(422);
    detail(&app.post(BOB, &admin, json!({ "role_id": "nope", "scope": "global" })).await, 404);
    let nobody = json!({ "role_id": "platform_viewer", "scope": "global" });
    detail(&app.post("/rbac/users/nobody@example.com/roles", &admin, nobody).await, 404);
}

#[tokio::test]
async fn a_role_ends_when_its_time_has_come_and_not_before() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let auditor = role(&app, "auditor", "global", &["audit:read"]).await;
    let grant = |end: String| json!({ "role_id": auditor, "scope": "global", "expires_at": end });
    for wrong in ["tomorrow".to_owned(), Timestamp::from_seconds(1).to_string()] {
        app.post(BOB, &admin, grant(wrong)).await.expect(422);
    }
    let end = i64::try_from(token::now()).unwrap() + 3;
    // As ContextForge's clients write it: without an offset.
    let text = Timestamp::from_seconds(end).to_string().trim_end_matches('Z').to_owned();
    let given = app.post(BOB, &admin, grant(text)).await.expect(200);
    assert_eq!(given["expires_at"], Timestamp::from_seconds(end).to_string());
    // The token is remembered from here on; what is remembered must not outlive the role.
    app.get("/api/logs/audit-trails", &bob).await.expect(200);
    app.until(async || app.get("/api/logs/audit-trails", &bob).await.status.as_u16() == 403).await;
    assert!(i64::try_from(token::now()).unwrap() >= end, "not before its time");
    let named = async |query: &str| {
        let list = app.get(&format!("{BOB}{query}"), &admin).await.expect(200);
        let named = list.as_array().unwrap().iter().filter(|given| given["role_name"] == "auditor");
        named.map(|given| given["is_active"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(named("").await, Vec::<Value>::new());
    assert_eq!(named("?active_only=false").await, [json!(false)]);
    // Given again, it counts again.
    app.post(BOB, &admin, json!({ "role_id": auditor, "scope": "global" })).await.expect(200);
    app.get("/api/logs/audit-trails", &bob).await.expect(200);
    assert_eq!(named("?active_only=false").await, [json!(true)], "one assignment, not two");
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_with_this_credential() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    app.user("bob@example.com").await;
    let clerk = role(&app, "clerk", "global", &["admin.user_management", "tools.read"]).await;
    let reader = role(&app, "reader", "global", &["tools.read"]).await;
    let heir =
        json!({ "name": "heir", "scope": "global", "permissions": [], "inherits_from": "platform_admin" });
    let heir = app.post("/rbac/roles", &admin, heir).await.expect(200)["id"].clone();
    let grant = |role: &Value| json!({ "role_id": role, "scope": "global" });
    app.post("/rbac/users/ann@example.com/roles", &admin, grant(&clerk)).await.expect(200);
    app.post(BOB, &ann, grant(&reader)).await.expect(200);
    for (who, token) in [("a clerk", &ann), ("a limited token", &limited_admin(&["admin.user_management"]))] {
        for role in [json!("platform_admin"), heir.clone()] {
            let reply = app.post(BOB, token, grant(&role)).await;
            assert_eq!(reply.status.as_u16(), 403, "{who} {role}");
        }
    }
    detail(&app.post("/rbac/users/ann@example.com/roles", &ann, grant(&heir)).await, 403);
    let own = format!("/rbac/users/admin@example.com/roles/{}", "platform_admin");
    detail(&delete(&app, &format!("{own}?scope=global"), &ann).await, 403);
}

#[tokio::test]
async fn a_role_in_a_team_makes_nobody_an_administrator() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "member").await;
    let king = role(&app, "king", "team", &["*"]).await;
    let grant = json!({ "role_id": king, "scope": "team", "scope_id": red });
    app.post(BOB, &admin, grant).await.expect(200);
    for path in ["/rbac/roles", "/api/logs/audit-trails", "/auth/email/admin/users", BOB] {
        detail(&app.get(path, &bob).await, 403);
    }
    let body = json!({ "server": { "name": "s" }, "visibility": "team", "team_id": red });
    app.post("/v1/servers", &bob, body).await.expect(201);
    detail(&app.post("/v1/servers", &bob, json!({ "server": { "name": "t" } })).await, 403);
}

/// Who manages accounts does not become whoever may more: by a password, or by taking somebody out of the way.
#[tokio::test]
async fn managers_of_accounts_do_not_reach_above_themselves() {
    let app = App::with(&[], &[]).await;
    let (admin, helper) = (app.admin(), app.user("helper@example.com").await);
    for email in ["auditor@example.com", "deputy@example.com", "member@example.com"] {
        app.user(email).await;
    }
    let give = async |email: &str, role: Value| {
        let body = json!({ "role_id": role, "scope": "global" });
        app.post(&format!("/rbac/users/{email}/roles"), &admin, body).await.expect(200);
    };
    give("helper@example.com", role(&app, "help-desk", "global", &["admin.user_management"]).await).await;
    give("auditor@example.com", role(&app, "auditor", "global", &["audit:read"]).await).await;
    give("deputy@example.com", json!("platform_admin")).await;
    for (email, reached) in
        [("auditor@example.com", false), ("deputy@example.com", false), ("member@example.com", true)]
    {
        let path = format!("/auth/email/admin/users/{email}");
        let status = |good: u16| if reached { good } else { 403 };
        let password = json!({ "password": "Orange-Bottle-58!wzQv9-Kestrel" });
        app.send("PUT", &path, &helper, Some(password)).await.expect(status(200));
        app.send("PUT", &path, &helper, Some(json!({ "is_active": false }))).await.expect(status(200));
        app.post(&format!("{path}/unlock"), &helper, json!({})).await.expect(status(200));
        let deleted = app.send("DELETE", &path, &helper, None).await;
        assert_eq!(deleted.status == 403, !reached, "{email}: {}", deleted.status);
    }
}
