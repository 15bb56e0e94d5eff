//! Logins that fail: lockout, limits, and what can be told from the answers.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{ANN, BOB, make, try_login};
use crate::app::{ADMIN, App, PASSWORD};

#[tokio::test]
async fn failures_in_a_row_lock_an_account_and_the_answer_stays_the_same() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    let answer = async |password: &str| {
        let reply = app.post("/auth/email/login", "", json!({ "email": ANN, "password": password })).await;
        (reply.status.as_u16(), reply.body)
    };
    let wrong = answer("not-the-password-1").await;
    assert_eq!(wrong.0, 401);
    for _ in 0..4 {
        assert_eq!(answer("not-the-password-1").await, wrong);
    }
    assert_eq!(answer(PASSWORD).await, wrong, "the right password during the lockout");
    let path = format!("/auth/email/admin/users/{ANN}");
    assert_eq!(app.get(&path, &app.admin()).await.expect(200)["is_locked"], true);
    let unlocked = app.post(&format!("{path}/unlock"), &app.admin(), json!({})).await.expect(200);
    assert_eq!(unlocked["message"], format!("User {ANN} has been unlocked"));
    assert_eq!(try_login(&app, ANN, PASSWORD).await, 200);
}

#[tokio::test]
async fn administrators_cannot_be_locked_out_by_others() {
    let app = App::start().await;
    for _ in 0..7 {
        assert_eq!(try_login(&app, ADMIN, "not-the-password-1").await, 401);
    }
    assert_eq!(try_login(&app, ADMIN, PASSWORD).await, 200);
    let strict = App::with(&[("PROTECT_ALL_ADMINS", "false")], &[]).await;
    for _ in 0..5 {
        assert_eq!(try_login(&strict, ADMIN, "not-the-password-1").await, 401);
    }
    assert_eq!(try_login(&strict, ADMIN, PASSWORD).await, 401);
}

#[tokio::test]
async fn failed_logins_are_limited_and_good_ones_are_not() {
    let app = App::with(&[("TRUSTED_PROXY_CIDRS", "192.0.2.0/24")], &[]).await;
    for _ in 0..15 {
        assert_eq!(try_login(&app, ADMIN, PASSWORD).await, 200);
    }
    let attempt = async |email: &str, forwarded: &str| {
        let body = json!({ "email": email, "password": "not-the-password-1" }).to_string();
        let headers = [("content-type", "application/json"), ("x-forwarded-for", forwarded)];
        super::http_client::send(&app, ("POST", "/v1/auth/login"), &headers, Some(&body)).await
    };
    for n in 0..10 {
        assert_eq!(attempt("nobody@example.com", &format!("203.0.113.{n}")).await.status.as_u16(), 401);
    }
    let limited = attempt("nobody@example.com", "203.0.113.99").await;
    assert_eq!(limited.status.as_u16(), 429, "rotating X-Forwarded-For does not help");
    assert!(!limited.header("retry-after").is_empty());
    assert_eq!(attempt("somebody.else@example.com", "203.0.113.99").await.status.as_u16(), 429, "one client");
}

/// With the floor off, so that it is the work that is compared.
#[tokio::test]
async fn known_and_unknown_addresses_take_as_long() {
    let app = App::with(&[("RATE_LIMIT_LOGIN", "0"), ("MAX_FAILED_LOGIN_ATTEMPTS", "100000")], &[]).await;
    make(&app, ANN, json!({})).await;
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        for (email, times) in [ANN, "nobody@example.com"].into_iter().zip(&mut times) {
            let began = Instant::now();
            assert_eq!(try_login(&app, email, "not-the-password-1").await, 401);
            times.push(began.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let apart = known.abs_diff(unknown);
    assert!(apart < Duration::from_millis(10), "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn addresses_have_one_form() {
    let app = App::start().await;
    make(&app, BOB, json!({})).await;
    let again = json!({ "email": "  BOB@Example.com ", "password": PASSWORD, "full_name": "B" });
    let reply = app.post("/auth/email/admin/users", &app.admin(), again).await;
    assert_eq!(reply.status.as_u16(), 409);
    assert_eq!(reply.json(), json!({ "detail": format!("User with email {BOB} already exists") }));
    assert_eq!(try_login(&app, "BOB@EXAMPLE.COM", PASSWORD).await, 200);
    // The last two look like addresses of others: a Cyrillic letter, and one of full width.
    for wrong in ["a@b@c.d", "a@b", "", "a b@c.d", "b\u{43e}b@example.com", "\u{ff42}ob@example.com"] {
        let body = json!({ "email": wrong, "password": PASSWORD });
        assert_eq!(
            app.post("/auth/email/admin/users", &app.admin(), body).await.status.as_u16(),
            422,
            "{wrong}"
        );
        assert_eq!(try_login(&app, wrong, PASSWORD).await, 401, "{wrong}");
    }
}
