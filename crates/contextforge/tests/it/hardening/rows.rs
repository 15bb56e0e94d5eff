//! Whose rows somebody may change: their own, those of a team that they run, and as an administrator all that are not
//! private.

use serde_json::json;

use super::{path, register, row, team, upstream};
use crate::{app::App, token};

#[tokio::test]
async fn developers_change_what_is_theirs_and_those_who_run_the_team_the_rest() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let (ann, bob, eve) = (
        app.user("ann@example.com").await,
        app.user("bob@example.com").await,
        app.user("eve@example.com").await,
    );
    let members = [
        ("eve@example.com", "owner", None),
        ("ann@example.com", "member", Some("developer")),
        ("bob@example.com", "member", Some("developer")),
    ];
    let team = team(&app, "Red", &members).await;
    let change = json!({ "description": "changed" });
    for visibility in ["team", "public"] {
        let raw = upstream("u", &["t"], &["doc://a"], &[]).await;
        let more = json!({ "visibility": visibility, "team_id": team });
        let gateway = register(&app, &ann, visibility, &raw, more.clone()).await;
        let body = json!({ "server": { "name": visibility }, "visibility": visibility, "team_id": team });
        let server = app.post("/v1/servers", &ann, body).await.expect(201);
        let tool = row(&app, &ann, "tools", "gatewayId", gateway["id"].as_str().unwrap()).await;
        let resource = row(&app, &ann, "resources", "gatewayId", gateway["id"].as_str().unwrap()).await;
        let rows = [
            path("gateways", &gateway),
            path("servers", &server),
            path("tools", &tool),
            path("resources", &resource),
        ];
        for row in &rows {
            let put = async |who: &str| app.send("PUT", row, who, Some(change.clone())).await.status.as_u16();
            app.get(row, &bob).await.expect(200);
            assert_eq!(put(&bob).await, 403, "{visibility} {row}: another developer");
            let off = format!("{row}/state?activate=false");
            assert_eq!(app.send("POST", &off, &bob, None).await.status.as_u16(), 403, "{visibility} {row}");
            assert_eq!(app.send("DELETE", row, &bob, None).await.status.as_u16(), 403, "{visibility} {row}");
            assert_eq!(put(&ann).await, 200, "{visibility} {row}: its owner");
            assert_eq!(put(&eve).await, 200, "{visibility} {row}: whoever runs the team");
            assert_eq!(put(&admin).await, 200, "{visibility} {row}: an administrator");
        }
    }
}

#[tokio::test]
async fn a_narrow_token_of_a_teams_owner_still_changes_the_teams_rows() {
    let app = App::with(&[], &[]).await;
    let (ann, _eve) = (app.user("ann@example.com").await, app.user("eve@example.com").await);
    let members = [("eve@example.com", "owner", None), ("ann@example.com", "member", Some("developer"))];
    let team = team(&app, "Red", &members).await;
    let body = json!({ "server": { "name": "s" }, "visibility": "team", "team_id": team });
    let server = app.post("/v1/servers", &ann, body).await.expect(201);
    let mut claims = token::claims("eve@example.com");
    claims["teams"] = json!([team]);
    claims["scopes"] = json!({ "permissions": ["servers.update"] });
    let change = Some(json!({ "description": "d" }));
    app.send("PUT", &path("servers", &server), &token::sign(&claims), change).await.expect(200);
}
