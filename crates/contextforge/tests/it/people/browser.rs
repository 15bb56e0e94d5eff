//! Browsers: sessions in cookies, and requests that other pages forge.

use serde_json::json;

use super::{
    ANN, BOB,
    http_client::{get, send},
    make,
};
use crate::app::{ADMIN, App, PASSWORD, Reply};

const UI: [(&str, &str); 2] = [("MCPGATEWAY_UI_ENABLED", "true"), ("COOKIE_SAMESITE", "strict")];

/// The cookies of a browser.
struct Browser {
    session: String,
    csrf: String,
}

impl Browser {
    async fn login(app: &App, email: &str) -> Self {
        let form = format!("email={}&password={PASSWORD}", email.replace('@', "%40"));
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = send(app, ("POST", "/admin/login"), &headers, Some(&form)).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/admin"), "{:?}", reply.body);
        let cookie = |name: &str| {
            let lines = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
            lines.into_iter().find(|line| line.starts_with(name)).unwrap().to_owned()
        };
        let session = cookie("__Host-jwt_token=");
        for attribute in ["; HttpOnly", "; Secure", "; SameSite=Strict", "; Path=/;", "; Max-Age=1200"] {
            assert!(session.contains(attribute), "{attribute}: {session}");
        }
        let value = |line: &str| line.split(['=', ';']).nth(1).unwrap().to_owned();
        Self { session: value(&session), csrf: value(&cookie("mcpgateway_csrf_token=")) }
    }

    fn cookies(&self) -> String {
        format!("__Host-jwt_token={}; mcpgateway_csrf_token={}", self.session, self.csrf)
    }

    /// A write as a page makes it, with what is given in place of the token.
    async fn write(&self, app: &App, token: Option<&str>, more: &[(&str, &str)]) -> Reply {
        let cookies = self.cookies();
        let mut headers =
            vec![("cookie", cookies.as_str()), ("accept", "text/html"), ("content-type", "application/json")];
        headers.extend(token.map(|token| ("x-csrf-token", token)));
        headers.extend_from_slice(more);
        let body = json!({ "name": format!("Team {:?}", std::time::Instant::now()) }).to_string();
        send(app, ("POST", "/teams/"), &headers, Some(&body)).await
    }
}

#[tokio::test]
async fn a_session_cookie_is_for_pages() {
    let app = App::with(&UI, &[]).await;
    let browser = Browser::login(&app, ADMIN).await;
    let cookies = browser.cookies();
    let status = async |more: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookies.as_str())];
        headers.extend_from_slice(more);
        get(&app, "/v1/tools", &headers).await
    };
    assert_eq!(status(&[("accept", "text/html")]).await, 200);
    assert_eq!(status(&[("hx-request", "true")]).await, 200);
    assert_eq!(status(&[("referer", &format!("{}/admin/", app.base))]).await, 200);
    let program = send(&app, ("GET", "/v1/tools"), &[("cookie", &cookies)], None).await;
    let text = "Cookie authentication not allowed for API requests. Use Authorization header.";
    assert_eq!((program.status.as_u16(), program.json()), (401, json!({ "detail": text })));
    assert_eq!(
        status(&[("accept", "text/html"), ("authorization", "Bearer nonsense")]).await,
        401,
        "header first"
    );
    let validate =
        send(&app, ("GET", "/auth/validate"), &[("cookie", &cookies), ("accept", "text/html")], None).await;
    assert_eq!(validate.json()["session_source"], "cookie");
    assert_eq!(
        send(&app, ("POST", "/mcp"), &[("cookie", &cookies), ("accept", "text/html")], None).await.status,
        401
    );
}

#[tokio::test]
async fn writes_show_the_token_of_their_session() {
    let app = App::with(&UI, &[]).await;
    make(&app, ANN, json!({})).await;
    let (mine, other) = (Browser::login(&app, ADMIN).await, Browser::login(&app, ADMIN).await);
    let ann = Browser::login(&app, ANN).await;
    let origin = [("origin", app.base.as_str())];
    assert_eq!(mine.write(&app, Some(&mine.csrf), &origin).await.status.as_u16(), 201);
    let referer = format!("{}/admin/", app.base);
    assert_eq!(mine.write(&app, Some(&mine.csrf), &[("referer", &referer)]).await.status.as_u16(), 201);
    for (why, token, more) in [
        ("no token", None, &origin[..]),
        ("another session of the same person", Some(&other.csrf), &origin),
        ("somebody else's", Some(&ann.csrf), &origin),
        ("nonsense", Some(&"0".repeat(64)), &origin),
        ("from nowhere", Some(&mine.csrf), &[]),
        ("from elsewhere", Some(&mine.csrf), &[("referer", "https://evil.example/admin")]),
        ("twice", Some(&mine.csrf), &[("origin", app.base.as_str()), ("x-csrf-token", "x")]),
    ] {
        let reply = mine.write(&app, token.map(String::as_str), more).await;
        let text = json!({ "detail": "CSRF validation failed", "code": "CSRF_TOKEN_INVALID" });
        assert_eq!((reply.status.as_u16(), reply.json()), (403, text), "{why}");
    }
    for foreign in ["null", "https://evil.example"] {
        let reply = mine.write(&app, Some(&mine.csrf), &[("origin", foreign)]).await;
        assert_eq!(reply.status.as_u16(), 403, "{foreign}");
    }
    // A planted cookie with the matching header is still no token of the session.
    let planted = Browser { session: mine.session.clone(), csrf: ann.csrf.clone() };
    assert_eq!(planted.write(&app, Some(&ann.csrf), &origin).await.status.as_u16(), 403);
}

#[tokio::test]
async fn no_path_is_free_of_it_and_bearers_need_none() {
    let app = App::with(&UI, &[]).await;
    let browser = Browser::login(&app, ADMIN).await;
    let cookies = browser.cookies();
    let headers =
        [("cookie", cookies.as_str()), ("accept", "text/html"), ("content-type", "application/json")];
    for path in ["/auth/logout", "/auth/refresh", "/teams/", "/v1/servers", "/admin/logout"] {
        assert_eq!(send(&app, ("POST", path), &headers, Some("{}")).await.status.as_u16(), 403, "{path}");
    }
    app.post("/teams/", &app.admin(), json!({ "name": "Red" })).await.expect(201);
}

#[tokio::test]
async fn a_refresh_of_a_cookie_gives_a_cookie_and_its_token() {
    let app = App::with(&UI, &[]).await;
    let browser = Browser::login(&app, ADMIN).await;
    let cookies = browser.cookies();
    let headers = [
        ("cookie", cookies.as_str()),
        ("accept", "text/html"),
        ("origin", app.base.as_str()),
        ("x-csrf-token", browser.csrf.as_str()),
    ];
    let reply = send(&app, ("POST", "/auth/refresh"), &headers, None).await;
    let set: Vec<_> =
        reply.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().to_owned()).collect();
    let body = reply.expect(200);
    let (token, csrf) = (body["access_token"].as_str().unwrap(), body["csrf_token"].as_str().unwrap());
    assert!(set.iter().any(|cookie| cookie.starts_with(&format!("__Host-jwt_token={token};"))), "{set:?}");
    let next = Browser { session: token.to_owned(), csrf: csrf.to_owned() };
    assert_eq!(next.write(&app, Some(csrf), &[("origin", &app.base)]).await.status.as_u16(), 201);
    assert_eq!(next.write(&app, Some(&browser.csrf), &[("origin", &app.base)]).await.status.as_u16(), 403);
    let cookies = next.cookies();
    let headers = [("cookie", cookies.as_str()), ("accept", "text/html")];
    let fetched = send(&app, ("GET", "/auth/csrf-token"), &headers, None).await;
    assert_eq!(fetched.expect(200)["csrf_token"], csrf);
}

#[tokio::test]
async fn a_login_over_the_api_sets_no_session() {
    let app = App::start().await;
    let reply = app.post("/auth/login", "", json!({ "email": ADMIN, "password": PASSWORD })).await;
    let set: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert!(set.len() == 1 && set[0].starts_with("mcpgateway_csrf_token="), "{set:?}");
}

#[tokio::test]
async fn without_pages_there_is_no_form() {
    let app = App::start().await;
    for path in ["/admin", "/admin/login", "/admin/logout", "/admin/session"] {
        assert_eq!(app.post(path, &app.admin(), json!({})).await.status.as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn pages_are_for_administrators_of_the_moment() {
    let app = App::with(&UI, &[]).await;
    make(&app, BOB, json!({ "is_admin": true })).await;
    let bob = app.login(BOB).await;
    let status = async |token: &str| app.get("/admin/session", token).await.status.as_u16();
    assert_eq!((status(&app.admin()).await, status(&bob).await, status("").await), (204, 204, 401));
    let mut claims = crate::token::claims(ADMIN);
    claims["teams"] = json!([]);
    assert_eq!(status(&crate::token::sign(&claims)).await, 403, "public things only");
    claims["teams"] = json!(null);
    claims["scopes"] = json!({ "server_id": "0".repeat(32) });
    assert_eq!(status(&crate::token::sign(&claims)).await, 403, "one server only");
    let path = format!("/auth/email/admin/users/{BOB}");
    app.send("PUT", &path, &app.admin(), Some(json!({ "is_admin": false }))).await.expect(200);
    assert_eq!(status(&bob).await, 403);
    assert_eq!(status(&crate::token::sign(&crate::token::claims(BOB))).await, 403, "a claim is no proof");
    app.send("PUT", &path, &app.admin(), Some(json!({ "is_active": false }))).await.expect(200);
    assert_eq!(status(&bob).await, 401);
}

/// Otherwise another page could log its visitors in as somebody else and watch what they do.
#[tokio::test]
async fn a_login_comes_from_the_gateways_own_page() {
    let app = App::with(&UI, &[]).await;
    let form = format!("email={}&password={PASSWORD}", ADMIN.replace('@', "%40"));
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example"] {
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
        let reply = send(&app, ("POST", "/admin/login"), &headers, Some(&form)).await;
        assert_eq!(reply.status.as_u16(), 403, "{origin}");
        assert!(reply.headers.get("set-cookie").is_none(), "{origin}");
    }
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", app.base.as_str())];
    assert_eq!(send(&app, ("POST", "/admin/login"), &headers, Some(&form)).await.status.as_u16(), 303);
}
