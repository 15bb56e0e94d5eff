//! Accounts that people make for themselves.

use serde_json::{Value, json};

use super::{ANN, make};
use crate::app::{App, PASSWORD, Reply};

async fn register(app: &App, body: Value) -> Reply {
    app.post("/auth/email/register", "", body).await
}

fn body(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "full_name": "Z", "is_admin": true, "is_active": true })
}

#[tokio::test]
async fn registration_is_off_for_everybody_alike() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    let text = "Public registration is disabled. Please contact an administrator to create an account.";
    for given in [body(ANN), body("new@example.com"), json!({})] {
        let reply = register(&app, given).await;
        assert_eq!(reply.refused(), json!({ "detail": text }));
    }
}

#[tokio::test]
async fn who_registers_comes_in_as_nobody_special() {
    let app = App::with(&[("PUBLIC_REGISTRATION_ENABLED", "true")], &[]).await;
    make(&app, ANN, json!({})).await;
    let reply = register(&app, body("new@example.com")).await.expect(200);
    assert_eq!(
        (&reply["user"]["is_admin"], &reply["user"]["email_verified"]),
        (&json!(false), &json!(false))
    );
    let token = reply["access_token"].as_str().unwrap();
    app.get("/v1/tools", token).await.expect(200);
    app.get("/auth/email/admin/users", token).await.expect(403);
    let refused = register(&app, body(ANN)).await;
    assert_eq!(refused.status.as_u16(), 400);
    assert!(!String::from_utf8_lossy(&refused.body).contains("exists"), "{:?}", refused.body);
    let weak = json!({ "email": "z@example.com", "password": "weakpass1" });
    assert_eq!(register(&app, weak).await.status.as_u16(), 400);
    assert_eq!(register(&app, json!({ "email": "z" })).await.status.as_u16(), 422);
}

#[tokio::test]
async fn registrations_are_limited() {
    let vars = [("PUBLIC_REGISTRATION_ENABLED", "true"), ("RATE_LIMIT_LOGIN", "2")];
    let app = App::with(&vars, &[]).await;
    for n in 0..2 {
        register(&app, body(&format!("n{n}@example.com"))).await.expect(200);
    }
    assert_eq!(register(&app, body("n3@example.com")).await.status.as_u16(), 429);
}
