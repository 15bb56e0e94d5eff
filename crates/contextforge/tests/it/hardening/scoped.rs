//! Tokens for one virtual server stay what they are.

use serde_json::json;

use super::{path, row};
use crate::{
    app::{ADMIN, App},
    token,
};

#[tokio::test]
async fn a_token_for_one_server_cannot_widen_it() {
    let app = App::start().await;
    let admin = app.admin();
    let (echo, other) = (
        row(&app, &admin, "tools", "name", "demo-echo").await,
        row(&app, &admin, "tools", "name", "demo-get-time").await,
    );
    let body =
        json!({ "server": { "name": "one", "associated_tools": [echo["id"]] }, "visibility": "private" });
    let server = app.post("/v1/servers", &admin, body).await.expect(201);
    let place = path("servers", &server);
    let endpoint = format!("/servers/{}/mcp", server["id"].as_str().unwrap());
    for permissions in
        [json!([]), json!(["*"]), json!(["servers.update", "servers.read", "servers.use", "tools.read"])]
    {
        let mut claims = token::claims(ADMIN);
        claims["scopes"] = json!({ "server_id": server["id"], "permissions": permissions });
        let scoped = token::sign(&claims);
        let wider = json!({ "associated_tools": [echo["id"], other["id"]] });
        app.send("PUT", &place, &scoped, Some(wider)).await.expect(403);
        app.send("POST", &format!("{place}/state?activate=false"), &scoped, None).await.expect(403);
        app.send("DELETE", &place, &scoped, None).await.expect(403);
        app.get(&place, &scoped).await.expect(200);
        let tools = app.mcp(&endpoint, &scoped, "tools/list", json!({})).await;
        assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 1);
    }
    let mut claims = token::claims(ADMIN);
    claims["scopes"] = json!({ "server_id": server["id"] });
    let arguments = json!({ "name": "demo-echo", "arguments": { "text": "x" } });
    let call = app.mcp(&endpoint, &token::sign(&claims), "tools/call", arguments).await;
    assert_eq!(call["result"]["content"][0]["text"], "x", "{call}");
}
