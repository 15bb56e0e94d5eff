//! Names that somebody would like to take over.

use serde_json::{Value, json};

use super::{answers, path, reads, register, row, team, upstream};
use crate::app::App;

async fn names(app: &App, token: &str) -> Vec<String> {
    let list = app.mcp("/mcp", token, "tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

/// The id of the tool of a gateway.
async fn tool_of(app: &App, token: &str, gateway: &Value) -> Value {
    row(app, token, "tools", "gatewayId", gateway["id"].as_str().unwrap()).await
}

#[tokio::test]
async fn a_team_does_not_take_over_what_is_public() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let members = [("ann@example.com", "owner", None), ("bob@example.com", "member", None)];
    let team = team(&app, "Red", &members).await;
    let victim = upstream("victim", &["hub-search"], &["corp://policy"], &[]).await;
    let attacker = upstream("attacker", &["search"], &["corp://policy"], &[]).await;
    register(&app, &admin, "corp", &victim, json!({ "visibility": "public" })).await;
    let more = json!({ "visibility": "team", "team_id": team });
    let gateway = register(&app, &ann, "corp hub", &attacker, more).await;
    for who in [&ann, &bob, &admin] {
        assert_eq!(answers(&app, who, "corp-hub-search").await, "victim");
        assert_eq!(answers(&app, who, "corp-hub-search-2").await, "attacker", "it has a name of its own");
        assert_eq!(names(&app, who).await, ["corp-hub-search", "corp-hub-search-2"]);
        assert_eq!(reads(&app, who, "corp://policy").await.as_deref(), Some("victim"));
    }
    // A refresh, another name of the gateway and another visibility change nothing about that.
    app.send("POST", &format!("{}/tools/refresh", path("gateways", &gateway)), &ann, None).await.expect(200);
    for change in [json!({ "name": "corp-hub" }), json!({ "visibility": "public" })] {
        app.send("PUT", &path("gateways", &gateway), &ann, Some(change)).await.expect(200);
        assert_eq!(answers(&app, &bob, "corp-hub-search").await, "victim");
        assert_eq!(reads(&app, &bob, "corp://policy").await.as_deref(), Some("victim"));
    }
    // Both are there for whoever chooses them.
    let resource = row(&app, &ann, "resources", "gatewayId", gateway["id"].as_str().unwrap()).await;
    let body = json!({
        "server": { "name": "s", "associated_resources": [resource["id"]] }, "visibility": "team", "team_id": team,
    });
    let server = app.post("/v1/servers", &ann, body).await.expect(201);
    let place = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    let answer = app.mcp(&place, &ann, "resources/read", json!({ "uri": "corp://policy" })).await;
    assert_eq!(answer["result"]["contents"][0]["text"], "attacker");
}

#[tokio::test]
async fn age_in_hiding_does_not_count() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (ann, bob) = (app.user("ann@example.com").await, app.user("bob@example.com").await);
    let members = [("ann@example.com", "owner", None), ("bob@example.com", "member", None)];
    let team = team(&app, "Red", &members).await;
    let attacker = upstream("attacker", &["search"], &["corp://policy"], &[]).await;
    let renamed = upstream("renamed", &["other"], &[], &[]).await;
    let victim = upstream("victim", &["hub-search"], &["corp://policy"], &[]).await;
    let hidden =
        register(&app, &ann, "corp hub", &attacker, json!({ "visibility": "private", "team_id": team }))
            .await;
    let more = json!({ "visibility": "team", "team_id": team });
    let waiting = register(&app, &ann, "corp-hub-search", &renamed, more).await;
    register(&app, &admin, "corp", &victim, json!({ "visibility": "public" })).await;
    assert_eq!(
        answers(&app, &bob, "corp-hub-search").await,
        "victim",
        "others cannot occupy a name in hiding"
    );
    assert_eq!(
        answers(&app, &ann, "corp-hub-search").await,
        "attacker",
        "one's own older tool stays one's own"
    );
    // One tool by itself, its resource, and then the whole gateway are shown to more people.
    let tool = path("tools", &tool_of(&app, &ann, &hidden).await);
    let resource = row(&app, &ann, "resources", "gatewayId", hidden["id"].as_str().unwrap()).await;
    for visibility in ["team", "public"] {
        let wish = json!({ "visibility": visibility });
        app.send("PUT", &path("gateways", &hidden), &ann, Some(wish.clone())).await.expect(200);
        for who in [&bob, &admin] {
            assert_eq!(answers(&app, who, "corp-hub-search").await, "victim", "{visibility}");
            assert_eq!(reads(&app, who, "corp://policy").await.as_deref(), Some("victim"), "{visibility}");
        }
        assert!(names(&app, &bob).await.contains(&"corp-hub-search-2".to_owned()), "{visibility}");
        let widened = app.send("PUT", &path("resources", &resource), &ann, Some(wish)).await;
        assert_eq!(widened.status.as_u16(), 409, "{:?}", widened.body);
    }
    let wish = json!({ "custom_name": "search" });
    let back = app.send("PUT", &tool, &ann, Some(wish)).await;
    assert_eq!(reads(&app, &bob, "corp://policy").await.as_deref(), Some("victim"), "{:?}", back.body);
    assert_eq!(answers(&app, &bob, "corp-hub-search").await, "victim");
    // An old tool does not come to the name by being renamed.
    let tool = tool_of(&app, &ann, &waiting).await;
    app.send("PUT", &path("gateways", &waiting), &ann, Some(json!({ "name": "corp hub x" })))
        .await
        .expect(200);
    app.send("PUT", &path("gateways", &waiting), &ann, Some(json!({ "name": "corp" }))).await.expect(409);
    let refused =
        app.send("PUT", &path("tools", &tool), &ann, Some(json!({ "custom_name": "hub search" }))).await;
    assert!([200, 409].contains(&refused.status.as_u16()), "{:?}", refused.body);
    assert_eq!(answers(&app, &bob, "corp-hub-search").await, "victim");
}
