//! What people may do, told to themselves and to auditors.

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    teams::{add, api_token, detail, limited_admin, team},
};

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_see_what_this_credential_may_do() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "member").await;
    assert_eq!(app.get("/rbac/my/permissions", &admin).await.expect(200), json!(["*"]));
    let limited = limited_admin(&["tools.read", "tags.read"]);
    // No permission stands for this route, so that none of a limited token's can.
    app.get("/rbac/my/permissions", &limited).await.expect(403);
    let everywhere = app.get("/rbac/my/permissions", &bob).await.expect(200);
    let in_team = app.get(&format!("/rbac/my/permissions?team_id={red}"), &bob).await.expect(200);
    assert!(texts(&everywhere).contains(&"tools.read") && !texts(&everywhere).contains(&"tools.execute"));
    assert!(texts(&in_team).contains(&"tools.execute"));
    let elsewhere = api_token("bob@example.com", &json!([]));
    detail(&app.get(&format!("/rbac/my/permissions?team_id={red}"), &elsewhere).await, 404);
    let roles = app.get("/rbac/my/roles", &bob).await.expect(200);
    let mut names: Vec<_> =
        roles.as_array().unwrap().iter().map(|role| role["role_name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["platform_viewer", "team_admin", "viewer"]);
    detail(&app.get("/rbac/my/permissions", "").await, 401);
}

#[tokio::test]
async fn every_permission_is_offered_by_what_it_is_about() {
    let app = App::with(&[], &[]).await;
    let bob = app.user("bob@example.com").await;
    let all = app.get("/rbac/permissions/available", &bob).await.expect(200);
    let names = texts(&all["all_permissions"]);
    assert_eq!(names[..2], ["a2a.create", "a2a.delete"]);
    assert_eq!(all["total_count"].as_u64().unwrap(), u64::try_from(names.len()).unwrap());
    assert_eq!(all["permissions_by_resource"]["audit"], json!(["audit:read"]));
    assert_eq!(all["permissions_by_resource"]["llm"], json!(["llm.invoke", "llm.read"]));
    assert!(names.contains(&"admin.sso_providers:create") && names.contains(&"tools.read"));
}

#[tokio::test]
async fn auditors_ask_about_others() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "member").await;
    let check = async |permission: &str, team: Option<&str>| {
        let body = json!({ "user_email": "bob@example.com", "permission": permission, "team_id": team });
        app.post("/rbac/permissions/check", &admin, body).await
    };
    let answer = check("tools.read", None).await.expect(200);
    for (key, value) in [
        ("user_email", json!("bob@example.com")),
        ("permission", json!("tools.read")),
        ("granted", json!(true)),
        ("checked_by", json!(ADMIN)),
    ] {
        assert_eq!(answer[key], value, "{key}");
    }
    assert!(answer["checked_at"].is_string());
    assert_eq!(check("tools.execute", None).await.expect(200)["granted"], false);
    assert_eq!(check("tools.execute", Some(&red)).await.expect(200)["granted"], true);
    assert_eq!(check("teams.delete", Some(&red)).await.expect(200)["granted"], false);
    assert!(detail(&check("bogus.perm", None).await, 400).contains("bogus.perm"));
    let of =
        app.get(&format!("/rbac/permissions/user/bob@example.com?team_id={red}"), &admin).await.expect(200);
    assert!(texts(&of).contains(&"tools.execute"));
    assert_eq!(app.get(&format!("/rbac/permissions/user/{ADMIN}"), &admin).await.expect(200), json!(["*"]));
    detail(&app.get("/rbac/permissions/user/nobody@example.com", &admin).await, 404);
    detail(&app.get("/rbac/permissions/user/bob@example.com", &bob).await, 403);
    let body = json!({ "user_email": "bob@example.com", "permission": "tools.read" });
    detail(&app.post("/rbac/permissions/check", &bob, body).await, 403);
}
