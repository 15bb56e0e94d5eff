//! Passwords: what they have to be like, changes that are demanded, and what a change ends.

use serde_json::{Value, json};

use super::{ANN, OTHER, make, session, try_login};
use crate::app::{App, PASSWORD, Reply};

async fn change(app: &App, token: &str, body: Value) -> Reply {
    app.post("/auth/email/change-password", token, body).await
}

#[tokio::test]
async fn a_demanded_change_lets_nobody_in_on_either_route() {
    let app = App::start().await;
    make(&app, ANN, json!({ "password_change_required": true })).await;
    for path in ["/auth/login", "/auth/email/login", "/v1/auth/login"] {
        let reply = app.post(path, "", json!({ "email": ANN, "password": PASSWORD })).await;
        assert_eq!(reply.status.as_u16(), 403, "{path}");
        assert_eq!(reply.header("x-password-change-required"), "true", "{path}");
        let wrong = app.post(path, "", json!({ "email": ANN, "password": "not-the-password-1" })).await;
        assert_eq!(wrong.status.as_u16(), 401, "{path}: only who knows the password learns of it");
        assert!(wrong.headers.get("x-password-change-required").is_none());
    }
    let body = |old: &str, new: &str| json!({ "email": ANN, "old_password": old, "new_password": new });
    assert_eq!(change(&app, "", body("not-the-password-1", OTHER)).await.status.as_u16(), 401);
    assert_eq!(change(&app, "", body(PASSWORD, PASSWORD)).await.status.as_u16(), 400, "the same again");
    change(&app, "", body(PASSWORD, OTHER)).await.expect(200);
    assert_eq!(try_login(&app, ANN, OTHER).await, 200);
    assert_eq!(try_login(&app, ANN, PASSWORD).await, 401);
}

#[tokio::test]
async fn the_password_of_the_guides_has_to_be_changed() {
    let app = App::with(&[("PLATFORM_ADMIN_PASSWORD", "changeme")], &[]).await;
    assert_eq!(try_login(&app, crate::app::ADMIN, "changeme").await, 403);
    let body = json!({ "email": crate::app::ADMIN, "old_password": "changeme", "new_password": OTHER });
    change(&app, "", body).await.expect(200);
    assert_eq!(try_login(&app, crate::app::ADMIN, OTHER).await, 200);
}

#[tokio::test]
async fn passwords_keep_the_rules() {
    let app = App::start().await;
    let attempt = async |password: &str, is_admin: bool| {
        let body = json!({ "email": "robert@example.com", "password": password, "is_admin": is_admin });
        app.post("/auth/email/admin/users", &app.admin(), body).await
    };
    let short = attempt("weakpass1", false).await;
    assert_eq!(short.status.as_u16(), 400);
    let text = "Password must be at least 12 characters long (user account)";
    assert_eq!(short.json(), json!({ "detail": text }));
    for (password, status) in [
        ("admin", 422),
        ("robert@example.com", 422),
        ("Only-robert-2026", 400),
        ("Good-but-defghi-9", 400),
        ("alllowercaseonly", 400),
        ("Password-99-99!", 400),
    ] {
        assert_eq!(attempt(password, false).await.status.as_u16(), status, "{password}");
    }
    assert_eq!(attempt(&"x".repeat(1_000_000), false).await.status.as_u16(), 422);
    assert_eq!(attempt("Long-enough-4-users", true).await.status.as_u16(), 400, "administrators need 22");
    assert_eq!(attempt("Long-enough-4-users", false).await.status.as_u16(), 201);
}

#[tokio::test]
async fn former_passwords_are_refused_and_a_change_ends_sessions() {
    let app = App::with(&[("PASSWORD_HISTORY_COUNT", "2"), ("RATE_LIMIT_LOGIN", "0")], &[]).await;
    make(&app, ANN, json!({})).await;
    let token = session(&app, ANN, PASSWORD).await;
    let wrong = change(&app, &token, json!({ "old_password": "x", "new_password": OTHER })).await;
    assert_eq!(wrong.status.as_u16(), 401);
    assert_eq!(wrong.json(), json!({ "detail": "Current password is incorrect" }));
    let third = "Seven-quiet-herons-4-ever";
    change(&app, &token, json!({ "old_password": PASSWORD, "new_password": OTHER })).await.expect(200);
    assert_eq!(app.get("/v1/tools", &token).await.status.as_u16(), 401, "within the same second, too");
    let next = session(&app, ANN, OTHER).await;
    app.get("/v1/tools", &next).await.expect(200);
    change(&app, &next, json!({ "old_password": OTHER, "new_password": third })).await.expect(200);
    let next = session(&app, ANN, third).await;
    for former in [PASSWORD, OTHER, third] {
        let reply = change(&app, &next, json!({ "old_password": third, "new_password": former })).await;
        assert_eq!(reply.status.as_u16(), 400, "{former}: {:?}", reply.body);
    }
    // An administrator's word ends them as well.
    let path = format!("/auth/email/admin/users/{ANN}");
    let body = json!({ "password": "Eleven-loud-geese-5-times" });
    app.send("PATCH", &path, &app.admin(), Some(body)).await.expect(200);
    assert_eq!(app.get("/v1/tools", &next).await.status.as_u16(), 401);
}
