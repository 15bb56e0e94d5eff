//! What a start does about roles.

use serde_json::{Value, json};

use crate::{
    app::{App, command},
    teams::{detail, put, team},
};

const ENABLED: (&str, &str) = ("MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_ENABLED", "true");

fn file(folder: &std::path::Path, text: &str) -> String {
    let path = folder.join("roles.json");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn named<'a>(roles: &'a Value, name: &str) -> &'a Value {
    roles.as_array().unwrap().iter().find(|role| role["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn roles_of_a_file_are_there_and_put_right_at_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"[
        {"name":"newcomer","description":"d","scope":"global","permissions":["tools.read"],"inherits_from":"base"},
        {"name":"base","scope":"global","permissions":["prompts.read"],"is_system_role":true},
        {"name":"crew","scope":"team","permissions":["resources.read"]}
    ]"#;
    let path = file(folder.path(), text);
    let vars = [
        ENABLED,
        ("MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_FILE", path.as_str()),
        ("DEFAULT_USER_ROLE", "newcomer"),
        ("DEFAULT_TEAM_MEMBER_ROLE", "crew"),
    ];
    let mut app = App::with(&vars, &[]).await;
    let admin = app.admin();
    let roles = app.get("/rbac/roles", &admin).await.expect(200);
    let newcomer = named(&roles, "newcomer").clone();
    assert_eq!(newcomer["inherits_from"], named(&roles, "base")["id"]);
    assert_eq!(named(&roles, "base")["is_system_role"], true);
    // New people and new members have the roles of the settings.
    let bob = app.user("bob@example.com").await;
    let may = app.get("/rbac/my/permissions", &bob).await.expect(200);
    assert_eq!(may, json!(["prompts.read", "servers.use", "tools.read"]));
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    crate::teams::add(&app, &red, "bob@example.com", "member").await;
    let roles = app.get("/rbac/users/bob@example.com/roles?scope=team", &admin).await.expect(200);
    assert!(roles.as_array().unwrap().iter().any(|role| role["role_name"] == "crew"), "{roles}");
    // A role of the settings cannot be renamed, switched off or removed.
    let one = format!("/rbac/roles/{}", newcomer["id"].as_str().unwrap());
    assert!(
        detail(&put(&app, &one, &admin, json!({ "name": "x" })).await, 400).contains("DEFAULT_USER_ROLE")
    );
    detail(&put(&app, &one, &admin, json!({ "is_active": false })).await, 400);
    detail(&crate::teams::delete(&app, &one, &admin).await, 400);
    // What was changed meanwhile is as in the file again, under the same id.
    put(&app, &one, &admin, json!({ "permissions": ["*"] })).await.expect(200);
    app.kill_and_restart().await;
    let roles = app.get("/rbac/roles", &app.admin()).await.expect(200);
    let again = named(&roles, "newcomer");
    assert_eq!((&again["permissions"], &again["id"]), (&json!(["tools.read"]), &newcomer["id"]));
    let may = app.get("/rbac/my/permissions", &bob).await.expect(200);
    assert!(!may.as_array().unwrap().contains(&json!("*")), "{may}");
}

#[tokio::test]
async fn a_start_is_refused_where_roles_are_not_what_the_operator_thinks() {
    let folder = tempfile::tempdir().unwrap();
    let refused = async |vars: &[(&str, &str)]| {
        let mut all = vec![
            ("JWT_SECRET_KEY".to_owned(), crate::token::KEY.to_owned()),
            ("AUTH_ENCRYPTION_SECRET".to_owned(), "v8-test-encryption-secret_that-is-long_7Rw2".to_owned()),
            ("PORT".to_owned(), "0".to_owned()),
        ];
        all.extend(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let output = command(folder.path(), &all).arg("serve").output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let missing = refused(&[ENABLED]).await;
    assert!(missing.contains("additional_roles_in_db.json"), "{missing}");
    let path = file(folder.path(), r#"[{"name":"a","scope":"team","permissions":["nope.read"]}]"#);
    let wrong = refused(&[ENABLED, ("MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_FILE", &path)]).await;
    assert!(wrong.contains("[0].permissions") && wrong.contains("nope.read"), "{wrong}");
    let unknown = refused(&[("DEFAULT_TEAM_OWNER_ROLE", "king")]).await;
    assert!(unknown.contains("DEFAULT_TEAM_OWNER_ROLE") && unknown.contains("king"), "{unknown}");
}
