//! Defining roles: who may, what a role is made of, and how soon a change reaches those who have it.

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    teams::{delete, detail, keys, limited_admin, put},
};

async fn define(app: &App, body: Value) -> Value {
    app.post("/rbac/roles", &app.admin(), body).await.expect(200)
}

fn path(role: &Value) -> String {
    format!("/rbac/roles/{}", role["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_role_has_contextforges_form_and_life() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let body = json!({ "name": "qa", "description": "d", "scope": "team", "permissions": ["tools.read"] });
    let made = define(&app, body.clone()).await;
    let mut expected = vec![
        "id",
        "name",
        "description",
        "scope",
        "permissions",
        "effective_permissions",
        "inherits_from",
        "created_by",
        "is_system_role",
        "is_active",
        "created_at",
        "updated_at",
    ];
    expected.sort_unstable();
    let mut found = keys(&made);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(made["id"].as_str().unwrap().len(), 36, "a UUID with dashes");
    for (key, value) in [
        ("name", json!("qa")),
        ("permissions", json!(["tools.read"])),
        ("inherits_from", json!(null)),
        ("created_by", json!(ADMIN)),
        ("is_system_role", json!(false)),
        ("is_active", json!(true)),
    ] {
        assert_eq!(made[key], value, "{key}");
    }
    assert_eq!(app.get(&path(&made), &admin).await.expect(200), made);
    assert!(detail(&app.post("/rbac/roles", &admin, body.clone()).await, 400).contains("qa"));
    let mut global = body;
    global["scope"] = json!("global");
    define(&app, global).await;
    let changed = put(&app, &path(&made), &admin, json!({ "description": "e" })).await.expect(200);
    assert_eq!((&changed["description"], &changed["permissions"]), (&json!("e"), &json!(["tools.read"])));
    let off = put(&app, &path(&made), &admin, json!({ "is_active": false })).await.expect(200);
    assert_eq!((&off["is_active"], &off["effective_permissions"]), (&json!(false), &json!([])));
    let named = async |query: &str| {
        let list = app.get(&format!("/rbac/roles{query}"), &admin).await.expect(200);
        list.as_array().unwrap().iter().filter(|role| role["name"] == "qa").count()
    };
    assert_eq!((named("").await, named("?active_only=false").await, named("?scope=team").await), (1, 2, 0));
    let gone = delete(&app, &path(&made), &admin).await.expect(200);
    assert_eq!(gone, json!({ "message": "Role deleted successfully" }));
    assert_eq!(detail(&app.get(&path(&made), &admin).await, 404), "Role not found");
    assert_eq!(detail(&app.get("/rbac/roles/nope", &admin).await, 404), "Role not found");
    assert_eq!(app.get("/rbac/roles?limit=1&skip=1", &admin).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_roles_are_refused_and_the_mistake_named() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let with = |permissions: Value| json!({ "name": "qb", "scope": "team", "permissions": permissions });
    let unknown =
        app.post("/rbac/roles", &admin, with(json!(["tools.read", "bogus.perm", "metrics.read"]))).await;
    let text = detail(&unknown, 400);
    assert!(text.contains("bogus.perm") && text.contains("metrics.read"), "{text}");
    for body in [
        json!({ "name": " ", "scope": "team", "permissions": [] }),
        json!({ "name": "a", "scope": "galaxy", "permissions": [] }),
        json!({ "name": "a", "scope": "team" }),
    ] {
        app.post("/rbac/roles", &admin, body).await.expect(422);
    }
    let orphan = json!({ "name": "a", "scope": "team", "permissions": [], "inherits_from": "nope" });
    assert!(detail(&app.post("/rbac/roles", &admin, orphan).await, 400).contains("inherits_from"));
    define(&app, json!({ "name": "both", "scope": "global", "permissions": ["tools.read", "metrics:read"] }))
        .await;
}

#[tokio::test]
async fn the_programs_own_roles_cannot_be_touched() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let roles = app.get("/rbac/roles", &admin).await.expect(200);
    let own: Vec<&Value> =
        roles.as_array().unwrap().iter().filter(|role| role["is_system_role"] == true).collect();
    assert_eq!(own.len(), 5);
    for role in own {
        detail(&put(&app, &path(role), &admin, json!({ "permissions": ["*"] })).await, 400);
        detail(&delete(&app, &path(role), &admin).await, 400);
    }
    let mine = json!({ "name": "mine", "scope": "global", "permissions": [], "is_system_role": true });
    let mine = define(&app, mine).await;
    assert_eq!(mine["is_system_role"], false);
    delete(&app, &path(&mine), &admin).await.expect(200);
}

#[tokio::test]
async fn roles_inherit_but_never_in_a_circle() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let top = define(&app, json!({ "name": "top", "scope": "global", "permissions": ["logs:read"] })).await;
    let low = json!({ "name": "low", "scope": "global", "permissions": ["tools.read"], "inherits_from": top["id"] });
    let low = define(&app, low).await;
    let comes_to = low["effective_permissions"].to_string();
    assert!(comes_to.contains("logs:read") && comes_to.contains("tools.read"), "{comes_to}");
    assert_eq!(low["inherits_from"], top["id"]);
    let circle = put(&app, &path(&top), &admin, json!({ "inherits_from": low["id"] })).await;
    assert!(detail(&circle, 400).contains("top -> low -> top"));
    detail(&put(&app, &path(&top), &admin, json!({ "inherits_from": top["id"] })).await, 400);
    assert!(detail(&delete(&app, &path(&top), &admin).await, 400).contains("low"));
    // What the parent loses, its heirs lose at once.
    let ann = app.user("ann@example.com").await;
    let grant = json!({ "role_id": low["id"], "scope": "global" });
    app.post("/rbac/users/ann@example.com/roles", &admin, grant).await.expect(200);
    let has = async || {
        app.get("/rbac/my/permissions", &ann)
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .contains(&json!("logs:read"))
    };
    assert!(has().await);
    put(&app, &path(&top), &admin, json!({ "permissions": ["audit:read"] })).await.expect(200);
    assert!(!has().await);
    put(&app, &path(&low), &admin, json!({ "inherits_from": "" })).await.expect(200);
    delete(&app, &path(&top), &admin).await.expect(200);
}

#[tokio::test]
async fn a_role_that_goes_goes_from_everybody_at_once() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    let role =
        define(&app, json!({ "name": "auditor", "scope": "global", "permissions": ["audit:read"] })).await;
    let grant = json!({ "role_id": role["id"], "scope": "global" });
    app.post("/rbac/users/ann@example.com/roles", &admin, grant).await.expect(200);
    app.get("/api/logs/audit-trails", &ann).await.expect(200);
    put(&app, &path(&role), &admin, json!({ "is_active": false })).await.expect(200);
    app.get("/api/logs/audit-trails", &ann).await.expect(403);
    put(&app, &path(&role), &admin, json!({ "is_active": true })).await.expect(200);
    app.get("/api/logs/audit-trails", &ann).await.expect(200);
    delete(&app, &path(&role), &admin).await.expect(200);
    app.get("/api/logs/audit-trails", &ann).await.expect(403);
    let rows = app.get("/api/logs/audit-trails?limit=50", &admin).await.expect(200).to_string();
    for action in ["role.create", "role.update", "role.delete", "role.assign"] {
        assert!(rows.contains(&format!("\"{action}\"")), "{action}");
    }
}

#[tokio::test]
async fn only_administrators_define_roles_and_none_beyond_their_credential() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    let body = json!({ "name": "x", "scope": "global", "permissions": ["tools.read"] });
    detail(&app.post("/rbac/roles", &ann, body.clone()).await, 403);
    let clerk = define(
        &app,
        json!({ "name": "clerk", "scope": "global", "permissions": ["admin.user_management", "tools.read"] }),
    )
    .await;
    let grant = json!({ "role_id": clerk["id"], "scope": "global" });
    app.post("/rbac/users/ann@example.com/roles", &admin, grant).await.expect(200);
    app.get("/rbac/roles", &ann).await.expect(200);
    detail(&app.post("/rbac/roles", &ann, body.clone()).await, 403);
    detail(&put(&app, &path(&clerk), &ann, json!({ "permissions": ["*"] })).await, 403);
    detail(&delete(&app, &path(&clerk), &ann).await, 403);
    let limited = limited_admin(&["admin.user_management"]);
    detail(&app.post("/rbac/roles", &limited, body).await, 403);
    detail(&put(&app, &path(&clerk), &limited, json!({ "permissions": [] })).await, 403);
}
