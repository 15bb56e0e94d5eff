//! What stands before every route: headers, Host, Origin, limits, and that every answer has its headers.

use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::app::{App, Reply, raw};

async fn with(app: &App, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::builder().uri(format!("{}{path}", app.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    raw(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = App::start().await;
    let admin = app.admin();
    let many: Vec<(String, String)> = (0..120).map(|n| (format!("x-h{n}"), "v".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let replies = [
        ("good", app.get("/v1/tools", &admin).await),
        ("401", app.get("/v1/tools", "").await),
        ("404", app.get("/nowhere", &admin).await),
        ("405", app.send("DELETE", "/health", "", None).await),
        ("403 host", with(&app, "/health", &[("host", "evil.example")]).await),
        ("403 origin", with(&app, "/health", &[("origin", "https://evil.example")]).await),
        ("431", with(&app, "/health", &many).await),
    ];
    for (why, reply) in &replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{why} {}", reply.status);
        assert_eq!(reply.header("x-frame-options"), "DENY", "{why}");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{why}");
        assert!(!reply.header("x-request-id").is_empty(), "{why}");
        assert!(reply.header("server").is_empty(), "{why}");
    }
    let statuses: Vec<u16> = replies.iter().map(|(_, reply)| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 401, 404, 405, 403, 403, 431]);
}

#[tokio::test]
async fn foreign_hosts_and_origins_reach_nothing() {
    let app = App::start().await;
    let bearer = format!("Bearer {}", app.admin());
    for path in ["/v1/tools", "/mcp", "/health", "/auth/login"] {
        for (name, value) in [
            ("host", "evil.example"),
            ("host", "127.0.0.1.evil.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let reply = with(&app, path, &[("authorization", &bearer), (name, value)]).await;
            assert_eq!(reply.status.as_u16(), 403, "{path} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn client_addresses_are_taken_from_trusted_proxies_only() {
    let app = App::start().await;
    let mut claims = crate::token::claims(crate::app::ADMIN);
    claims["scopes"] = json!({ "ip_restrictions": ["203.0.113.9"] });
    let bearer = format!("Bearer {}", crate::token::sign(&claims));
    let spoofed =
        with(&app, "/v1/tools", &[("authorization", &bearer), ("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(spoofed.status.as_u16(), 403);
    let trusting = App::with(&[("TRUSTED_PROXY_CIDRS", "127.0.0.0/8")], &[]).await;
    let forwarded =
        with(&trusting, "/v1/tools", &[("authorization", &bearer), ("x-forwarded-for", "203.0.113.9")]).await;
    assert_eq!(forwarded.status.as_u16(), 200, "{:?}", forwarded.body);
}

/// The address that the gateway takes a request to come from, as its log of what was refused says it.
async fn seen_from(app: &App, lines: &[(&str, &str)]) -> String {
    let mut claims = crate::token::claims(crate::app::ADMIN);
    claims["scopes"] = json!({ "ip_restrictions": ["198.51.100.1"] });
    let bearer = format!("Bearer {}", crate::token::sign(&claims));
    let headers: Vec<_> = [("authorization", &*bearer)].into_iter().chain(lines.iter().copied()).collect();
    let refused = with(app, "/v1/tools", &headers).await;
    assert_eq!(refused.status.as_u16(), 403, "{lines:?} {:?}", refused.body);
    let path = format!("/rbac/decisions/{}", refused.header("x-decision-id"));
    let decision = app.get(&path, &app.admin()).await.expect(200);
    decision["client_ip"].as_str().unwrap_or("unknown").to_owned()
}

#[tokio::test]
async fn the_standard_header_says_where_a_client_is() {
    let vars = [("TRUSTED_PROXY_CIDRS", "127.0.0.0/8,10.0.0.0/8"), ("TRUSTED_PROXY_HEADER", "forwarded")];
    let app = App::with(&vars, &[]).await;
    let forwarded =
        |lines: &[&'static str]| lines.iter().map(|line| ("forwarded", *line)).collect::<Vec<_>>();
    for (lines, expected) in [
        (&[][..], "127.0.0.1"),
        (&["for=203.0.113.9"], "203.0.113.9"),
        (&["for=198.51.100.1, for=203.0.113.9;proto=https, for=\"10.0.0.7:80\""], "203.0.113.9"),
        (&["for=198.51.100.1", "For=\"[2001:DB8:cafe::17]:4711\";by=_gw"], "2001:db8:cafe::17"),
        (&["for=\"198.51.100.1", "for=203.0.113.9;host=\"x\""], "203.0.113.9"),
        (&["for=203.0.113.9;host=\"evil,for=198.51.100.1\""], "203.0.113.9"),
        (&["host=\"evil;for=198.51.100.1\";for=203.0.113.9"], "203.0.113.9"),
        (&["for=198.51.100.1", "for=\u{ff}, for=203.0.113.9"], "203.0.113.9"),
        (&["for=198.51.100.1, for=_hidden"], "unknown"),
        (&["for=198.51.100.1, for=unknown, for=10.0.0.7"], "unknown"),
        (&["for=198.51.100.1, proto=https"], "unknown"),
        (&["for=198.51.100.1", ""], "unknown"),
    ] {
        assert_eq!(seen_from(&app, &forwarded(lines)).await, expected, "{lines:?}");
    }
    let other = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=203.0.113.9")];
    assert_eq!(seen_from(&app, &other).await, "203.0.113.9", "the other header is not read");
}

#[tokio::test]
async fn the_usual_header_says_where_a_client_is() {
    let app = App::with(&[("TRUSTED_PROXY_CIDRS", "127.0.0.0/8,10.0.0.0/8")], &[]).await;
    let usual =
        |lines: &[&'static str]| lines.iter().map(|line| ("x-forwarded-for", *line)).collect::<Vec<_>>();
    for (lines, expected) in [
        (&["198.51.100.1, 203.0.113.9"][..], "203.0.113.9"),
        (&["198.51.100.1", "203.0.113.9:4711, 10.0.0.7"], "203.0.113.9"),
        (&["198.51.100.1,2001:db8::7"], "2001:db8::7"),
        (&["198.51.100.1, [2001:db8::7]:80"], "2001:db8::7"),
        (&["198.51.100.1, ::ffff:203.0.113.9"], "203.0.113.9"),
        (&["198.51.100.1", "\u{ff}, 203.0.113.9"], "203.0.113.9"),
        (&["\"198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (&["198.51.100.1", "unknown"], "unknown"),
        (&["198.51.100.1, , 10.0.0.7"], "unknown"),
    ] {
        assert_eq!(seen_from(&app, &usual(lines)).await, expected, "{lines:?}");
    }
    let other = [("forwarded", "for=198.51.100.1"), ("x-real-ip", "198.51.100.1")];
    assert_eq!(seen_from(&app, &other).await, "127.0.0.1", "other headers are not read");
    assert!(
        seen_from(&App::start().await, &usual(&["203.0.113.9"])).await == "127.0.0.1",
        "nobody is trusted"
    );
}

#[tokio::test]
async fn large_bodies_are_refused_quickly() {
    let app = App::start().await;
    let big = "x".repeat(8 * 1024 * 1024);
    for path in ["/mcp", "/v1/servers", "/auth/login"] {
        let reply = app.mcp_raw(path, &app.admin(), &big, &[]).await;
        assert_eq!(reply.status.as_u16(), 413, "{path}");
    }
    let declared = Request::builder()
        .method("POST")
        .uri(format!("{}/mcp", app.base))
        .header("authorization", format!("Bearer {}", app.admin()))
        .header("content-type", "application/json")
        .body(Full::from(big))
        .unwrap();
    assert_eq!(raw(declared).await.status.as_u16(), 413);
}

#[tokio::test]
async fn surfaces_that_are_switched_off_do_not_exist() {
    let app = App::with(
        &[("WELL_KNOWN_ENABLED", "false"), ("LEGACY_API_ENABLED", "false"), ("ENABLE_METRICS", "false")],
        &[],
    )
    .await;
    let admin = app.admin();
    for path in ["/.well-known/robots.txt", "/tools", "/metrics/prometheus", "/admin", "/admin/"] {
        assert_eq!(app.get(path, &admin).await.status.as_u16(), 404, "{path}");
    }
    app.get("/v1/tools", &admin).await.expect(200);
}

#[tokio::test]
async fn well_known_files_are_the_contracts() {
    let app = App::with(
        &[("WELL_KNOWN_SECURITY_TXT", "Contact: mailto:security@example.com\\nPreferred-Languages: en")],
        &[],
    )
    .await;
    let robots = app.get("/.well-known/robots.txt", "").await;
    assert!(
        String::from_utf8_lossy(&robots.body).starts_with("User-agent: *\nDisallow: /"),
        "{:?}",
        robots.body
    );
    let security = app.get("/.well-known/security.txt", "").await;
    let text = String::from_utf8_lossy(&security.body).into_owned();
    assert!(text.contains("Contact: mailto:security@example.com\n") && text.contains("Expires: "), "{text}");
    let plain = App::start().await;
    assert_eq!(plain.get("/.well-known/security.txt", "").await.status.as_u16(), 404);
}

#[tokio::test]
async fn health_is_public_and_documents_are_not() {
    let app = App::start().await;
    assert_eq!(app.get("/health", "").await.expect(200)["status"], "healthy");
    assert_eq!(app.get("/ready", "").await.expect(200)["status"], "ready");
    for path in ["/docs", "/openapi.json", "/version"] {
        assert_eq!(app.get(path, "").await.status.as_u16(), 401, "{path}");
        assert_eq!(app.get(path, &app.admin()).await.status.as_u16(), 200, "{path}");
    }
}

#[tokio::test]
async fn other_origins_are_named_where_they_are_allowed_and_nowhere_else() {
    let app = App::with(&[("ALLOWED_ORIGINS", "https://app.example.com")], &[]).await;
    let bearer = format!("Bearer {}", app.admin());
    let answer = async |origin: &str| {
        let reply = with(&app, "/v1/tools", &[("authorization", &bearer), ("origin", origin)]).await;
        (reply.status.as_u16(), reply.header("access-control-allow-origin").to_owned())
    };
    let allowed = "https://app.example.com";
    assert_eq!(answer(allowed).await, (200, allowed.to_owned()));
    for foreign in [
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://evil-app.example.com",
        "https://example.com",
        "*",
    ] {
        assert_eq!(answer(foreign).await, (403, String::new()), "{foreign}");
    }
}
