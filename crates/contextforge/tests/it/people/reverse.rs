//! `/reverse-proxy/sessions`, as far as it is reached without a transport.

use serde_json::json;

use super::http_client::send;
use crate::app::App;

#[tokio::test]
async fn sessions_are_listed_for_those_who_are_signed_in() {
    let app = App::with(&[("MCPGATEWAY_REVERSE_PROXY_ENABLED", "true")], &[]).await;
    let empty = json!({ "sessions": [], "total": 0 });
    let user = app.user("ann@example.com").await;
    for token in [&app.admin(), &user] {
        assert_eq!(app.get("/reverse-proxy/sessions", token).await.expect(200), empty);
    }
    app.get("/reverse-proxy/sessions", "").await.expect(401);
    let bearer = format!("Bearer {user}");
    let own_id = [("authorization", bearer.as_str()), ("x-session-id", "chosen-by-the-client")];
    assert_eq!(send(&app, ("GET", "/reverse-proxy/sessions"), &own_id, None).await.expect(200), empty);
    for (method, path) in [("GET", "chosen-by-the-client"), ("DELETE", "00000000000000000000000000000000")] {
        let path = format!("/reverse-proxy/sessions/{path}");
        assert_eq!(app.send(method, &path, &user, None).await.status.as_u16(), 404);
    }
}

#[tokio::test]
async fn switched_off_they_do_not_exist() {
    let app = App::start().await;
    assert_eq!(app.get("/reverse-proxy/sessions", &app.admin()).await.status.as_u16(), 404);
}
