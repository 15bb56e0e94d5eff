//! Accounts that people make for themselves.

use serde_json::{Value, json};

use super::{ANN, OTHER, mail::MailServer, make, try_login};
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

/// The secret of the link in a letter.
fn secret_of(letter: &str) -> String {
    let link = "https://gw.example.com/auth/email/reset-password/";
    let at = letter.find(link).unwrap_or_else(|| panic!("{letter}")) + link.len();
    letter[at..].chars().take_while(|c| !c.is_whitespace()).collect()
}

#[tokio::test]
async fn with_a_mail_server_only_the_address_learns_whether_it_has_an_account() {
    let mut mail = MailServer::start().await;
    let smtp = mail.settings();
    let mut vars: Vec<(&str, &str)> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    vars.push(("PUBLIC_REGISTRATION_ENABLED", "true"));
    let app = App::with(&vars, &[]).await;
    make(&app, ANN, json!({})).await;
    let new = "new@example.com";
    let (known, unknown) = (register(&app, body(ANN)).await, register(&app, body(new)).await);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown), "no cookie for one of them");
    assert_eq!(unknown.expect(202)["success"], true);
    let mut letters = [mail.next().await, mail.next().await];
    letters.sort_by_key(|letter| letter.contains(&format!("To: {new}")));
    let [to_ann, to_new] = letters;
    assert!(to_ann.contains(&format!("To: {ANN}")) && !to_ann.contains("reset-password/"), "{to_ann}");
    assert_eq!(try_login(&app, ANN, PASSWORD).await, 200, "nothing has changed");
    assert_eq!(try_login(&app, new, PASSWORD).await, 401, "whoever asked has shown nothing yet");
    // Asked for again, another link comes, and the first is good for nothing.
    register(&app, body(new)).await.expect(202);
    let (first, second) = (secret_of(&to_new), secret_of(&mail.next().await));
    let open = async |secret: &str| {
        let body = json!({ "new_password": OTHER, "confirm_password": OTHER });
        app.post(&format!("/auth/email/reset-password/{secret}"), "", body).await.status.as_u16()
    };
    assert_eq!((open(&first).await, open(&second).await, open(&second).await), (400, 200, 400));
    assert_eq!((try_login(&app, new, PASSWORD).await, try_login(&app, new, OTHER).await), (401, 200));
    let row = app.get(&format!("/auth/email/admin/users/{new}"), &app.admin()).await.expect(200);
    assert_eq!((&row["is_admin"], &row["email_verified"]), (&json!(false), &json!(true)));
    // What is wrong with the request itself is said to everybody alike.
    for email in [ANN, "other@example.com"] {
        let weak = json!({ "email": email, "password": "weakpass1" });
        assert_eq!(register(&app, weak).await.status.as_u16(), 400, "{email}");
    }
    assert!(mail.is_empty());
}

#[tokio::test]
async fn letters_are_limited_for_each_address_too() {
    let mail = MailServer::start().await;
    let smtp = mail.settings();
    let mut vars: Vec<(&str, &str)> = smtp.iter().map(|(name, value)| (*name, value.as_str())).collect();
    vars.extend([("PUBLIC_REGISTRATION_ENABLED", "true"), ("TRUSTED_PROXY_CIDRS", "127.0.0.0/8")]);
    vars.push(("RATE_LIMIT_LOGIN", "2"));
    let app = App::with(&vars, &[]).await;
    make(&app, ANN, json!({})).await;
    for email in [ANN, "new@example.com"] {
        let mut statuses = Vec::new();
        for n in 0..3 {
            let from = format!("203.0.113.{n}");
            let headers = [("content-type", "application/json"), ("x-forwarded-for", &*from)];
            let (what, body) = (("POST", "/auth/email/register"), body(email).to_string());
            statuses.push(super::http_client::send(&app, what, &headers, Some(&body)).await.status.as_u16());
        }
        assert_eq!(statuses, [202, 202, 429], "{email}: however many clients ask");
    }
}
