//! "Why?": refusals that can be looked up, decisions that explain themselves, and seeing what somebody else sees.

mod agreement;
mod catalogue;
mod denials;
mod explain;
pub(crate) mod matrix;
mod view;

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    federation::peer::{Era, Peer},
    token,
};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const CARL: &str = "carl@example.com";
const DORA: &str = "dora@example.com";

/// A gateway with upstreams of every visibility: `open` is public, `red` and `blue` are teams', `own` is private to
/// ann. Ann owns the red team, carl is in it, dora is in both and has a role in red only, bob is in none.
struct World {
    app: App,
    red: String,
    blue: String,
    _peers: Vec<Peer>,
}

impl World {
    async fn make() -> Self {
        let app = App::start().await;
        for email in [ANN, BOB, CARL, DORA] {
            app.user(email).await;
        }
        let red = team(&app, "Red", &[(ANN, "owner"), (CARL, "member"), (DORA, "member")]).await;
        let blue = team(&app, "Blue", &[(DORA, "member")]).await;
        only_in(&app, DORA, &red).await;
        let ann = app.login(ANN).await;
        let mut peers = Vec::new();
        for (name, token, visibility, team) in [
            ("open", &app.admin(), "public", None),
            ("red", &app.admin(), "team", Some(&red)),
            ("blue", &app.admin(), "team", Some(&blue)),
            ("own", &ann, "private", Some(&red)),
        ] {
            let peer = Peer::start(Era::Modern).await;
            let body = json!({
                "name": name, "url": peer.url(), "transport": "STREAMABLEHTTP", "visibility": visibility,
                "team_id": team,
            });
            app.post("/v1/gateways", token, body).await.expect(200);
            peers.push(peer);
        }
        Self { app, red, blue, _peers: peers }
    }
}

/// Makes a team with these members.
async fn team(app: &App, name: &str, members: &[(&str, &str)]) -> String {
    let made = app.post("/teams/", &app.admin(), json!({ "name": name })).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    for (email, role) in members {
        let body = json!({ "email": email, "role": role });
        app.post(&format!("/teams/{id}/members"), &app.admin(), body).await.expect(201);
    }
    id
}

/// Takes every role away but those in one team.
async fn only_in(app: &App, email: &str, team: &str) {
    let admin = app.admin();
    let roles = app.get(&format!("/rbac/users/{email}/roles"), &admin).await.expect(200);
    for role in roles.as_array().unwrap().iter().filter(|role| role["scope_id"] != *team) {
        let (id, scope) = (role["role_id"].as_str().unwrap(), role["scope"].as_str().unwrap());
        let mut path = format!("/rbac/users/{email}/roles/{id}?scope={scope}");
        if let Some(team) = role["scope_id"].as_str() {
            path = format!("{path}&scope_id={team}");
        }
        app.send("DELETE", &path, &admin, None).await.expect(200);
    }
}

/// An API token of somebody, with changes of its claims.
fn signed(email: &str, changes: &Value) -> String {
    let mut claims = token::claims(email);
    claims["user"]["is_admin"] = json!(email == ADMIN);
    claims["jti"] = json!(format!("{email}{changes}"));
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    token::sign(&claims)
}

/// The step with a name.
fn step<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let steps = answer["trace"].as_array().unwrap_or_else(|| panic!("no trace: {answer}"));
    steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name}: {answer}"))
}
