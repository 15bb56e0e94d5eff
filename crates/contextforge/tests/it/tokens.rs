//! API tokens from outside: how far they reach, what they are limited to, and how they end.

mod catalogue;
mod containment;
mod doors;
mod ending;
mod outage;
mod proxy;
mod restrictions;
mod scoping;
mod streams;
mod usage;

use serde_json::{Value, json};

use crate::{app::App, token};

/// A token of the catalogue.
pub(crate) struct Issued {
    /// Its id.
    pub(crate) id: String,
    /// The token itself.
    pub(crate) raw: String,
}

/// Makes a token as the person of `session`. `body` may leave out name and days.
async fn issue(app: &App, session: &str, mut body: Value) -> Issued {
    for (name, value) in
        [("name", json!(format!("t{}", body.to_string().len()))), ("expires_in_days", json!(1))]
    {
        if body.get(name).is_none() {
            body[name] = value;
        }
    }
    let made = app.post("/tokens", session, body).await.expect(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Issued { id: text(&made["token"]["id"]), raw: text(&made["access_token"]) }
}

/// Makes a team with these members; the first owns it.
async fn team(app: &App, name: &str, members: &[&str]) -> String {
    let admin = app.admin();
    let made = app.post("/teams/", &admin, json!({ "name": name })).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    for (n, email) in members.iter().enumerate() {
        let role = if n == 0 { "owner" } else { "member" };
        let body = json!({ "email": email, "role": role });
        app.post(&format!("/teams/{id}/members"), &admin, body).await.expect(201);
    }
    id
}

/// A virtual server, which `owner` makes.
async fn server(app: &App, owner: &str, name: &str, visibility: &str, team: Option<&str>) -> String {
    let body = json!({ "server": { "name": name }, "visibility": visibility, "team_id": team });
    app.post("/v1/servers", owner, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Signs claims, with changes. Only the administrator is flagged as one.
#[expect(clippy::needless_pass_by_value, reason = "called with `json!`")]
pub(crate) fn signed(email: &str, changes: Value) -> String {
    let mut claims = token::claims(email);
    claims["user"]["is_admin"] = json!(email == crate::app::ADMIN);
    claims["jti"] = json!(format!("{email}{changes}"));
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    token::sign(&claims)
}

/// The status of a plain request.
async fn status(app: &App, path: &str, token: &str) -> u16 {
    app.get(path, token).await.status.as_u16()
}
