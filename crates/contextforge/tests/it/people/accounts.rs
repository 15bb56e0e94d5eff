//! Accounts as administrators see them, and what becomes of things when their owner goes.

use serde_json::{Value, json};

use super::{ANN, BOB, OTHER, make, session};
use crate::app::{ADMIN, App, PASSWORD};

fn path(email: &str) -> String {
    format!("/auth/email/admin/users/{email}")
}

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn people_are_found_by_address_and_name() {
    let app = App::start().await;
    make(&app, ANN, json!({ "full_name": "Ann Heron" })).await;
    make(&app, BOB, json!({ "full_name": "Bob 100%" })).await;
    let found = async |words: &str| {
        app.get(&format!("/auth/email/admin/users?search={words}"), &app.admin()).await.expect(200)
    };
    assert_eq!(emails(&found("heron").await), [ANN]);
    assert_eq!(emails(&found("BOB%40").await), [BOB]);
    assert_eq!(emails(&found("100%25").await), [BOB]);
    assert_eq!(emails(&found("%25").await), [BOB], "no wildcard");
    assert_eq!(emails(&found("").await), [ADMIN, ANN, BOB]);
    assert_eq!(
        app.get(&path("none@example.com"), &app.admin()).await.json(),
        json!({ "detail": "User not found" })
    );
}

#[tokio::test]
async fn the_last_administrator_stays_and_nobody_demotes_themselves() {
    let app = App::start().await;
    let change = async |token: &str, email: &str, body: Value| {
        app.send("PUT", &path(email), token, Some(body)).await.status.as_u16()
    };
    assert_eq!(change(&app.admin(), ADMIN, json!({ "is_admin": false })).await, 409);
    assert_eq!(change(&app.admin(), ADMIN, json!({ "is_active": false })).await, 409);
    assert_eq!(app.send("DELETE", &path(ADMIN), &app.admin(), None).await.status.as_u16(), 409);
    make(&app, ANN, json!({ "is_admin": true })).await;
    let ann = session(&app, ANN, PASSWORD).await;
    assert_eq!(change(&ann, ANN, json!({ "is_admin": false })).await, 409, "with another one left, too");
    assert_eq!(change(&ann, ADMIN, json!({ "is_active": false })).await, 200);
    assert_eq!(app.get("/v1/tools", &app.admin()).await.status.as_u16(), 401, "at once");
    assert_eq!(change(&ann, ADMIN, json!({ "is_active": true, "is_admin": false })).await, 200);
    assert_eq!(app.get(&path(ANN), &app.admin()).await.status.as_u16(), 403, "the claim does not count");
    assert_eq!(app.send("DELETE", &path(ADMIN), &ann, None).await.status.as_u16(), 200);
    assert_eq!(app.send("DELETE", &path(ANN), &ann, None).await.status.as_u16(), 409);
}

#[tokio::test]
async fn members_of_bodies_that_are_not_theirs_to_set_are_ignored() {
    let app = App::start().await;
    let made =
        make(&app, ANN, json!({ "auth_provider": "sso", "failed_login_attempts": 9, "id": "x" })).await;
    assert_eq!((&made["auth_provider"], &made["failed_login_attempts"]), (&json!("local"), &json!(0)));
    let body = json!({ "email_verified": false, "email": "other@example.com", "password_hash": "x" });
    let changed = app.send("PATCH", &path(ANN), &app.admin(), Some(body)).await.expect(200);
    assert_eq!((&changed["email"], &changed["email_verified"]), (&json!(ANN), &json!(false)));
}

#[tokio::test]
async fn what_somebody_owned_goes_to_the_administrator() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    make(&app, BOB, json!({})).await;
    let admin = app.admin();
    let team = app.post("/teams/", &admin, json!({ "name": "Red" })).await.expect(201)["id"].clone();
    let team = team.as_str().unwrap();
    let member = json!({ "email": ANN, "role": "owner" });
    app.post(&format!("/teams/{team}/members"), &admin, member).await.expect(201);
    app.send("DELETE", &format!("/teams/{team}/members/{ADMIN}"), &admin, None).await.expect(200);
    let ann = session(&app, ANN, PASSWORD).await;
    let server = async |token: &str, name: &str, visibility: &str| {
        let body = json!({ "server": { "name": name }, "visibility": visibility, "team_id": team });
        app.post("/v1/servers", token, body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let shared = server(&ann, "shared", "team").await;
    let public = server(&ann, "public", "public").await;
    let private = server(&ann, "same name", "private").await;
    let own = json!({ "server": { "name": "same name" }, "visibility": "private" });
    app.post("/v1/servers", &admin, own).await.expect(201);
    assert_eq!(app.get(&format!("/v1/servers/{private}"), &admin).await.status.as_u16(), 404);
    app.send("DELETE", &path(ANN), &admin, None).await.expect(200);
    for (id, visibility) in [(&shared, "team"), (&public, "public"), (&private, "private")] {
        let row = app.get(&format!("/v1/servers/{id}"), &admin).await.expect(200);
        assert_eq!((&row["ownerEmail"], &row["visibility"]), (&json!(ADMIN), &json!(visibility)), "{row}");
    }
    let renamed = app.get(&format!("/v1/servers/{private}"), &admin).await.expect(200);
    assert_eq!(renamed["name"], format!("same name-{}", &private[..8]));
    let members = app.get(&format!("/teams/{team}/members"), &admin).await.expect(200).to_string();
    assert!(members.contains(ADMIN) && !members.contains(ANN), "{members}");
    assert_eq!(app.get("/v1/tools", &ann).await.status.as_u16(), 401);
    // Whoever is given the address next inherits nothing.
    make(&app, ANN, json!({ "password": OTHER })).await;
    assert_eq!(app.get("/v1/tools", &ann).await.status.as_u16(), 401);
    let next = session(&app, ANN, OTHER).await;
    assert_eq!(app.get(&format!("/v1/servers/{private}"), &next).await.status.as_u16(), 404);
}
