//! Ends of credentials: at once here, and within two seconds on another process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{issue, status};
use crate::app::{ADMIN, App, PASSWORD};

const SOON: Duration = Duration::from_secs(2);
const ANN: &str = "ann@example.com";
const NEW_PASSWORD: &str = "Another-correct-horse-battery-7";

/// Makes sure that all of these are refused by the first process now, and by the second one soon.
async fn end(one: &App, two: &App, what: &str, tokens: &[&str]) {
    for token in tokens {
        assert_eq!(status(one, "/v1/tools", token).await, 401, "{what}");
    }
    let began = Instant::now();
    for token in tokens {
        two.until(async || status(two, "/v1/tools", token).await == 401).await;
    }
    assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
}

/// Two processes, and a session and a token of a person, which both of them have seen.
async fn seen() -> (App, App, [String; 2]) {
    let one = App::with(&[], &[]).await;
    let two = one.beside().await;
    let session = one.user(ANN).await;
    let token = issue(&one, &session, json!({})).await.raw;
    for app in [&one, &two] {
        for token in [&session, &token] {
            assert_eq!(status(app, "/v1/tools", token).await, 200);
        }
    }
    (one, two, [session, token])
}

async fn change(app: &App, body: Value) {
    let path = format!("/auth/email/admin/users/{ANN}");
    app.send("PUT", &path, &app.admin(), Some(body)).await.expect(200);
}

#[tokio::test]
async fn a_revocation_ends_one_token() {
    let (one, two, [session, _]) = seen().await;
    let token = issue(&one, &session, json!({ "name": "another" })).await;
    assert_eq!(status(&two, "/v1/tools", &token.raw).await, 200);
    one.send("DELETE", &format!("/tokens/{}", token.id), &session, None).await.expect(204);
    end(&one, &two, "a revocation", &[&token.raw]).await;
    assert_eq!(status(&two, "/v1/tools", &session).await, 200);
    let never_seen = issue(&one, &session, json!({ "name": "third" })).await;
    one.send("DELETE", &format!("/tokens/{}", never_seen.id), &session, None).await.expect(204);
    assert_eq!(status(&two, "/v1/tools", &never_seen.raw).await, 401, "not even the first time");
}

#[tokio::test]
async fn a_switch_in_the_catalogue_ends_a_token_for_a_while() {
    let (one, two, [session, _]) = seen().await;
    let token = issue(&one, &session, json!({ "name": "another" })).await;
    assert_eq!(status(&two, "/v1/tools", &token.raw).await, 200);
    let path = format!("/tokens/{}", token.id);
    one.send("PUT", &path, &session, Some(json!({ "is_active": false }))).await.expect(200);
    end(&one, &two, "switching off", &[&token.raw]).await;
    two.send("PUT", &path, &session, Some(json!({ "is_active": true }))).await.expect(200);
    assert_eq!(status(&two, "/v1/tools", &token.raw).await, 200);
    one.until(async || status(&one, "/v1/tools", &token.raw).await == 200).await;
    one.send("PUT", &path, &session, Some(json!({ "scope": { "permissions": ["prompts.read"] } })))
        .await
        .expect(200);
    assert_eq!(status(&one, "/v1/tools", &token.raw).await, 403);
    let began = Instant::now();
    two.until(async || status(&two, "/v1/tools", &token.raw).await == 403).await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_logout_ends_one_session() {
    let (one, two, [session, token]) = seen().await;
    one.post("/auth/logout", &session, json!({})).await.expect(200);
    end(&one, &two, "a logout", &[&session]).await;
    assert_eq!(status(&two, "/v1/tools", &token).await, 200, "the token is another credential");
    // A token gives itself up, and the catalogue says so.
    one.post("/auth/logout", &token, json!({})).await.expect(200);
    end(&one, &two, "a token's logout", &[&token]).await;
    let listed = one.get("/tokens?include_inactive=true", &one.login(ANN).await).await.expect(200);
    assert_eq!(
        (&listed["tokens"][0]["is_revoked"], &listed["tokens"][0]["revoked_by"]),
        (&json!(true), &json!(ANN))
    );
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_the_next_login_works_at_once() {
    let (one, two, [session, token]) = seen().await;
    let second = one.login(ANN).await;
    assert_eq!(status(&two, "/v1/tools", &second).await, 200);
    let body = json!({ "old_password": PASSWORD, "new_password": NEW_PASSWORD });
    one.post("/auth/email/change-password", &session, body).await.expect(200);
    let login = json!({ "email": ANN, "password": NEW_PASSWORD });
    let fresh =
        one.post("/auth/login", "", login).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    // Within the second of the change: what is older and what is newer are told apart all the same.
    assert_eq!(status(&one, "/v1/tools", &fresh).await, 200);
    end(&one, &two, "a new password", &[&session, &second]).await;
    assert_eq!(
        (status(&two, "/v1/tools", &fresh).await, status(&two, "/v1/tools", &token).await),
        (200, 200)
    );
    change(&one, json!({ "password": PASSWORD })).await;
    end(&one, &two, "a password set by an administrator", &[&fresh]).await;
}

#[tokio::test]
async fn an_account_that_is_switched_off_ends_everything_of_it() {
    let (one, two, [session, token]) = seen().await;
    change(&one, json!({ "is_active": false })).await;
    end(&one, &two, "switching off", &[&session, &token]).await;
    assert_eq!(one.get("/v1/tools", &token).await.json(), json!({ "detail": "Account disabled" }));
    change(&one, json!({ "is_active": true })).await;
    assert_eq!(status(&one, "/v1/tools", &token).await, 200, "and on again");
    two.until(async || status(&two, "/v1/tools", &token).await == 200).await;
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_to_whoever_comes_next() {
    let (one, two, [session, token]) = seen().await;
    let by_address = super::signed(ANN, json!({}));
    assert_eq!(status(&two, "/v1/tools", &by_address).await, 200);
    one.send("DELETE", &format!("/auth/email/admin/users/{ANN}"), &one.admin(), None).await.expect(200);
    end(&one, &two, "a deletion", &[&session, &token, &by_address]).await;
    let next = one.user(ANN).await;
    for app in [&one, &two] {
        app.until(async || status(app, "/v1/tools", &next).await == 200).await;
        for old in [&session, &token, &by_address] {
            assert_eq!(status(app, "/v1/tools", old).await, 401);
        }
    }
    assert_eq!(one.get("/tokens", &next).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn what_ended_stays_ended_after_a_restart() {
    let mut app = App::with(&[], &[]).await;
    let session = app.login(ADMIN).await;
    let token = issue(&app, &session, json!({})).await;
    app.send("DELETE", &format!("/tokens/{}", token.id), &session, None).await.expect(204);
    app.kill_and_restart().await;
    assert_eq!(
        (status(&app, "/v1/tools", &token.raw).await, status(&app, "/v1/tools", &session).await),
        (401, 200)
    );
}
