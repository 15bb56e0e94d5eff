//! No route without a decision: every one is tried without a credential, and by somebody who may do nothing.

use serde_json::json;
use web::guard::Access;

use crate::{app::App, token};

/// Every path of a route with something in its parameters.
fn filled(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| if segment.starts_with('{') { "00000000000000000000000000000000" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn table() -> Vec<web::routes::RouteInfo> {
    let mut env = domain::Env::default();
    web::route_table(&web::settings::Settings::read(&mut env).unwrap())
}

#[tokio::test]
async fn every_route_but_the_public_ones_wants_a_credential() {
    let app = App::start().await;
    let mut public = Vec::new();
    for route in table() {
        if route.access == Access::Public {
            if !route.alias {
                public.push(format!("{} {}", route.method, route.path));
            }
            continue;
        }
        let body = (route.method != http::Method::GET).then(|| json!({}));
        let reply = app.send(route.method.as_str(), &filled(&route.path), "", body).await;
        assert_eq!(reply.status.as_u16(), 401, "{} {}", route.method, route.path);
    }
    // This list should only ever shrink; it is not written by a machine.
    let stored = include_str!("public_routes.txt");
    assert_eq!(
        public.join("\n").trim(),
        stored.trim(),
        "the public routes are not the ones of public_routes.txt"
    );
}

#[tokio::test]
async fn somebody_without_a_role_may_do_nothing() {
    let app = App::start().await;
    app.user("nobody@example.com").await;
    let admin = app.admin();
    let roles = app.get("/rbac/users/nobody@example.com/roles", &admin).await.expect(200);
    for role in roles.as_array().unwrap() {
        let scope = role["scope"].as_str().unwrap();
        let mut path = format!(
            "/rbac/users/nobody@example.com/roles/{}?scope={scope}",
            role["role_id"].as_str().unwrap()
        );
        if let Some(team) = role["scope_id"].as_str() {
            path = format!("{path}&scope_id={team}");
        }
        app.send("DELETE", &path, &admin, None).await.expect(200);
    }
    let mut claims = token::claims("nobody@example.com");
    claims["user"]["is_admin"] = json!(false);
    let token = token::sign(&claims);
    for route in table().into_iter().filter(|route| matches!(route.access, Access::Requires(_))) {
        let body = (route.method != http::Method::GET).then(|| json!({}));
        let reply = app.send(route.method.as_str(), &filled(&route.path), &token, body).await;
        assert!(
            [403, 404].contains(&reply.status.as_u16()),
            "{} {}: {}",
            route.method,
            route.path,
            reply.status
        );
    }
}
