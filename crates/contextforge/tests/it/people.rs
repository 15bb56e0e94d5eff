//! People: how they come in, how long they stay, what becomes of their accounts.

mod accounts;
mod basic;
mod browser;
mod change;
mod events;
pub(crate) mod http_client;
mod login;
pub(crate) mod mail;
mod proxy;
mod recovery;
mod registration;
mod reverse;
mod session;

use crate::app::{App, PASSWORD};
use serde_json::{Value, json};

pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const BOB: &str = "bob@example.com";
/// Another good password, for people and administrators.
pub(crate) const OTHER: &str = "Tr0ub4dor-and-a-half-horses";

/// Makes an account as an administrator does.
pub(crate) async fn make(app: &App, email: &str, more: Value) -> Value {
    let mut body = json!({ "email": email, "password": PASSWORD, "full_name": "Somebody" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post("/auth/email/admin/users", &app.admin(), body).await.expect(201)
}

/// Tries to log in; gives the status.
pub(crate) async fn try_login(app: &App, email: &str, password: &str) -> u16 {
    let body = json!({ "email": email, "password": password });
    app.post("/auth/login", "", body).await.status.as_u16()
}

/// Makes an account, and gives a session of it. Takes as long as sessions need to be told apart: whole seconds.
pub(crate) async fn session(app: &App, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let answer = app.post("/auth/login", "", body).await.expect(200);
    answer["access_token"].as_str().unwrap().to_owned()
}
