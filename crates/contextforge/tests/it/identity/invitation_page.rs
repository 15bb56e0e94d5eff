//! The page behind the link of an invitation, and the requests that it makes.

use serde_json::json;

use crate::{
    app::{App, PASSWORD},
    people::{ANN, BOB, http_client::send, make},
};

async fn invited(app: &App, team: &str, email: &str) -> String {
    let made = app.post("/teams/", &app.admin(), json!({ "name": team })).await.expect(201);
    let path = format!("/teams/{}/invitations", made["id"].as_str().unwrap());
    let made = app.post(&path, &app.admin(), json!({ "email": email })).await.expect(201);
    made["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_is_the_same_for_everybody_and_runs_nothing_but_its_own() {
    let app = App::with(&[("CSRF_TOKEN_NAME", "X-Mine&Yours")], &[]).await;
    let token = invited(&app, "Red", ANN).await;
    let mut pages = Vec::new();
    for path in [token.as_str(), "%3Cscript%3Ealert(1)%3C%2Fscript%3E"] {
        let (path, cookie) = (format!("/accept-invitation/{path}"), [("cookie", "__Host-jwt_token=a.b.c")]);
        let reply = send(&app, ("GET", &path), &cookie, None).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(reply.header("cache-control"), "no-store");
        let policy = reply.header("content-security-policy").to_owned();
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
        let page = String::from_utf8(reply.body.to_vec()).unwrap();
        assert!(page.contains(&format!("<script nonce=\"{nonce}\">")), "{page}");
        assert!(page.contains("data-csrf-header=\"X-Mine&amp;Yours\""), "{page}");
        assert!(!page.contains(&token) && !page.contains("alert"), "{page}");
        pages.push(page.replace(nonce, ""));
    }
    assert_eq!(pages.first(), pages.last());
}

#[tokio::test]
async fn somebody_with_a_session_accepts_with_its_token_against_forged_requests() {
    let app = App::with(&[("MCPGATEWAY_UI_ENABLED", "true")], &[]).await;
    make(&app, ANN, json!({})).await;
    let token = invited(&app, "Red", ANN).await;
    let form = format!("email={}&password={PASSWORD}", ANN.replace('@', "%40"));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let entry = send(&app, ("POST", "/admin/login"), &headers, Some(&form)).await;
    let cookies = entry.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let cookies: Vec<_> = cookies.map(|line| line.split(';').next().unwrap()).collect();
    let csrf = cookies.iter().find_map(|pair| pair.strip_prefix("mcpgateway_csrf_token=")).unwrap();
    let (cookie, origin) = (cookies.join("; "), app.base.clone());
    let path = format!("/v1/teams/invitations/{token}/accept");
    let mut headers = vec![("cookie", cookie.as_str()), ("accept", "text/html"), ("origin", &origin)];
    let forged = send(&app, ("POST", &path), &headers, None).await;
    assert_eq!(
        forged.json()["code"],
        "CSRF_TOKEN_INVALID",
        "by which the page tells that the session is over"
    );
    headers.push(("x-csrf-token", csrf));
    send(&app, ("POST", &path), &headers, None).await.expect(200);
}

#[tokio::test]
async fn somebody_without_one_signs_in_first() {
    let app = App::start().await;
    make(&app, ANN, json!({})).await;
    make(&app, BOB, json!({})).await;
    let token = invited(&app, "Red", ANN).await;
    let path = format!("/v1/teams/invitations/{token}/accept");
    assert_eq!(app.post(&path, "", json!({})).await.status.as_u16(), 401);
    let sign_in = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        app.post("/v1/auth/login", "", body).await.expect(200)["access_token"].as_str().unwrap().to_owned()
    };
    let refused = app.send("POST", &path, &sign_in(BOB).await, None).await.expect(400);
    assert_eq!(refused["detail"], "Email address does not match invitation");
    let session = sign_in(ANN).await;
    app.send("POST", &path, &session, None).await.expect(200);
    app.send("POST", "/v1/auth/logout", &session, None).await.expect(200);
    assert_eq!(app.get("/v1/tools", &session).await.status.as_u16(), 401);
}
