//! Basic credentials: off unless switched on, and then an administrator's.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::http_client::{get, send};
use crate::app::App;

const GOOD: (&str, &str) = ("BASIC_AUTH_PASSWORD", "a-long-enough-word-7");

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn basic_is_off_by_default_with_the_right_password_too() {
    let app = App::with(&[GOOD], &[]).await;
    let header = basic("admin", GOOD.1);
    for path in ["/v1/tools", "/docs", "/openapi.json"] {
        assert_eq!(get(&app, path, &[("authorization", &header)]).await, 401, "{path}");
    }
}

#[tokio::test]
async fn switched_on_it_is_for_the_api_or_for_the_documents() {
    let header = basic("admin", GOOD.1);
    let good = [("authorization", header.as_str())];
    let api = App::with(&[GOOD, ("API_ALLOW_BASIC_AUTH", "true")], &[]).await;
    assert_eq!(get(&api, "/v1/tools", &good).await, 200);
    assert_eq!(get(&api, "/auth/email/admin/users", &good).await, 200, "an administrator's");
    assert_eq!(get(&api, "/docs", &good).await, 401);
    assert_eq!(
        send(&api, ("POST", "/mcp"), &good, None).await.status.as_u16(),
        401,
        "MCP clients have tokens"
    );
    let docs = App::with(&[GOOD, ("DOCS_ALLOW_BASIC_AUTH", "true")], &[]).await;
    assert_eq!(get(&docs, "/docs", &good).await, 200);
    assert_eq!(get(&docs, "/v1/tools", &good).await, 401);
    let challenge = send(&docs, ("GET", "/docs"), &[], None).await;
    let schemes: Vec<_> =
        challenge.headers.get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    assert!(schemes.iter().any(|scheme| scheme.starts_with("Basic")), "{schemes:?}");
}

#[tokio::test]
async fn wrong_basic_credentials_are_refused_and_limited() {
    let app = App::with(&[GOOD, ("API_ALLOW_BASIC_AUTH", "true"), ("AUTH_REQUIRED", "false")], &[]).await;
    for wrong in
        [basic("admin", "wrong"), basic("root", GOOD.1), "Basic !!!".to_owned(), "Basic YWRtaW4=".to_owned()]
    {
        assert_eq!(
            get(&app, "/v1/tools", &[("authorization", &wrong)]).await,
            401,
            "never anonymous: {wrong}"
        );
    }
    let mut last = 0;
    for _ in 0..12 {
        last = get(&app, "/v1/tools", &[("authorization", &basic("admin", "wrong"))]).await;
    }
    assert_eq!(last, 429);
}
