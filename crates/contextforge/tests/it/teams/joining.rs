//! Requests to join: asked of public teams only, answered by those who manage the members.

use serde_json::{Value, json};

use super::{add, delete, detail, put, team};
use crate::app::App;

fn path(team: &str, rest: &str) -> String {
    format!("/teams/{team}/{rest}")
}

#[tokio::test]
async fn a_request_is_asked_answered_and_asked_again() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let core = team(&app, &admin, json!({ "name": "Core Team", "visibility": "public" })).await;
    // Somebody who was a member before can come back.
    add(&app, &core, "bob@example.com", "member").await;
    delete(&app, &path(&core, "leave"), &bob).await.expect(200);
    let found = app.get("/teams/discover", &bob).await.expect(200);
    assert_eq!(
        (&found[0]["id"], &found[0]["member_count"], &found[0]["is_joinable"]),
        (&json!(core), &json!(1), &json!(true))
    );
    let asked = app.post(&path(&core, "join"), &bob, json!({ "message": "pls" })).await.expect(200);
    for (key, value) in [
        ("team_id", json!(core)),
        ("team_name", json!("Core Team")),
        ("user_email", json!("bob@example.com")),
        ("message", json!("pls")),
        ("status", json!("pending")),
    ] {
        assert_eq!(asked[key], value, "{key}");
    }
    detail(&app.post(&path(&core, "join"), &bob, json!({})).await, 400);
    let mine = app.get("/teams/join-requests", &bob).await.expect(200);
    assert_eq!(mine, json!([asked]));
    let list = path(&core, "join-requests");
    assert_eq!(app.get(&list, &admin).await.expect(200), json!([asked]));
    let one = |asked: &Value| format!("{list}/{}", asked["id"].as_str().unwrap());
    let rejected = delete(&app, &one(&asked), &admin).await.expect(200);
    assert_eq!(rejected, json!({ "success": true, "message": "Join request rejected successfully" }));
    detail(&app.post(&format!("{}/approve", one(&asked)), &admin, json!({})).await, 404);
    assert_eq!(app.get("/teams/join-requests", &bob).await.expect(200), json!([]));
    let asked = app.post(&path(&core, "join"), &bob, json!({})).await.expect(200);
    let joined = app.send("POST", &format!("{}/approve", one(&asked)), &admin, None).await.expect(200);
    assert_eq!((&joined["user_email"], &joined["role"]), (&json!("bob@example.com"), &json!("member")));
    app.get(&format!("/teams/{core}"), &bob).await.expect(200);
    assert_eq!(app.get(&list, &admin).await.expect(200), json!([]));
    assert_eq!(
        detail(&app.post(&path(&core, "join"), &bob, json!({})).await, 400),
        "User is already a member of this team"
    );
}

#[tokio::test]
async fn private_teams_do_not_exist_for_those_who_ask() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let hidden = team(&app, &admin, json!({ "name": "Hidden" })).await;
    for id in [&hidden, &"0".repeat(32), &"nope".to_owned()] {
        assert_eq!(detail(&app.post(&path(id, "join"), &bob, json!({})).await, 404), "Team not found");
    }
    assert_eq!(app.get("/teams/discover", &bob).await.expect(200), json!([]));
    let open = team(&app, &admin, json!({ "name": "Open", "visibility": "public" })).await;
    app.post(&path(&open, "join"), &bob, json!({ "message": "x".repeat(501) })).await.expect(422);
    app.post(&path(&open, "join"), &bob, json!({})).await.expect(200);
    put(&app, &format!("/teams/{open}"), &admin, json!({ "visibility": "private" })).await.expect(200);
    assert_eq!(app.get("/teams/join-requests", &bob).await.expect(200), json!([]), "nor are they named");
}

#[tokio::test]
async fn requests_are_for_those_who_manage_members_and_can_be_switched_off() {
    let app = App::with(&[], &[]).await;
    let (admin, bob, cid) =
        (app.admin(), app.user("bob@example.com").await, app.user("cid@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red", "visibility": "public", "max_members": 2 })).await;
    let asked = app.post(&path(&red, "join"), &cid, json!({})).await.expect(200);
    add(&app, &red, "bob@example.com", "member").await;
    let one = path(&red, &format!("join-requests/{}", asked["id"].as_str().unwrap()));
    detail(&app.get(&path(&red, "join-requests"), &bob).await, 403);
    detail(&app.post(&format!("{one}/approve"), &bob, json!({})).await, 403);
    detail(&delete(&app, &one, &cid).await, 404);
    let full = app.post(&format!("{one}/approve"), &admin, json!({})).await;
    assert_eq!(detail(&full, 400), "Team has reached the maximum member limit of 2");
    let found = app.get("/teams/discover", &cid).await.expect(200);
    assert_eq!(found[0]["is_joinable"], false);
    // A request to one team is none to another.
    let blue = team(&app, &admin, json!({ "name": "Blue" })).await;
    let other = path(&blue, &format!("join-requests/{}/approve", asked["id"].as_str().unwrap()));
    detail(&app.post(&other, &admin, json!({})).await, 404);

    let app = App::with(&[("ALLOW_TEAM_JOIN_REQUESTS", "false")], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red", "visibility": "public" })).await;
    detail(&app.post(&path(&red, "join"), &bob, json!({})).await, 403);
    assert_eq!(app.get("/teams/discover", &bob).await.expect(200)[0]["is_joinable"], false);
}
