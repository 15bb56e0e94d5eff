//! The contract's `teams` table: which rows each kind of token sees.

use serde_json::{Value, json};

use super::{server, signed, status, team};
use crate::app::{ADMIN, App};

const ANN: &str = "ann@example.com";

/// The names of the servers that a token sees, or the status where it sees none.
async fn seen(app: &App, token: &str) -> String {
    let reply = app.get("/v1/servers?limit=0", token).await;
    if reply.status.as_u16() != 200 {
        return reply.status.as_u16().to_string();
    }
    let list = reply.json();
    let mut names: Vec<&str> =
        list.as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names.join(" ")
}

/// A gateway with servers of every visibility: public, ann's private one, the administrator's, and those of two teams,
/// of which ann is in the red one.
async fn world(app: &App) -> (String, String) {
    let ann = app.user(ANN).await;
    let red = team(app, "Red", &[ANN]).await;
    let blue = team(app, "Blue", &[]).await;
    let admin = app.admin();
    server(app, &admin, "public", "public", None).await;
    server(app, &app.login(ANN).await, "anns", "private", Some(&red)).await;
    server(app, &admin, "admins", "private", None).await;
    server(app, &app.login(ANN).await, "red", "team", Some(&red)).await;
    server(app, &admin, "blue", "team", Some(&blue)).await;
    drop(ann);
    (red, blue)
}

#[tokio::test]
async fn the_table_of_the_contract() {
    let app = App::start().await;
    let (red, blue) = world(&app).await;
    let everything = "admins blue public red";
    for (teams, admin, other) in [
        (None, "public", "public"),
        (Some(json!(null)), everything, "public"),
        (Some(json!([])), "public", "public"),
        (Some(json!([blue])), "admins blue public", "403"),
        (Some(json!([{ "id": blue }])), "admins blue public", "403"),
        (Some(json!([red])), "admins public red", "anns public red"),
        (Some(json!([red, blue])), everything, "403"),
        (Some(json!(["0".repeat(32)])), "403", "403"),
    ] {
        for (email, expected) in [(ADMIN, admin), (ANN, other)] {
            for token_use in [json!(null), json!("api")] {
                let mut claims = crate::token::claims(email);
                claims["user"]["is_admin"] = json!(email == ADMIN);
                claims["token_use"] = token_use;
                match &teams {
                    None => drop(claims.as_object_mut().unwrap().remove("teams")),
                    Some(teams) => claims["teams"] = teams.clone(),
                }
                assert_eq!(seen(&app, &crate::token::sign(&claims)).await, expected, "{email} {teams:?}");
            }
        }
    }
}

#[tokio::test]
async fn sessions_reach_what_the_database_says_and_a_list_only_narrows_it() {
    let app = App::start().await;
    let (red, blue) = world(&app).await;
    let session = |email: &str, teams: Value| {
        let mut changes = json!({ "token_use": "session", "teams": teams });
        if teams == json!("absent") {
            changes["teams"] = json!(null);
        }
        signed(email, changes)
    };
    let unknown = "0".repeat(32);
    for (teams, admin, other) in [
        (json!("absent"), "admins blue public red", "anns public red"),
        (json!([]), "admins blue public red", "anns public red"),
        (json!([red]), "admins public red", "anns public red"),
        (json!([blue]), "admins blue public", "public"),
        (json!([red, blue]), "admins blue public red", "anns public red"),
        (json!([unknown]), "admins public", "public"),
    ] {
        assert_eq!(seen(&app, &session(ADMIN, teams.clone())).await, admin, "{teams}");
        assert_eq!(seen(&app, &session(ANN, teams.clone())).await, other, "{teams}");
    }
    let ann = session(ANN, json!([red]));
    assert_eq!(seen(&app, &ann).await, "anns public red");
    app.send("DELETE", &format!("/teams/{red}/members/{ANN}"), &app.admin(), None).await.expect(200);
    assert_eq!(seen(&app, &ann).await, "public", "nothing is left of the list: not all, and not her own");
    assert_eq!(seen(&app, &session(ANN, json!(null))).await, "anns public", "of no team any more");
}

#[tokio::test]
async fn what_is_no_list_of_teams_is_no_token() {
    let app = App::start().await;
    let many: Vec<String> = (0..300).map(|n| format!("{n:032x}")).collect();
    for teams in [
        json!("t1"),
        json!({ "t1": 1 }),
        json!([null]),
        json!([" t1 "]),
        json!([1]),
        json!(true),
        json!(many),
    ] {
        for changes in [json!({ "teams": teams }), json!({ "teams": teams, "token_use": "session" })] {
            let found = status(&app, "/v1/tools", &signed(ADMIN, changes.clone())).await;
            assert!([401, 431].contains(&found), "{changes}: {found}");
        }
    }
}

#[tokio::test]
async fn a_flag_in_the_token_makes_no_administrator() {
    let app = App::start().await;
    world(&app).await;
    let mut claims = crate::token::claims(ANN);
    claims["is_admin"] = json!(true);
    let flagged = crate::token::sign(&claims);
    assert_eq!(seen(&app, &flagged).await, "public");
    assert_eq!(status(&app, "/api/logs/audit-trails", &flagged).await, 403);
}
