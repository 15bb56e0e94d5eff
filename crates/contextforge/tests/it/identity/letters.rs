//! Mail that nobody waits for.

use serde_json::json;
use tokio::net::TcpListener;

use super::recorded;
use crate::{
    app::App,
    people::{ANN, mail::MailServer, make, try_login},
};

#[tokio::test]
async fn an_invitation_does_not_wait_for_the_mail_server() {
    // It takes the connection and says nothing until it is served.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let smtp = MailServer::settings_of(&listener);
    let smtp: Vec<_> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(&smtp, &[]).await;
    let admin = app.admin();
    let team = app.post("/teams/", &admin, json!({ "name": "Red" })).await.expect(201);
    let path = format!("/teams/{}/invitations", team["id"].as_str().unwrap());
    let made = app.post(&path, &admin, json!({ "email": ANN })).await.expect(201);
    assert_eq!((&made["email_delivery_status"], &made["warning"]), (&json!("queued"), &json!(null)));
    let mut mail = MailServer::on(listener);
    assert!(mail.next().await.contains(&format!("To: {ANN}")));
    let record = recorded(&app, "team.invitation_mail").await;
    assert_eq!((&record["success"], &record["user_email"]), (&json!(true), &json!("system:mail")));
    assert_eq!(record["details"], json!({ "invitation": made["id"], "email": ANN }));
}

#[tokio::test]
async fn a_letter_that_is_not_taken_is_recorded() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let smtp = MailServer::settings_of(&listener);
    drop(listener);
    let smtp: Vec<_> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(&smtp, &[]).await;
    let admin = app.admin();
    let team = app.post("/teams/", &admin, json!({ "name": "Red" })).await.expect(201);
    let path = format!("/teams/{}/invitations", team["id"].as_str().unwrap());
    app.post(&path, &admin, json!({ "email": ANN })).await.expect(201);
    let record = recorded(&app, "team.invitation_mail").await;
    assert_eq!(record["success"], false);
    assert!(record["details"]["reason"].as_str().unwrap().contains("mail server"), "{record}");
}

#[tokio::test]
async fn the_owner_of_an_account_is_told_once_that_it_is_locked() {
    for told in [true, false] {
        let mut mail = MailServer::start().await;
        let smtp = mail.settings();
        let mut vars: Vec<_> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let wish = if told { "true" } else { "false" };
        vars.extend([("MAX_FAILED_LOGIN_ATTEMPTS", "2"), ("ACCOUNT_LOCKOUT_NOTIFICATION_ENABLED", wish)]);
        let app = App::with(&vars, &[]).await;
        make(&app, ANN, json!({})).await;
        for _ in 0..4 {
            assert_eq!(try_login(&app, ANN, "not-the-password").await, 401);
        }
        if told {
            let message = mail.next().await;
            assert!(message.contains(&format!("To: {ANN}")) && message.contains("is locked"), "{message}");
            assert_eq!(recorded(&app, "user.lockout_mail").await["success"], true);
        }
        // Letters leave in their order, so that a second one would come before this.
        let team = app.post("/teams/", &app.admin(), json!({ "name": "Red" })).await.expect(201);
        let path = format!("/teams/{}/invitations", team["id"].as_str().unwrap());
        app.post(&path, &app.admin(), json!({ "email": "new@example.com" })).await.expect(201);
        assert!(mail.next().await.contains("To: new@example.com"));
        assert!(mail.is_empty());
    }
}
