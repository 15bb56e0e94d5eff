//! Who sees what: public, team and private, in every list and for every kind of token.

use serde_json::{Value, json};

use crate::{
    app::{ADMIN, App},
    token,
};

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

async fn server(app: &App, token: &str, name: &str, visibility: &str, team: Option<&str>) -> Value {
    let body = json!({ "server": { "name": name }, "visibility": visibility, "team_id": team });
    app.post("/v1/servers", token, body).await.expect(201)
}

#[tokio::test]
async fn lists_show_what_the_scope_sees_and_nothing_else() {
    let app = App::start().await;
    let admin = app.admin();
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let team = app.post("/teams/", &admin, json!({ "name": "Red" })).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let member = json!({ "email": "ann@example.com", "role": "owner" });
    app.post(&format!("/teams/{team}/members"), &admin, member).await.expect(201);
    // A session reaches its teams as they are now.
    server(&app, &ann, "ann-team", "team", Some(&team)).await;
    server(&app, &ann, "ann-private", "private", Some(&team)).await;
    server(&app, &admin, "everybody", "public", None).await;
    let list = async |token: &str| app.get("/v1/servers?limit=0", token).await.expect(200);
    assert_eq!(names(&list(&ann).await), ["ann-private", "ann-team", "everybody"]);
    assert_eq!(names(&list(&bob).await), ["everybody"]);
    assert_eq!(names(&list(&admin).await), ["ann-team", "everybody"], "private is the owner's only");
    let mut claims = token::claims(ADMIN);
    claims["teams"] = json!([]);
    assert_eq!(
        names(&list(&token::sign(&claims)).await),
        ["everybody"],
        "an empty list of teams is public only"
    );
    claims.as_object_mut().unwrap().remove("teams");
    assert_eq!(names(&list(&token::sign(&claims)).await), ["everybody"], "no list of teams is public only");
}

#[tokio::test]
async fn what_is_invisible_does_not_exist() {
    let app = App::start().await;
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let team = app.post("/teams/", &app.admin(), json!({ "name": "Red" })).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let member = json!({ "email": "ann@example.com", "role": "owner" });
    app.post(&format!("/teams/{team}/members"), &app.admin(), member).await.expect(201);
    let id = server(&app, &ann, "secret", "team", Some(&team)).await["id"].as_str().unwrap().to_owned();
    let unknown = "0".repeat(32);
    for method in ["GET", "DELETE"] {
        let real = app.send(method, &format!("/v1/servers/{id}"), &bob, None).await;
        let none = app.send(method, &format!("/v1/servers/{unknown}"), &bob, None).await;
        assert_eq!(real.status, none.status, "{method}");
        let (real, none) = (
            String::from_utf8_lossy(&real.body).replace(&id, "ID"),
            String::from_utf8_lossy(&none.body).replace(&unknown, "ID"),
        );
        assert_eq!(real, none, "{method}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for path in [format!("/servers/{id}/mcp"), format!("/servers/{unknown}/mcp"), "/servers/x/mcp".to_owned()]
    {
        assert_eq!(app.mcp_raw(&path, &bob, ping, &[]).await.status.as_u16(), 404, "{path}");
    }
    assert_eq!(app.mcp_raw(&format!("/servers/{id}/mcp"), &ann, ping, &[]).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_public_only_token_makes_public_things_only() {
    let app = App::start().await;
    let mut claims = token::claims(ADMIN);
    claims["teams"] = json!([]);
    let token = token::sign(&claims);
    let body = |visibility: &str| json!({ "server": { "name": "x" }, "visibility": visibility });
    app.post("/v1/servers", &token, body("private")).await.expect(403);
    app.post("/v1/servers", &token, body("public")).await.expect(201);
}

#[tokio::test]
async fn a_server_that_is_switched_off_is_not_there() {
    let app = App::start().await;
    let admin = app.admin();
    let id = server(&app, &admin, "off", "public", None).await["id"].as_str().unwrap().to_owned();
    let off =
        app.send("POST", &format!("/v1/servers/{id}/state?activate=false"), &admin, None).await.expect(200);
    assert_eq!(off["enabled"], false);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(app.mcp_raw(&format!("/servers/{id}/mcp"), &admin, ping, &[]).await.status.as_u16(), 404);
}
