//! Where from and when: addresses, networks and times, for issued and for signed tokens alike.

use serde_json::{Value, json};

use super::{issue, signed, status};
use crate::{
    app::{ADMIN, App, raw},
    token,
};

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The name of the day that is `later` days after today (UTC). 1970 began on a Thursday.
fn day(later: u64) -> &'static str {
    DAYS[usize::try_from((token::now() / 86_400 + 3 + later) % 7).unwrap()]
}

/// A time of the day `hours` from now (UTC).
fn clock(hours: u64) -> String {
    let seconds = (token::now() + hours * 3600) % 86_400;
    format!("{:02}:{:02}", seconds / 3600, seconds % 3600 / 60)
}

#[tokio::test]
async fn addresses_outside_are_refused() {
    let app = App::start().await;
    let from = |networks: Value| signed(ADMIN, json!({ "scopes": { "ip_restrictions": networks } }));
    for networks in [
        json!(["127.0.0.1"]),
        json!(["192.0.2.1", "127.0.0.0/8"]),
        json!(["::ffff:127.0.0.1"]),
        json!(["::ffff:127.0.0.0/104"]),
        json!(["no address", "127.0.0.1/32"]),
    ] {
        assert_eq!(status(&app, "/v1/tools", &from(networks.clone())).await, 200, "{networks}");
    }
    for networks in [json!(["192.0.2.0/24"]), json!(["::1"]), json!(["::/0"]), json!(["no address", "::1"])] {
        let reply = app.get("/v1/tools", &from(networks.clone())).await;
        assert_eq!(reply.refused(), json!({ "detail": "Access denied" }), "{networks}");
    }
}

#[tokio::test]
async fn a_forged_address_is_not_believed() {
    let app = App::start().await;
    let token = signed(ADMIN, json!({ "scopes": { "ip_restrictions": ["192.0.2.7"] } }));
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip"] {
        let value = if header == "forwarded" { "for=192.0.2.7" } else { "192.0.2.7" };
        let request = http::Request::get(format!("{}/v1/tools", app.base))
            .header("authorization", format!("Bearer {token}"))
            .header(header, value)
            .body(String::new().into())
            .unwrap();
        assert_eq!(raw(request).await.status.as_u16(), 403, "{header}");
    }
    let behind = App::with(&[("TRUSTED_PROXY_CIDRS", "127.0.0.0/8")], &["--demo"]).await;
    let request = http::Request::get(format!("{}/v1/tools", behind.base))
        .header("authorization", format!("Bearer {token}"))
        .header("x-forwarded-for", "192.0.2.7")
        .body(String::new().into())
        .unwrap();
    assert_eq!(raw(request).await.status.as_u16(), 200, "a proxy that is trusted says so");
}

#[tokio::test]
async fn times_outside_are_refused() {
    let app = App::start().await;
    let at = |times: Value| signed(ADMIN, json!({ "scopes": { "time_restrictions": times } }));
    let open = [
        json!({ "days": [day(0), day(1)] }),
        json!({ "start_time": clock(23), "end_time": clock(1) }),
        json!({ "start_time": clock(23), "end_time": clock(1), "timezone": "UTC", "days": [day(6), day(0), day(1)] }),
        json!({ "business_hours_only": false, "weekdays_only": false }),
    ];
    for times in open {
        assert_eq!(status(&app, "/v1/tools", &at(times.clone())).await, 200, "{times}");
    }
    let closed = [
        json!({ "days": [day(2), day(3)] }),
        json!({ "start_time": clock(2), "end_time": clock(4) }),
        // Two hours from now in a zone that is always ahead by twelve.
        json!({ "start_time": clock(0), "end_time": clock(2), "timezone": "Etc/GMT-12" }),
    ];
    let text = "Request not allowed at this time by token restrictions";
    for times in closed {
        let token = at(times.clone());
        for _ in 0..2 {
            let reply = app.get("/v1/tools", &token).await;
            assert_eq!(reply.refused(), json!({ "detail": text }), "{times}");
        }
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert_eq!(app.mcp_raw("/mcp", &token, ping, &[]).await.status.as_u16(), 403, "{times}");
    }
}

#[tokio::test]
async fn a_restriction_that_is_not_understood_refuses_the_token() {
    let app = App::start().await;
    let text = json!({ "detail": "The token has a restriction that cannot be read" });
    for scopes in [
        json!({ "time_restrictions": { "lunch_breaks_only": true } }),
        json!({ "time_restrictions": { "timezone": "Atlantis/Capital" } }),
        json!({ "time_restrictions": { "start_time": "noon" } }),
        json!({ "usage_limits": { "requests_per_moon": 1 } }),
        json!({ "ip_restrictions": ["no address"] }),
        json!({ "ip_restrictions": ["", "10.0.0.0/33"] }),
    ] {
        let token = signed(ADMIN, json!({ "scopes": scopes }));
        // The second time, it would be remembered if it had been let in.
        for _ in 0..2 {
            assert_eq!(app.get("/v1/tools", &token).await.expect(401), text, "{scopes}");
        }
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let reply = app.mcp_raw("/mcp", &token, ping, &[]).await;
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{scopes}");
        assert_eq!(reply.expect(401), text, "{scopes}");
        let why =
            app.post("/rbac/explain", &app.admin(), json!({ "token": token, "tool": "demo-echo" })).await;
        assert!(why.expect(200).to_string().contains("cannot read"), "{scopes}");
    }
}

#[tokio::test]
async fn restrictions_of_the_catalogue_are_enforced() {
    let app = App::start().await;
    let session = app.login(ADMIN).await;
    for (scope, expected) in [
        (json!({ "ip_restrictions": ["192.0.2.0/24"] }), 403),
        (json!({ "ip_restrictions": ["127.0.0.0/8"] }), 200),
        (json!({ "time_restrictions": { "days": [day(3)] } }), 403),
        (json!({ "time_restrictions": { "days": [day(0), day(1)] } }), 200),
    ] {
        let body = json!({ "name": scope.to_string(), "scope": scope });
        let token = issue(&app, &session, body).await;
        assert_eq!(status(&app, "/v1/tools", &token.raw).await, expected, "{scope}");
    }
}
