//! What somebody who means harm would try.

use serde_json::json;

use crate::{
    app::{ADMIN, App, PASSWORD},
    people::{ANN, OTHER, make},
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
