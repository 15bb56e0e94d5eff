//! Members: who comes, who goes, who is an owner, and how soon it counts.

use serde_json::{Value, json};

use super::{add, api_token, delete, detail, limited_admin, put, team};
use crate::app::{ADMIN, App};

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|member| member["user_email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn members_come_change_and_go_with_contextforges_words() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    app.user("bob@example.com").await;
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    let members = format!("/teams/{red}/members");
    let bob = json!({ "email": "Bob@example.com", "role": "member" });
    let added = app.post(&members, &admin, bob.clone()).await.expect(201);
    for (key, value) in [
        ("team_id", json!(red)),
        ("user_email", json!("bob@example.com")),
        ("role", json!("member")),
        ("invited_by", json!(ADMIN)),
        ("is_active", json!(true)),
        ("grant_source", json!(null)),
    ] {
        assert_eq!(added[key], value, "{key}");
    }
    assert_eq!(added["id"].as_str().unwrap().len(), 32);
    let again = app.post(&members, &admin, bob).await;
    assert_eq!(detail(&again, 409), "User is already a member of this team");
    let one = format!("{members}/bob@example.com");
    let owner = put(&app, &one, &admin, json!({ "role": "owner" })).await.expect(200);
    assert_eq!((&owner["role"], &owner["id"]), (&json!("owner"), &added["id"]));
    let page = app.get(&format!("{members}?include_pagination=true&limit=1"), &admin).await.expect(200);
    assert_eq!(emails(&page["members"]), [ADMIN]);
    let next = page["nextCursor"].as_str().unwrap();
    let rest = app.get(&format!("{members}?include_pagination=true&cursor={next}"), &admin).await.expect(200);
    assert_eq!(emails(&rest["members"]), ["bob@example.com"]);
    assert_eq!(rest["nextCursor"], json!(null));
    let gone = delete(&app, &one, &admin).await.expect(200);
    assert_eq!(gone, json!({ "success": true, "message": "Team member removed successfully" }));
    detail(&delete(&app, &one, &admin).await, 404);
    let nobody = json!({ "email": "nobody@example.com", "role": "member" });
    assert_eq!(detail(&app.post(&members, &admin, nobody).await, 404), "User not found");
    app.post(&members, &admin, json!({ "email": "a@b.c", "role": "king" })).await.expect(422);
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let app = App::with(&[], &[]).await;
    let ann = app.user("ann@example.com").await;
    let bob = app.user("bob@example.com").await;
    let red = team(&app, &ann, json!({ "name": "Red" })).await;
    let own = format!("/teams/{red}/members/ann@example.com");
    for token in [&ann, &app.admin()] {
        detail(&delete(&app, &own, token).await, 400);
        detail(&put(&app, &own, token, json!({ "role": "member" })).await, 400);
    }
    detail(&delete(&app, &format!("/teams/{red}/leave"), &ann).await, 400);
    add(&app, &red, "bob@example.com", "owner").await;
    let left = delete(&app, &format!("/teams/{red}/leave"), &ann).await.expect(200);
    assert_eq!(left, json!({ "success": true, "message": "Successfully left the team" }));
    detail(&app.get(&format!("/teams/{red}"), &ann).await, 404);
    detail(&delete(&app, &format!("/teams/{red}/leave"), &ann).await, 404);
    app.get(&format!("/teams/{red}"), &bob).await.expect(200);
}

#[tokio::test]
async fn two_owners_who_leave_at_once_leave_one() {
    let app = App::with(&[], &[]).await;
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let red = team(&app, &ann, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "owner").await;
    let path = format!("/teams/{red}/leave");
    let (one, two) = tokio::join!(delete(&app, &path, &ann), delete(&app, &path, &bob));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn only_those_who_manage_members_do_and_only_in_their_team() {
    let app = App::with(&[], &[]).await;
    let (ann, bob, eve) = (
        app.user("ann@example.com").await,
        app.user("bob@example.com").await,
        app.user("eve@example.com").await,
    );
    let red = team(&app, &ann, json!({ "name": "Red" })).await;
    let blue = team(&app, &eve, json!({ "name": "Blue" })).await;
    add(&app, &red, "bob@example.com", "member").await;
    let cid = json!({ "email": "eve@example.com", "role": "member" });
    let members = format!("/teams/{red}/members");
    detail(&app.post(&members, &bob, cid.clone()).await, 403);
    detail(&delete(&app, &format!("{members}/ann@example.com"), &bob).await, 403);
    detail(&put(&app, &format!("/teams/{red}"), &bob, json!({ "name": "Mine" })).await, 403);
    assert_eq!(emails(&app.get(&members, &bob).await.expect(200)).len(), 2);
    // For a stranger there is no such team, whatever they own elsewhere.
    for reply in [
        app.post(&members, &eve, cid).await,
        app.get(&members, &eve).await,
        delete(&app, &format!("{members}/ann@example.com"), &eve).await,
        put(&app, &format!("/teams/{red}"), &eve, json!({ "name": "Mine" })).await,
        delete(&app, &format!("/teams/{red}"), &eve).await,
    ] {
        assert_eq!(detail(&reply, 404), "Team not found");
    }
    // A token for one team does not reach the other one of the same person.
    add(&app, &blue, "ann@example.com", "owner").await;
    let token = api_token("ann@example.com", &json!([blue]));
    app.get(&format!("/teams/{blue}"), &token).await.expect(200);
    detail(&app.get(&format!("/teams/{red}"), &token).await, 404);
    detail(&delete(&app, &format!("/teams/{red}/leave"), &token).await, 404);
}

#[tokio::test]
async fn leaving_counts_at_once_for_sessions_and_tokens() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "owner").await;
    let token = api_token("bob@example.com", &json!([red]));
    let body = json!({ "server": { "name": "s" }, "visibility": "team", "team_id": red });
    let server = app.post("/v1/servers", &token, body).await.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/servers/{server}");
    app.get(&path, &bob).await.expect(200);
    delete(&app, &format!("/teams/{red}/members/bob@example.com"), &admin).await.expect(200);
    detail(&app.get(&path, &token).await, 403);
    detail(&app.get("/v1/tools", &token).await, 403);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(app.mcp_raw("/mcp", &token, ping, &[]).await.status.as_u16(), 403);
    app.get(&path, &bob).await.expect(404);
    let roles = app.get("/rbac/users/bob@example.com/roles?active_only=false", &admin).await.expect(200);
    assert!(!roles.to_string().contains(&red), "roles in the team went with the membership: {roles}");
    add(&app, &red, "bob@example.com", "member").await;
    app.get(&path, &token).await.expect(200);
    detail(&put(&app, &format!("/teams/{red}"), &token, json!({ "name": "x" })).await, 403);
}

#[tokio::test]
async fn a_demoted_owner_keeps_nothing() {
    let app = App::with(&[], &[]).await;
    let (admin, bob) = (app.admin(), app.user("bob@example.com").await);
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "bob@example.com", "owner").await;
    let grant = json!({ "role_id": "developer", "scope": "team", "scope_id": red });
    app.post("/rbac/users/bob@example.com/roles", &admin, grant).await.expect(200);
    let path = format!("/rbac/my/permissions?team_id={red}");
    let may = async |permission: &str| {
        app.get(&path, &bob).await.expect(200).as_array().unwrap().contains(&json!(permission))
    };
    assert!(may("teams.delete").await && may("gateways.create").await);
    put(&app, &format!("/teams/{red}/members/bob@example.com"), &admin, json!({ "role": "member" }))
        .await
        .expect(200);
    assert!(!may("teams.delete").await && !may("gateways.create").await);
    assert!(may("tools.execute").await, "a member looks and calls");
}

#[tokio::test]
async fn quotas_hold_for_whoever_comes() {
    let vars = [("MAX_MEMBERS_PER_TEAM", "3"), ("MAX_TEAMS_PER_USER", "1")];
    let app = App::with(&vars, &[]).await;
    let admin = app.admin();
    for name in ["ann", "bob", "cid", "dan"] {
        app.user(&format!("{name}@example.com")).await;
    }
    let small = team(&app, &admin, json!({ "name": "Small", "max_members": 2 })).await;
    let large = team(&app, &admin, json!({ "name": "Large" })).await;
    add(&app, &small, "ann@example.com", "member").await;
    let member = |name: &str| json!({ "email": format!("{name}@example.com"), "role": "member" });
    let full = app.post(&format!("/teams/{small}/members"), &admin, member("bob")).await;
    assert_eq!(detail(&full, 400), "Team has reached the maximum member limit of 2");
    let many = app.post(&format!("/teams/{large}/members"), &admin, member("ann")).await;
    assert_eq!(detail(&many, 400), "User has reached the maximum team limit of 1");
    let path = format!("/teams/{large}/members");
    let all = ["bob", "cid", "dan"].map(|name| app.post(&path, &admin, member(name)));
    let [one, two, three] = all;
    let (one, two, three) = tokio::join!(one, two, three);
    let mut statuses = [one, two, three].map(|reply| reply.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 400], "the last place is given once");
}

#[tokio::test]
async fn nobody_makes_owners_who_may_less_than_they() {
    let app = App::with(&[], &[]).await;
    let (admin, ann) = (app.admin(), app.user("ann@example.com").await);
    app.user("bob@example.com").await;
    let red = team(&app, &admin, json!({ "name": "Red" })).await;
    add(&app, &red, "ann@example.com", "member").await;
    let clerk = json!({ "name": "clerk", "scope": "team", "permissions": ["teams.manage_members"] });
    let clerk = app.post("/rbac/roles", &admin, clerk).await.expect(200);
    let grant = json!({ "role_id": clerk["id"], "scope": "team", "scope_id": red });
    app.post("/rbac/users/ann@example.com/roles", &admin, grant).await.expect(200);
    let members = format!("/teams/{red}/members");
    let bob = |role: &str| json!({ "email": "bob@example.com", "role": role });
    detail(&app.post(&members, &ann, bob("owner")).await, 403);
    detail(&app.post(&format!("/teams/{red}/invitations"), &ann, bob("owner")).await, 403);
    detail(&put(&app, &format!("{members}/ann@example.com"), &ann, json!({ "role": "owner" })).await, 403);
    app.post(&members, &ann, bob("member")).await.expect(201);
    // The same for an administrator's token that is limited.
    let limited = limited_admin(&["teams.manage_members"]);
    detail(
        &put(&app, &format!("{members}/bob@example.com"), &limited, json!({ "role": "owner" })).await,
        403,
    );
    delete(&app, &format!("{members}/bob@example.com"), &limited).await.expect(200);
}
