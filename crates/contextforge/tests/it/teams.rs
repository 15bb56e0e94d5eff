//! Teams from outside: their life, their members, the ways in, and who sees what is registered for them.

mod invitations;
mod joining;
mod life;
mod members;
mod private;
mod reach;

use serde_json::{Value, json};

use crate::app::{App, Reply};

/// Makes a team and gives its id.
pub(crate) async fn team(app: &App, token: &str, body: Value) -> String {
    app.post("/teams/", token, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Takes somebody into a team, as an administrator.
pub(crate) async fn add(app: &App, team: &str, email: &str, role: &str) -> Value {
    let body = json!({ "email": email, "role": role });
    app.post(&format!("/teams/{team}/members"), &app.admin(), body).await.expect(201)
}

pub(crate) async fn delete(app: &App, path: &str, token: &str) -> Reply {
    app.send("DELETE", path, token, None).await
}

pub(crate) async fn put(app: &App, path: &str, token: &str, body: Value) -> Reply {
    app.send("PUT", path, token, Some(body)).await
}

/// The `detail` of a refusal.
pub(crate) fn detail(reply: &Reply, status: u16) -> String {
    assert_eq!(reply.status.as_u16(), status, "{:?}", reply.body);
    reply.json()["detail"].as_str().unwrap_or_default().to_owned()
}

/// An API token of somebody who is no administrator, for these teams.
pub(crate) fn api_token(email: &str, teams: &Value) -> String {
    let mut claims = crate::token::claims(email);
    claims["user"]["is_admin"] = json!(false);
    claims["teams"] = teams.clone();
    crate::token::sign(&claims)
}

/// An administrator's token that is limited to some permissions.
pub(crate) fn limited_admin(permissions: &[&str]) -> String {
    let mut claims = crate::token::claims(crate::app::ADMIN);
    claims["scopes"] = json!({ "permissions": permissions });
    crate::token::sign(&claims)
}

/// The members of an object, in their order.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
