//! Lost passwords: links by mail or from an operator, used once.

use serde_json::json;

use super::{ANN, BOB, OTHER, mail::MailServer, make, session, try_login};
use crate::app::{App, PASSWORD, Reply, command};

const NEUTRAL: &str = "If this email is registered, you will receive a reset link.";

async fn forgot(app: &App, email: &str) -> Reply {
    app.post("/auth/email/forgot-password", "", json!({ "email": email })).await
}

async fn reset(app: &App, secret: &str, password: &str) -> Reply {
    let body = json!({ "new_password": password, "confirm_password": password });
    app.post(&format!("/auth/email/reset-password/{secret}"), "", body).await
}

/// A link as an operator makes one.
async fn issued(app: &App, email: &str) -> serde_json::Value {
    let mut arguments = command(app.folder.path(), app.vars());
    let output = arguments.args(["user", "reset-password", email, "--json"]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_link_comes_by_mail_and_works_once() {
    let mut mail = MailServer::start().await;
    let smtp = [
        ("SMTP_ENABLED", "true"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", mail.port.as_str()),
        ("SMTP_USE_TLS", "false"),
        ("SMTP_FROM_EMAIL", "gateway@example.com"),
        ("APP_DOMAIN", "https://gw.example.com"),
    ];
    let app = App::with(&smtp, &[]).await;
    make(&app, ANN, json!({})).await;
    let before = session(&app, ANN, PASSWORD).await;
    let unknown = forgot(&app, "nobody@example.com").await;
    assert!(mail.is_empty());
    let known = forgot(&app, ANN).await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    assert_eq!(known.expect(200), json!({ "success": true, "message": NEUTRAL }));
    let message = mail.next().await;
    assert!(message.contains(&format!("To: {ANN}")), "{message}");
    let link = "https://gw.example.com/auth/email/reset-password/";
    let at = message.find(link).unwrap_or_else(|| panic!("{message}")) + link.len();
    let secret: String = message[at..].chars().take_while(|c| !c.is_whitespace()).collect();
    assert_eq!(secret.len(), 43, "256 bits");
    let state = app.get(&format!("/auth/email/reset-password/{secret}"), "").await.expect(200);
    assert_eq!(state["valid"], true);
    assert_eq!(
        reset(&app, &secret, "weakpass1").await.status.as_u16(),
        400,
        "the rules hold, and the link stays"
    );
    let differing = json!({ "new_password": OTHER, "confirm_password": PASSWORD });
    let path = format!("/auth/email/reset-password/{secret}");
    assert_eq!(app.post(&path, "", differing).await.status.as_u16(), 422);
    reset(&app, &secret, OTHER).await.expect(200);
    let again = reset(&app, &secret, "Seven-quiet-herons-4-ever").await;
    assert_eq!(again.status.as_u16(), 400);
    assert_eq!(again.json(), json!({ "detail": "This reset link has already been used" }));
    assert_eq!(app.get("/v1/tools", &before).await.status.as_u16(), 401, "sessions have ended");
    assert_eq!((try_login(&app, ANN, PASSWORD).await, try_login(&app, ANN, OTHER).await), (401, 200));
}

#[tokio::test]
async fn requests_for_links_are_limited_for_known_and_unknown_alike() {
    for email in [ANN, "nobody@example.com"] {
        let app = App::start().await;
        make(&app, ANN, json!({})).await;
        for _ in 0..5 {
            assert_eq!(forgot(&app, email).await.status.as_u16(), 200);
        }
        let limited = forgot(&app, email).await;
        assert_eq!(limited.status.as_u16(), 429, "{email}");
        assert!(limited.header("retry-after").parse::<u64>().unwrap() > 800);
    }
}

#[tokio::test]
async fn an_operator_makes_a_link_at_the_command_line() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    let (first, second) = (issued(&app, ANN).await, issued(&app, ANN).await);
    let secret = |issued: &serde_json::Value| issued["token"].as_str().unwrap().to_owned();
    let replaced = reset(&app, &secret(&first), OTHER).await;
    assert_eq!(replaced.json(), json!({ "detail": "This reset link is invalid" }), "one at a time");
    // It opens a locked account, too.
    for _ in 0..5 {
        try_login(&app, ANN, "not-the-password-1").await;
    }
    assert_eq!(try_login(&app, ANN, PASSWORD).await, 401);
    reset(&app, &secret(&second), OTHER).await.expect(200);
    assert_eq!(try_login(&app, ANN, OTHER).await, 200);
    let mut unknown = command(app.folder.path(), app.vars());
    assert!(!unknown.args(["user", "reset-password", BOB]).output().await.unwrap().status.success());
}

#[tokio::test]
async fn links_that_are_none_open_nothing() {
    let app = App::start().await;
    for nonsense in ["abc", &"A".repeat(43), "%2e%2e"] {
        let reply = app.get(&format!("/auth/email/reset-password/{nonsense}"), "").await;
        assert_eq!(reply.status.as_u16(), 400, "{nonsense}");
        assert_eq!(reply.json(), json!({ "detail": "This reset link is invalid" }));
    }
    make(&app, ANN, json!({})).await;
    let secret = issued(&app, ANN).await["token"].as_str().unwrap().to_owned();
    let path = format!("/auth/email/admin/users/{ANN}");
    app.send("PUT", &path, &app.admin(), Some(json!({ "is_active": false }))).await.expect(200);
    assert_eq!(reset(&app, &secret, OTHER).await.status.as_u16(), 400, "an inactive account");
    let off = App::with(&[("PASSWORD_RESET_ENABLED", "false")], &[]).await;
    assert_eq!(forgot(&off, ANN).await.status.as_u16(), 403);
}
