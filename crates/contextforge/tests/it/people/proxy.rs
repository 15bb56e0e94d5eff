//! Reverse proxies that vouch for people: believed by their address, and by nothing else.

use serde_json::json;

use super::{
    ANN,
    http_client::{get, send},
    make,
};
use crate::app::{ADMIN, App, command};

const TRUSTED: [(&str, &str); 3] = [
    ("TRUST_PROXY_AUTH", "true"),
    ("TRUSTED_PROXY_CIDRS", "127.0.0.0/8"),
    ("PROXY_USER_HEADER", "X-Forwarded-User"),
];

#[tokio::test]
async fn a_trusted_proxy_names_the_user_with_their_teams() {
    let app = App::with(&TRUSTED, &[]).await;
    make(&app, ANN, json!({})).await;
    let ann = [("x-forwarded-user", "Ann@Example.com")];
    let me = send(&app, ("GET", "/auth/email/me"), &ann, None).await;
    assert_eq!(me.expect(200)["email"], ANN);
    assert_eq!(get(&app, "/auth/email/admin/users", &ann).await, 403, "not an administrator");
    assert_eq!(get(&app, "/auth/email/admin/users", &[("x-forwarded-user", ADMIN)]).await, 200);
    let team = app.post("/teams/", &app.admin(), json!({ "name": "Red" })).await.expect(201)["id"].clone();
    let path = format!("/teams/{}", team.as_str().unwrap());
    assert_eq!(get(&app, &path, &ann).await, 404);
    let member = json!({ "email": ANN, "role": "member" });
    app.post(&format!("{path}/members"), &app.admin(), member).await.expect(201);
    assert_eq!(get(&app, &path, &ann).await, 200, "as the database has it now");
    let bearer = format!("Bearer {}", app.admin());
    let both = [("authorization", bearer.as_str()), ("x-forwarded-user", ANN)];
    assert_eq!(
        send(&app, ("GET", "/auth/email/me"), &both, None).await.json()["email"],
        ADMIN,
        "the token counts"
    );
}

#[tokio::test]
async fn what_a_trusted_proxy_must_not_send_is_401() {
    let app = App::with(&TRUSTED, &[]).await;
    make(&app, ANN, json!({})).await;
    make(&app, "off@example.com", json!({ "is_active": false })).await;
    for (why, headers) in [
        ("two headers", &[("x-forwarded-user", ANN), ("x-forwarded-user", ADMIN)][..]),
        ("a list", &[("x-forwarded-user", "ann@example.com, admin@example.com")]),
        ("no address", &[("x-forwarded-user", "ann")]),
        ("a tab inside", &[("x-forwarded-user", "ann@exa\tmple.com")]),
        ("nothing", &[("x-forwarded-user", "")]),
        ("an unknown user", &[("x-forwarded-user", "nobody@example.com")]),
        ("an inactive user", &[("x-forwarded-user", "off@example.com")]),
        ("another header", &[("x-authenticated-user", ANN)]),
    ] {
        assert_eq!(get(&app, "/v1/tools", headers).await, 401, "{why}");
    }
    let path = format!("/auth/email/admin/users/{ANN}");
    assert_eq!(get(&app, "/v1/tools", &[("x-forwarded-user", ANN)]).await, 200);
    app.send("PUT", &path, &app.admin(), Some(json!({ "is_active": false }))).await.expect(200);
    assert_eq!(get(&app, "/v1/tools", &[("x-forwarded-user", ANN)]).await, 401, "switched off a moment ago");
}

#[tokio::test]
async fn strangers_name_nobody() {
    let untrusted = [("TRUST_PROXY_AUTH", "true"), ("TRUSTED_PROXY_CIDRS", "192.0.2.0/24")];
    let named = [("x-authenticated-user", ADMIN)];
    let app = App::with(&untrusted, &[]).await;
    assert_eq!(get(&app, "/v1/tools", &named).await, 401);
    let spoofed = [named[0], ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(get(&app, "/v1/tools", &spoofed).await, 401, "the connection decides, not a header");
    let mut open = untrusted.to_vec();
    open.push(("AUTH_REQUIRED", "false"));
    let app = App::with(&open, &[]).await;
    assert_eq!(get(&app, "/v1/tools", &[]).await, 200);
    assert_eq!(get(&app, "/v1/tools", &named).await, 401, "and are refused where anybody may come in");
    let app = App::start().await;
    assert_eq!(get(&app, "/v1/tools", &named).await, 401, "switched off");
    let app = App::with(&[("TRUST_PROXY_AUTH", "true")], &[]).await;
    assert_eq!(get(&app, "/v1/tools", &named).await, 401, "no networks");
}

#[tokio::test]
async fn mcp_clients_need_tokens_until_told_otherwise() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let named = [("x-forwarded-user", ADMIN)];
    let app = App::with(&TRUSTED, &[]).await;
    assert_eq!(app.mcp_raw("/mcp", "", ping, &named).await.status.as_u16(), 401);
    let mut without = TRUSTED.to_vec();
    without.push(("MCP_CLIENT_AUTH_ENABLED", "false"));
    let app = App::with(&without, &[]).await;
    assert_eq!(app.mcp_raw("/mcp", "", ping, &named).await.status.as_u16(), 200);
    assert_eq!(app.mcp_raw("/mcp", "", ping, &[]).await.status.as_u16(), 401);
}

#[tokio::test]
async fn the_dangerous_flag_believes_anybody() {
    let app = App::with(&[("TRUST_PROXY_AUTH", "true"), ("TRUST_PROXY_AUTH_DANGEROUSLY", "true")], &[]).await;
    assert_eq!(get(&app, "/v1/tools", &[("x-authenticated-user", ADMIN)]).await, 200);
}

#[tokio::test]
async fn production_refuses_the_flag_alone() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |more: &[(&str, &str)]| {
        let mut vars: Vec<(String, String)> = [("ENVIRONMENT", "production"), ("TRUST_PROXY_AUTH", "true")]
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        vars.push(("API_ALLOW_BASIC_AUTH".to_owned(), "true".to_owned()));
        let output = command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let alone = check(&[]).await;
    assert!(alone.contains("problem: TRUST_PROXY_AUTH"), "{alone}");
    assert!(alone.contains("problem: BASIC_AUTH_PASSWORD"), "{alone}");
    for enough in [("TRUSTED_PROXY_CIDRS", "10.0.0.0/8"), ("TRUST_PROXY_AUTH_DANGEROUSLY", "true")] {
        let text = check(&[enough]).await;
        assert!(!text.contains("problem: TRUST_PROXY_AUTH"), "{text}");
    }
}

#[tokio::test]
async fn other_headers_open_nothing() {
    let app = App::start().await;
    for header in [
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "kube-probe/1.30"),
        ("x-forwarded-user", ADMIN),
        ("x-real-ip", "127.0.0.1"),
        ("x-contextforge-mcp-runtime-auth", "x"),
    ] {
        assert_eq!(get(&app, "/v1/tools", &[header]).await, 401, "{header:?}");
    }
    let path = format!("/v1/tools?token={0}&access_token={0}", app.admin());
    assert_eq!(get(&app, &path, &[]).await, 401, "no token in the address");
}

#[tokio::test]
async fn the_token_can_come_in_another_header() {
    let app = App::with(&[("AUTH_HEADER_NAME", "X-Gateway-Auth")], &[]).await;
    let bearer = format!("Bearer {}", app.admin());
    assert_eq!(get(&app, "/v1/tools", &[("x-gateway-auth", &bearer)]).await, 200);
    assert_eq!(get(&app, "/v1/tools", &[("authorization", &bearer)]).await, 401);
    assert_eq!(get(&app, "/auth/validate", &[("x-gateway-auth", &bearer)]).await, 200);
}
