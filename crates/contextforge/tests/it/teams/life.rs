//! Making, listing, changing and deleting teams.

use serde_json::{Value, json};

use super::{add, api_token, delete, detail, keys, put, team};
use crate::{
    app::{ADMIN, App},
    token,
};

#[tokio::test]
async fn a_team_has_contextforges_form() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let body = json!({ "name": "Core Team", "description": "d", "visibility": "public" });
    let made = app.post("/teams/", &admin, body).await.expect(201);
    let mut expected = vec![
        "id",
        "name",
        "slug",
        "description",
        "created_by",
        "is_personal",
        "visibility",
        "max_members",
        "member_count",
        "created_at",
        "updated_at",
        "is_active",
        "members_added",
        "invitations_sent",
    ];
    expected.sort_unstable();
    let mut found = keys(&made);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(made["id"].as_str().unwrap().len(), 32);
    for (key, value) in [
        ("slug", json!("core-team")),
        ("created_by", json!(ADMIN)),
        ("is_personal", json!(false)),
        ("max_members", json!(null)),
        ("member_count", json!(1)),
        ("members_added", json!([])),
        ("invitations_sent", json!([])),
    ] {
        assert_eq!(made[key], value, "{key}");
    }
    let id = made["id"].as_str().unwrap();
    let listed = app.get("/teams/", &admin).await.expect(200);
    assert_eq!(listed["total"], 2, "{listed}");
    assert_eq!(listed["teams"][0]["slug"], "core-team");
    assert_eq!(listed["teams"][1]["slug"], "platform-administrators-team");
    assert_eq!(listed["teams"][1]["is_personal"], true);
    assert_eq!(listed["teams"][1]["description"], format!("Personal workspace for {ADMIN}"));
    let changed =
        put(&app, &format!("/teams/{id}"), &admin, json!({ "description": "d2" })).await.expect(200);
    assert_eq!((&changed["description"], &changed["name"]), (&json!("d2"), &json!("Core Team")));
    assert_eq!(detail(&app.get("/teams/nope", &admin).await, 404), "Team not found");
    assert_eq!(app.get("/teams/discover", &admin).await.expect(200), json!([]), "one is in it oneself");
    let gone = delete(&app, &format!("/teams/{id}"), &admin).await.expect(200);
    assert_eq!(gone, json!({ "success": true, "message": "Team deleted successfully" }));
    detail(&app.get(&format!("/teams/{id}"), &admin).await, 404);
}

#[tokio::test]
async fn teams_are_paged_and_only_ones_own_are_listed() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    for n in 0..5 {
        team(&app, &admin, json!({ "name": format!("T{n}") })).await;
    }
    let mut found: Vec<Value> = Vec::new();
    let mut path = "/teams/?include_pagination=true&limit=2".to_owned();
    loop {
        let page = app.get(&path, &admin).await.expect(200);
        assert!(page["teams"].as_array().unwrap().len() <= 2);
        found.extend(page["teams"].as_array().unwrap().iter().map(|team| team["slug"].clone()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        path = format!("/teams/?include_pagination=true&limit=2&cursor={next}");
    }
    assert_eq!(found.len(), 7, "five, and two personal ones: {found:?}");
    found.dedup();
    assert_eq!(found.len(), 7);
    let skipped = app.get("/teams/?skip=6&limit=3", &admin).await.expect(200);
    assert_eq!((skipped["teams"].as_array().unwrap().len(), &skipped["total"]), (1, &json!(7)));
    app.get("/teams/?cursor=nonsense", &admin).await.expect(422);
    let own = app.get("/teams/", &ann).await.expect(200);
    assert_eq!((own["total"].as_i64(), &own["teams"][0]["is_personal"]), (Some(1), &json!(true)));
    let none = app.get("/teams/", &api_token("ann@example.com", &json!([]))).await.expect(200);
    assert_eq!(none["total"], 0, "a public-only credential reaches no team");
}

#[tokio::test]
async fn who_may_make_teams_is_a_setting_and_administrators_always_may() {
    let app = App::with(&[("ALLOW_TEAM_CREATION", "false")], &[]).await;
    let ann = app.user("ann@example.com").await;
    detail(&app.post("/teams/", &ann, json!({ "name": "X" })).await, 403);
    team(&app, &app.admin(), json!({ "name": "X" })).await;
    let app = App::with(&[("MAX_TEAMS_PER_USER", "2")], &[]).await;
    let ann = app.user("ann@example.com").await;
    let first = team(&app, &ann, json!({ "name": "One" })).await;
    team(&app, &ann, json!({ "name": "One" })).await;
    let refused = app.post("/teams/", &ann, json!({ "name": "Three" })).await;
    assert_eq!(detail(&refused, 400), "User has reached the maximum team limit of 2");
    delete(&app, &format!("/teams/{first}"), &ann).await.expect(200);
    team(&app, &ann, json!({ "name": "Three" })).await;
    let public_only = api_token("ann@example.com", &json!([]));
    detail(&app.post("/teams/", &public_only, json!({ "name": "Four" })).await, 403);
}

#[tokio::test]
async fn every_mistake_in_a_team_is_named() {
    let app = App::with(&[("MAX_MEMBERS_PER_TEAM", "5"), ("MAX_TEAM_MEMBER_SEEDS", "2")], &[]).await;
    let admin = app.admin();
    let wrong = json!({
        "name": " ", "slug": "A B", "visibility": "team", "max_members": 6, "description": "x".repeat(1001),
        "members": [{ "email": "a@b@c" }],
    });
    let reply = app.post("/teams/", &admin, wrong).await.expect(422);
    let fields: Vec<_> =
        reply["detail"].as_array().unwrap().iter().map(|entry| entry["loc"][1].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "description", "visibility", "max_members", "slug", "members"]);
    let three =
        json!({ "name": "A", "members": [{ "email": "a@b.c" }, { "email": "b@b.c" }, { "email": "c@b.c" }] });
    app.post("/teams/", &admin, three).await.expect(422);
    team(&app, &admin, json!({ "name": "A", "slug": "aa" })).await;
    app.post("/teams/", &admin, json!({ "name": "B", "slug": "aa" })).await.expect(409);
}

#[tokio::test]
async fn first_members_are_taken_in_or_invited() {
    let app = App::with(&[], &[]).await;
    let ann = app.user("ann@example.com").await;
    app.user("bob@example.com").await;
    let members = json!([
        { "email": "BOB@example.com", "role": "owner" },
        { "email": "ann@example.com" },
        { "email": "new@example.com" },
    ]);
    let made = app.post("/teams/", &ann, json!({ "name": "Red", "members": members })).await.expect(201);
    assert_eq!(made["members_added"], json!([{ "email": "bob@example.com", "role": "owner" }]));
    assert_eq!(made["invitations_sent"].as_array().unwrap().len(), 1);
    assert_eq!(made["invitations_sent"][0]["email"], "new@example.com");
    assert_eq!(made["member_count"], 2);
    let path = format!("/teams/{}/invitations", made["id"].as_str().unwrap());
    let listed = app.get(&path, &ann).await.expect(200);
    assert_eq!(listed[0]["id"], made["invitations_sent"][0]["invitation_id"]);
}

#[tokio::test]
async fn a_personal_team_is_closed() {
    let app = App::with(&[("PERSONAL_TEAM_PREFIX", "home")], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    app.user("bob@example.com").await;
    let own = app.get("/teams/", &ann).await.expect(200)["teams"][0].clone();
    assert_eq!(own["slug"], "home-somebodys-team");
    let id = own["id"].as_str().unwrap();
    for token in [&admin, &ann] {
        detail(&delete(&app, &format!("/teams/{id}"), token).await, 400);
        let bob = json!({ "email": "bob@example.com", "role": "member" });
        detail(&app.post(&format!("/teams/{id}/members"), token, bob.clone()).await, 400);
        detail(&app.post(&format!("/teams/{id}/invitations"), token, bob).await, 400);
        detail(&put(&app, &format!("/teams/{id}"), token, json!({ "visibility": "public" })).await, 400);
    }
    assert_eq!(
        detail(&delete(&app, &format!("/teams/{id}/leave"), &ann).await, 400),
        "Cannot leave personal team"
    );
    detail(&delete(&app, &format!("/teams/{id}/members/ann@example.com"), &admin).await, 400);
    let app = App::with(&[("AUTO_CREATE_PERSONAL_TEAMS", "false")], &[]).await;
    let ann = app.user("ann@example.com").await;
    assert_eq!(app.get("/teams/", &ann).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_team_goes_when_nothing_is_shared_in_it_and_nothing_becomes_public() {
    let app = App::with(&[], &[]).await;
    let (admin, ann, bob) =
        (app.admin(), app.user("ann@example.com").await, app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "ann@example.com", "owner").await;
    let server = async |name: &str, visibility: &str| {
        let body = json!({ "server": { "name": name }, "visibility": visibility, "team_id": red });
        app.post("/v1/servers", &ann, body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let (shared, hidden) = (server("shared", "team").await, server("hidden", "private").await);
    let kept = server("kept", "public").await;
    let path = format!("/teams/{red}");
    let refused = detail(&delete(&app, &path, &admin).await, 400);
    assert!(refused.contains("1 servers"), "{refused}");
    app.get(&format!("/v1/servers/{shared}"), &bob).await.expect(404);
    delete(&app, &format!("/v1/servers/{shared}"), &ann).await.expect(200);
    delete(&app, &path, &ann).await.expect(200);
    let own = app.get(&format!("/v1/servers/{hidden}"), &ann).await.expect(200);
    assert_eq!((&own["visibility"], &own["teamId"]), (&json!("private"), &json!(null)));
    for token in [&admin, &bob] {
        app.get(&format!("/v1/servers/{hidden}"), token).await.expect(404);
    }
    assert_eq!(app.get(&format!("/v1/servers/{kept}"), &bob).await.expect(200)["teamId"], json!(null));
}

#[tokio::test]
async fn what_happens_to_a_team_stands_in_the_audit_record() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red", "visibility": "public" })).await;
    app.post(&format!("/teams/{red}/join"), &ann, json!({})).await.expect(200);
    delete(&app, &format!("/teams/{red}/join"), &ann).await.expect(200);
    add(&app, &red, "ann@example.com", "member").await;
    delete(&app, &format!("/teams/{red}/leave"), &ann).await.expect(200);
    delete(&app, &format!("/teams/{red}"), &admin).await.expect(200);
    let rows = app.get("/api/logs/audit-trails?limit=100", &admin).await.expect(200);
    let text = rows.to_string();
    for action in
        ["team.create", "team.join_ask", "team.join_withdraw", "team.member_add", "team.leave", "team.delete"]
    {
        assert!(text.contains(&format!("\"{action}\"")), "{action}: {text}");
    }
    let mut claims = token::claims("ann@example.com");
    claims["teams"] = json!([red]);
    detail(&app.get("/v1/servers", &token::sign(&claims)).await, 403);
}
