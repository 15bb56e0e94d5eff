//! `/rbac/view-as`: what somebody sees, as their own requests are answered.

use serde_json::{Value, json};

use super::{ANN, BOB, DORA, World, signed};
use crate::app::{ADMIN, App};

fn names(view: &Value) -> Vec<String> {
    let rows = view["rows"].as_array().unwrap_or_else(|| panic!("no rows: {view}"));
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

async fn listed(app: &App, token: &str) -> Vec<String> {
    let list = app.mcp("/mcp", token, "tools/list", json!({})).await;
    let tools = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("{list}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_administrator_sees_as_others_but_not_their_private_rows() {
    let World { app, red, .. } = World::make().await;
    let admin = app.admin();
    for email in [ANN, BOB, DORA] {
        let path = format!("/rbac/view-as?user_email={email}&kind=tools&limit=1000");
        let view = app.get(&path, &admin).await.expect(200);
        let theirs = listed(&app, &app.login(email).await).await;
        let private = theirs.iter().filter(|name| name.starts_with("own-")).count();
        let shown: Vec<_> = theirs.into_iter().filter(|name| !name.starts_with("own-")).collect();
        assert_eq!(names(&view), shown, "{email}");
        assert_eq!(view["private_rows"], private, "{email}");
        assert_eq!(view["private_rows"] != 0, email == ANN, "{view}");
        assert!(!view.to_string().contains("own-"), "{email}");
    }
    let token = signed(ANN, &json!({ "teams": [red] }));
    let body = json!({ "token": token, "kind": "tools", "limit": 1000 });
    let view = app.post("/rbac/view-as", &admin, body).await.expect(200);
    assert!(names(&view).contains(&"red-echo".to_owned()) && !names(&view).contains(&"blue-echo".to_owned()));
    let none = signed(ANN, &json!({ "scopes": { "permissions": ["prompts.read"] } }));
    let view = app.post("/rbac/view-as", &admin, json!({ "token": none, "kind": "tools" })).await.expect(200);
    assert_eq!((names(&view).len(), &view["refused"]["step"]), (0, &json!("token_cap")), "{view}");
    let trails = app.get("/api/logs/audit-trails?limit=1000", &admin).await.expect(200).to_string();
    assert!(trails.contains("access.view_as") && !trails.contains("eyJ"));
}

#[tokio::test]
async fn pages_and_kinds() {
    let World { app, .. } = World::make().await;
    let admin = app.admin();
    for kind in ["tools", "prompts", "resources", "templates", "servers"] {
        let mut seen = Vec::new();
        let mut offset = json!(0);
        while let Some(from) = offset.as_u64() {
            let path = format!("/rbac/view-as?user_email={ADMIN}&kind={kind}&limit=3&offset={from}");
            let page = app.get(&path, &admin).await.expect(200);
            assert!(names(&page).len() <= 3);
            seen.extend(names(&page));
            if page["next_offset"].is_null() {
                assert_eq!(page["total"], seen.len(), "{kind}");
            }
            offset = page["next_offset"].clone();
        }
        assert!(seen.is_sorted(), "{kind}: {seen:?}");
    }
    app.get(&format!("/rbac/view-as?user_email={ADMIN}&kind=secrets"), &admin).await.expect(422);
    app.get("/rbac/view-as?user_email=nobody@example.com&kind=tools", &admin).await.expect(404);
    let bob = app.login(BOB).await;
    app.get(&format!("/rbac/view-as?user_email={BOB}&kind=tools"), &bob).await.expect(403);
}
