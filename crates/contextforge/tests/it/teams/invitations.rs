//! Invitations: for one address, once, for a while.

use serde_json::json;

use super::{add, delete, detail, put, team};
use crate::{
    app::{ADMIN, App, PASSWORD},
    people::mail::MailServer,
};

#[tokio::test]
async fn an_invitation_is_shown_once_and_accepted_once() {
    let app = App::with(&[("APP_DOMAIN", "https://gw.example.com/")], &[]).await;
    let (admin, bob, eve) =
        (app.admin(), app.user("bob@example.com").await, app.user("eve@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Core Team" })).await;
    let path = format!("/teams/{red}/invitations");
    let body = json!({ "email": "Bob@example.com", "role": "member" });
    let made = app.post(&path, &admin, body.clone()).await.expect(201);
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.len() >= 43, "256 bits: {token}");
    for (key, value) in [
        ("team_id", json!(red)),
        ("team_name", json!("Core Team")),
        ("email", json!("bob@example.com")),
        ("role", json!("member")),
        ("invited_by", json!(ADMIN)),
        ("is_active", json!(true)),
        ("is_expired", json!(false)),
        ("invitation_url", json!(format!("https://gw.example.com/accept-invitation/{token}"))),
        ("email_delivery_status", json!("disabled")),
        ("warning", json!("Invitation created, but email delivery is disabled.")),
    ] {
        assert_eq!(made[key], value, "{key}");
    }
    let again = app.post(&path, &admin, body).await;
    assert_eq!(detail(&again, 400), "An active invitation already exists for bob@example.com");
    let listed = app.get(&path, &admin).await.expect(200);
    assert_eq!((&listed[0]["id"], &listed[0]["token"]), (&made["id"], &json!("*****")));
    let accept = format!("/teams/invitations/{token}/accept");
    assert_eq!(
        detail(&app.post(&accept, &eve, json!({})).await, 400),
        "Email address does not match invitation"
    );
    detail(&app.post(&accept, "", json!({})).await, 401);
    let joined = app.send("POST", &accept, &bob, None).await.expect(200);
    assert_eq!(
        (&joined["user_email"], &joined["role"], &joined["invited_by"]),
        (&json!("bob@example.com"), &json!("member"), &json!(ADMIN))
    );
    app.get(&format!("/teams/{red}"), &bob).await.expect(200);
    assert_eq!(detail(&app.post(&accept, &bob, json!({})).await, 400), "Invitation is invalid or expired");
    assert_eq!(app.get(&path, &admin).await.expect(200), json!([]));
    for wrong in ["bad", &"x".repeat(2000)] {
        let reply = app.post(&format!("/teams/invitations/{wrong}/accept"), &bob, json!({})).await;
        assert_eq!(detail(&reply, 400), "Invitation not found");
    }
    // The token is nowhere but in that one answer.
    let rows = app.get("/api/logs/audit-trails?limit=100", &admin).await.expect(200).to_string();
    assert!(rows.contains("team.invitation_accept") && !rows.contains(&token));
}

#[tokio::test]
async fn an_invitation_can_be_taken_back_and_runs_out() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let path = format!("/teams/{red}/invitations");
    let body = json!({ "email": "bob@example.com" });
    let made = app.post(&path, &admin, body.clone()).await.expect(201);
    let cancel = format!("/teams/invitations/{}", made["id"].as_str().unwrap());
    assert_eq!(detail(&delete(&app, &cancel, &bob).await, 404), "Invitation not found");
    let stranger = app.user("eve@example.com").await;
    team(&app, &stranger, json!({ "name": "Blue" })).await;
    assert_eq!(detail(&delete(&app, &cancel, &stranger).await, 404), "Invitation not found");
    let gone = delete(&app, &cancel, &admin).await.expect(200);
    assert_eq!(gone, json!({ "success": true, "message": "Team invitation cancelled successfully" }));
    assert_eq!(detail(&delete(&app, &cancel, &admin).await, 404), "Invitation not found");
    let accept = |token: &serde_json::Value| format!("/teams/invitations/{}/accept", token.as_str().unwrap());
    let late = app.post(&accept(&made["token"]), &bob, json!({})).await;
    assert_eq!(detail(&late, 400), "Invitation is invalid or expired");

    let app = App::with(&[("INVITATION_EXPIRY_DAYS", "0")], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let made = app.post(&format!("/teams/{red}/invitations"), &admin, body).await.expect(201);
    let late = app.post(&accept(&made["token"]), &bob, json!({})).await;
    assert_eq!(detail(&late, 400), "Invitation is invalid or expired");
}

#[tokio::test]
async fn an_invitation_goes_with_whoever_made_it() {
    let app = App::with(&[], &[]).await;
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let red = team(&app, &app.admin(), json!({ "name": "Red" })).await;
    let path = format!("/teams/{red}/invitations");
    for ending in ["removed", "demoted", "disabled"] {
        let place = format!("/teams/{red}/members/ann@example.com");
        let now = app.get(&format!("/teams/{red}/members"), &app.admin()).await.expect(200).to_string();
        if now.contains("ann@example.com") {
            put(&app, &place, &app.admin(), json!({ "role": "owner" })).await.expect(200);
        } else {
            add(&app, &red, "ann@example.com", "owner").await;
        }
        let made = app.post(&path, &ann, json!({ "email": "bob@example.com" })).await.expect(201);
        match ending {
            "removed" => delete(&app, &place, &app.admin()).await,
            "demoted" => put(&app, &place, &app.admin(), json!({ "role": "member" })).await,
            _ => {
                let off = json!({ "is_active": false });
                put(&app, "/auth/email/admin/users/ann@example.com", &app.admin(), off).await
            }
        }
        .expect(200);
        let accept = format!("/teams/invitations/{}/accept", made["token"].as_str().unwrap());
        let reply = app.post(&accept, &bob, json!({})).await;
        assert_eq!(detail(&reply, 400), "Invitation is invalid or expired", "{ending}");
    }
}

#[tokio::test]
async fn invitations_are_for_those_who_manage_members_and_can_be_switched_off() {
    let app = App::with(&[("ALLOW_TEAM_INVITATIONS", "false")], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "ann@example.com", "owner").await;
    let path = format!("/teams/{red}/invitations");
    let new = json!({ "email": "new@example.com", "role": "member" });
    detail(&app.post(&path, &ann, new.clone()).await, 403);
    app.post(&path, &admin, new).await.expect(201);

    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red", "max_members": 3 })).await;
    add(&app, &red, "bob@example.com", "member").await;
    let path = format!("/teams/{red}/invitations");
    let new = |name: &str| json!({ "email": format!("{name}@example.com"), "role": "member" });
    detail(&app.post(&path, &bob, new("one")).await, 403);
    detail(&app.get(&path, &bob).await, 403);
    app.post(&path, &admin, json!({ "email": "a@b@c" })).await.expect(422);
    assert_eq!(
        detail(&app.post(&path, &admin, new("bob")).await, 400),
        "User bob@example.com is already a member of this team"
    );
    app.post(&path, &admin, new("one")).await.expect(201);
    detail(&app.post(&path, &admin, new("two")).await, 400);
}

#[tokio::test]
async fn an_invitation_is_mailed_where_there_is_a_mail_server() {
    let mut mail = MailServer::start().await;
    let smtp = mail.settings();
    let smtp: Vec<_> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(&smtp, &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let path = format!("/teams/{red}/invitations");
    let made = app.post(&path, &admin, json!({ "email": "bob@example.com" })).await.expect(201);
    assert_eq!((&made["email_delivery_status"], &made["warning"]), (&json!("queued"), &json!(null)));
    let message = mail.next().await;
    assert!(message.contains("To: bob@example.com") && message.contains("Red"), "{message}");
    let link = made["invitation_url"].as_str().unwrap();
    assert!(
        link.starts_with("https://gw.example.com/accept-invitation/") && message.contains(link),
        "{message}"
    );
    let token = link.rsplit('/').next().unwrap();
    app.post(&format!("/teams/invitations/{token}/accept"), &bob, json!({})).await.expect(200);
    // First members without an account are mailed too; their token is shown to nobody else.
    let members = json!([{ "email": "new@example.com" }]);
    let made = app.post("/teams/", &admin, json!({ "name": "Blue", "members": members })).await.expect(201);
    assert_eq!(made["invitations_sent"][0]["email"], "new@example.com");
    let message = mail.next().await;
    assert!(message.contains("To: new@example.com") && message.contains("/accept-invitation/"), "{message}");
    // An address is not flooded: what is too much is made, and said to be undelivered.
    let mut statuses = Vec::new();
    for n in 0..6 {
        let team = team(&app, &admin, json!({ "name": format!("Green {n}") })).await;
        let body = json!({ "email": "eve@example.com" });
        let made = app.post(&format!("/teams/{team}/invitations"), &admin, body).await.expect(201);
        statuses.push(made["email_delivery_status"].as_str().unwrap().to_owned());
    }
    assert_eq!(statuses, ["queued", "queued", "queued", "queued", "queued", "failed"]);
}

#[tokio::test]
async fn a_mail_server_that_refuses_costs_the_mail_alone() {
    let mail = MailServer::start().await;
    let mut smtp = mail.settings();
    // Nobody listens there.
    smtp.iter_mut().filter(|(name, _)| *name == "SMTP_PORT").for_each(|(_, port)| *port = "9".to_owned());
    let smtp: Vec<_> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let app = App::with(&smtp, &[]).await;
    let red = team(&app, &app.admin(), json!({ "name": "Red" })).await;
    let body = json!({ "email": "bob@example.com" });
    let made = app.post(&format!("/teams/{red}/invitations"), &app.admin(), body).await.expect(201);
    assert_eq!(made["email_delivery_status"], "queued");
    assert!(made["invitation_url"].is_string(), "{made}");
}

#[tokio::test]
async fn whoever_registered_an_address_is_not_taken_for_its_owner() {
    for (setting, expected) in [("true", 400), ("false", 200)] {
        let vars =
            [("PUBLIC_REGISTRATION_ENABLED", "true"), ("REQUIRE_EMAIL_VERIFICATION_FOR_INVITES", setting)];
        let app = App::with(&vars, &[]).await;
        let body = json!({ "email": "bob@example.com", "password": PASSWORD, "full_name": "Bob" });
        let registered = app.post("/auth/email/register", "", body).await;
        assert!(registered.status.is_success(), "{registered:?}");
        let bob = app.login("bob@example.com").await;
        let red = team(&app, &app.admin(), json!({ "name": "Red" })).await;
        let body = json!({ "email": "bob@example.com" });
        let made = app.post(&format!("/teams/{red}/invitations"), &app.admin(), body).await.expect(201);
        let accept = format!("/teams/invitations/{}/accept", made["token"].as_str().unwrap());
        let reply = app.post(&accept, &bob, json!({})).await;
        assert_eq!(reply.status.as_u16(), expected, "{reply:?}");
        if expected == 400 {
            assert_eq!(detail(&reply, 400), "Email address is not verified");
            // An administrator vouches for the address.
            let vouched = json!({ "email_verified": true });
            put(&app, "/auth/email/admin/users/bob@example.com", &app.admin(), vouched).await.expect(200);
            let bob = app.login("bob@example.com").await;
            app.post(&accept, &bob, json!({})).await.expect(200);
        }
    }
}
