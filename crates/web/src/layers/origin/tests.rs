//! Hosts and origins that are let in and those that are not.

use axum::body::Body;

use super::*;

fn origins(vars: &[(&str, &str)], environment: &str) -> Origins {
    let all = vars.iter().copied().chain([("ENVIRONMENT", environment)]);
    let mut env = domain::Env::new(all.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Origins::new(&Settings::read(&mut env).unwrap())
}

fn request(uri: &str, headers: &[(&str, &str)]) -> Request {
    let builder = headers
        .iter()
        .fold(Request::builder().uri(uri), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::empty()).unwrap()
}

fn host_status(origins: &Origins, request: &Request) -> u16 {
    origins.check_host(request).err().map_or(200, |response| response.status().as_u16())
}

#[test]
fn only_listed_hosts_are_served() {
    let vars =
        [("APP_DOMAIN", "https://mcp.example.com"), ("ALLOWED_HOSTS", "Other.example"), ("HOST", "10.1.2.3")];
    let origins = origins(&vars, "production");
    for host in [
        "localhost:4444",
        "LOCALHOST",
        "127.0.0.1",
        "[::1]:80",
        "mcp.example.com",
        "other.example:1",
        "10.1.2.3",
    ] {
        assert_eq!(host_status(&origins, &request("/", &[("host", host)])), 200, "{host}");
    }
    for host in
        ["evil.com", "127.0.0.1.nip.io", "localhost.", "mcp.example.com.evil", "127.0.0.1:80:80", "10.1.2.4"]
    {
        assert_eq!(host_status(&origins, &request("/", &[("host", host)])), 403, "{host}");
    }
}

#[test]
fn a_request_is_for_one_host() {
    let origins = origins(&[], "development");
    assert_eq!(host_status(&origins, &request("/", &[])), 400);
    assert_eq!(host_status(&origins, &request("/", &[("host", "localhost"), ("host", "localhost")])), 400);
    assert_eq!(host_status(&origins, &request("/", &[("host", "user@localhost")])), 400);
    assert_eq!(host_status(&origins, &request("http://evil.com/", &[("host", "localhost")])), 400);
    assert_eq!(host_status(&origins, &request("http://evil.com/", &[])), 403);
    assert_eq!(host_status(&origins, &request("http://localhost:4444/", &[])), 200);
}

fn allowed(origins: &Origins, host: &str, origin: &str) -> bool {
    let request = request("/", &[("host", host), ("origin", origin)]);
    let allowed = origins.check_origin(&request).is_ok();
    assert_eq!(allowed, origins.answer_to(&request).is_some());
    allowed
}

#[test]
fn production_knows_its_own_origin_only() {
    let origins = origins(&[("APP_DOMAIN", "yourdomain.com")], "production");
    assert!(allowed(&origins, "localhost:4444", "https://yourdomain.com"));
    assert!(allowed(&origins, "yourdomain.com:8443", "https://yourdomain.com:8443"), "the same origin");
    for foreign in [
        "null",
        "http://yourdomain.com",
        "https://yourdomain.com.evil",
        "https://evil-yourdomain.com",
        "https://yourdomain.com:444",
        "http://localhost:3000",
        "https://user@yourdomain.com",
        "",
    ] {
        assert!(!allowed(&origins, "yourdomain.com", foreign), "{foreign:?}");
    }
}

#[test]
fn development_knows_loopback_pages() {
    let origins = origins(&[], "development");
    for page in ["http://localhost:6274", "http://127.0.0.1:1", "http://[::1]:5", "http://localhost"] {
        assert!(allowed(&origins, "localhost:4444", page), "{page}");
    }
    for foreign in ["http://localhost.evil", "http://127.0.0.1.nip.io", "http://evil.com", "file://localhost"]
    {
        assert!(!allowed(&origins, "localhost:4444", foreign), "{foreign}");
    }
}

#[test]
fn two_origins_are_none() {
    let origins = origins(&[], "development");
    let request = request(
        "/",
        &[("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://localhost")],
    );
    assert!(origins.check_origin(&request).is_err());
}

#[test]
fn preflights_are_answered_for_allowed_pages() {
    let origins = origins(&[], "development");
    let headers = [
        ("host", "localhost"),
        ("origin", "http://localhost:6274"),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization,mcp-param-city"),
    ];
    let mut request = request("/mcp", &headers);
    assert!(origins.preflight(&request).is_none(), "a GET is none");
    *request.method_mut() = Method::OPTIONS;
    let mut response = origins.preflight(&request).unwrap();
    origins.mark(origins.answer_to(&request), &mut response);
    let value = |name: HeaderName| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(value(ACCESS_CONTROL_ALLOW_ORIGIN), "http://localhost:6274");
    assert_eq!(value(ACCESS_CONTROL_ALLOW_HEADERS), "authorization,mcp-param-city");
    assert!(value(ACCESS_CONTROL_ALLOW_METHODS).contains("PATCH"));
    assert_eq!(value(VARY), "Origin");
}
