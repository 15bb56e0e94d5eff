//! What somebody who means harm would try.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    app::{ADMIN, App, PASSWORD, command},
    people::{ANN, OTHER, make, try_login},
};

#[tokio::test]
async fn a_stolen_session_is_no_way_to_guess_the_password() {
    // Administrators are never locked out, so that nothing but the limit is between them and a guess.
    let app = App::with(&[("RATE_LIMIT_LOGIN", "3")], &[]).await;
    make(&app, ANN, json!({})).await;
    let sessions = [(ADMIN, app.login(ADMIN).await), (ANN, app.login(ANN).await)];
    for (email, session) in sessions {
        let change = async |old: &str| {
            let body = json!({ "old_password": old, "new_password": OTHER });
            app.post("/auth/email/change-password", &session, body).await.status.as_u16()
        };
        let mut seen = Vec::new();
        for n in 0..4 {
            seen.push(change(&format!("Guess-number-{n}-of-many")).await);
        }
        let expected = if email == ADMIN { [401, 401, 401, 429] } else { [429; 4] };
        assert_eq!(seen, expected, "{email}: the client is limited as well");
        assert_eq!(change(PASSWORD).await, 429, "the right one is not read either");
    }
}

/// The catalogue's case 7-05: what is longer than any password costs no hash, for known and unknown addresses.
#[tokio::test]
async fn endless_passwords_cost_no_work() {
    let dear = [("ARGON2ID_MEMORY_COST", "65536"), ("ARGON2ID_TIME_COST", "8"), ("RATE_LIMIT_LOGIN", "0")];
    let app = App::with(&dear, &[]).await;
    let quickest = async |email: &str, length: usize| {
        let password = "x".repeat(length);
        let mut least = Duration::MAX;
        for _ in 0..4 {
            let began = Instant::now();
            assert_eq!(try_login(&app, email, &password).await, 401);
            least = least.min(began.elapsed());
        }
        least
    };
    for email in [ADMIN, "nobody@example.com"] {
        let (hashed, refused) = (quickest(email, 1024).await, quickest(email, 1025).await);
        assert!(refused * 3 < hashed, "{email}: {refused:?}, and {hashed:?} for one that is hashed");
        assert!(quickest(email, 1_000_000).await < hashed, "{email}");
    }
}

/// The catalogue's case 7-04: what opens an account is not kept, only its hash.
#[tokio::test]
async fn a_link_for_a_new_password_is_not_in_the_database() {
    let app = App::start().await;
    if app.database_url().is_some() {
        return;
    }
    make(&app, ANN, json!({})).await;
    let mut arguments = command(app.folder.path(), app.vars());
    let output = arguments.args(["user", "reset-password", ANN, "--json"]).output().await.unwrap();
    let issued: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let secret = issued["token"].as_str().unwrap().as_bytes();
    let mut files = 0;
    for file in std::fs::read_dir(app.folder.path().join("data")).unwrap() {
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        files += usize::from(bytes.windows(ANN.len()).any(|window| window == ANN.as_bytes()));
    }
    assert!(files > 0, "the account is in there");
    let path = format!("/auth/email/reset-password/{}", issued["token"].as_str().unwrap());
    let state = app.get(&path, "").await.expect(200);
    assert_eq!(state["valid"], true, "{state}");
}

/// A hash of another cost takes another time to try, which tells that there is an account: it goes with the next login.
#[tokio::test]
async fn passwords_are_hashed_at_the_cost_of_today() {
    let mut app = App::with(&[("ARGON2ID_MEMORY_COST", "4096")], &[]).await;
    if app.database_url().is_some() {
        return;
    }
    make(&app, ANN, json!({})).await;
    let stored = async |app: &App, cost: &str| {
        let url = format!("sqlite://{}?mode=ro", app.folder.path().join("data/contextforge.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let asked = sqlx::query_scalar::<_, String>("SELECT password_hash FROM users WHERE email = $1");
        let hash = asked.bind(ANN).fetch_one(&pool).await.unwrap();
        pool.close().await;
        hash.contains(&format!("$m={cost},"))
    };
    assert!(stored(&app, "4096").await);
    app.set("ARGON2ID_MEMORY_COST", "8192");
    app.kill_and_restart().await;
    assert_eq!(try_login(&app, ANN, OTHER).await, 401);
    assert!(stored(&app, "4096").await, "nobody has shown the password");
    assert_eq!(try_login(&app, ANN, PASSWORD).await, 200);
    assert!(stored(&app, "8192").await);
    assert_eq!((try_login(&app, ANN, PASSWORD).await, try_login(&app, ANN, OTHER).await), (200, 401));
}
