//! Names and texts that clients see: collisions, long lists in pages, and descriptions that people edit.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    call, listed, path,
    peer::{Era, Peer},
    raw::Raw,
    register, text, tool, tools,
};
use crate::app::App;

#[tokio::test]
async fn colliding_names_are_told_apart_and_reach_their_own_tools() {
    let app = App::with(&[], &[]).await;
    let raw = Raw::serve(|seen| match seen.method().as_str() {
        "tools/list" => Some(
            r#"{"tools":[{"name":"get_it","inputSchema":{"type":"object"}},{"name":"get-it","inputSchema":{"type":"object"}},{"name":"Get.It","inputSchema":{"type":"object"}},{"name":"get_it","inputSchema":{"type":"object"}}]}"#
                .to_owned(),
        ),
        "tools/call" => {
            let name = seen.json()["params"]["name"].clone();
            Some(json!({ "content": [{ "type": "text", "text": name }] }).to_string())
        }
        _ => None,
    })
    .await;
    let gateway = register(&app, "g", &raw.url).await;
    let skipped = gateway["skippedTools"].as_array().unwrap();
    assert!(skipped.len() == 1 && skipped[0].as_str().unwrap().contains("twice"), "{skipped:?}");
    let names = listed(&app).await;
    assert_eq!(names, ["g-get-it", "g-get-it-2", "g-get-it-3"]);
    let mut reached = Vec::new();
    for name in &names {
        let row = tool(&app, name).await;
        let answer = call(&app, name, json!({})).await;
        assert_eq!(text(&answer), row["originalName"].as_str().unwrap(), "{name}");
        reached.push(text(&answer).to_owned());
    }
    reached.sort();
    assert_eq!(reached, ["Get.It", "get-it", "get_it"]);
    // A second upstream whose prefixed names run into the first one's cannot take them, and gets one of its own.
    let other = Raw::tools(r#"{"name":"it","inputSchema":{"type":"object"}}"#, r#"{"content":[]}"#).await;
    register(&app, "g get", &other.url).await;
    assert_eq!(listed(&app).await, ["g-get-it", "g-get-it-2", "g-get-it-3", "g-get-it-4"]);
    assert_eq!(tool(&app, "g-get-it-4").await["gatewaySlug"], "g-get");
    let first = tools(&app, "g-get-it")
        .await
        .into_iter()
        .find(|row| row["name"] == "g-get-it" && row["gatewayId"] == gateway["id"]);
    let answer = call(&app, "g-get-it", json!({})).await;
    assert_eq!(text(&answer), first.unwrap()["originalName"].as_str().unwrap(), "the older one keeps it");
}

#[tokio::test]
async fn a_list_of_many_pages_is_read_whole_and_served_in_pages() {
    let app = App::with(&[], &[]).await;
    let raw = Raw::serve(|seen| {
        if seen.method() != "tools/list" {
            return None;
        }
        let cursor = seen.json()["params"]["cursor"].as_str().map_or(0, |at| at.parse().unwrap());
        let mut page = String::new();
        for number in cursor..cursor + 100 {
            write!(page, r#"{{"name":"t{number:04}","inputSchema":{{"type":"object"}}}},"#).unwrap();
        }
        let next = if cursor < 1400 { format!(r#","nextCursor":"{}""#, cursor + 100) } else { String::new() };
        Some(format!(r#"{{"tools":[{}]{next}}}"#, page.trim_end_matches(',')))
    })
    .await;
    let gateway = register(&app, "g", &raw.url).await;
    assert_eq!((&gateway["toolCount"], raw.asked("tools/list").len()), (&json!(1500), 15));
    let admin = app.admin();
    let (mut seen, mut cursor, mut pages) = (Vec::new(), json!(null), 0);
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let page = app.mcp("/mcp", &admin, "tools/list", params).await["result"].clone();
        let names = page["tools"].as_array().unwrap().iter();
        seen.extend(names.map(|tool| tool["name"].as_str().unwrap().to_owned()));
        pages += 1;
        cursor = page["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let expected: Vec<_> = (0..1500).map(|number| format!("g-t{number:04}")).collect();
    assert_eq!((seen, pages), (expected, 2));
    // A cursor is its reader's and its list's.
    let first = app.mcp("/mcp", &admin, "tools/list", json!({})).await["result"]["nextCursor"].clone();
    let params = json!({ "cursor": first });
    assert_eq!(app.mcp("/mcp", &admin, "prompts/list", params.clone()).await["error"]["code"], -32602);
    let bob = app.user("bob@example.com").await;
    assert_eq!(app.mcp("/mcp", &bob, "tools/list", params).await["error"]["code"], -32602);
    // The API pages too.
    let rows = app.get("/v1/tools?include_pagination=true&limit=500", &admin).await.expect(200);
    assert_eq!(rows["tools"].as_array().unwrap().len(), 500);
    assert!(rows["nextCursor"].is_string(), "{}", rows["nextCursor"]);
}

#[tokio::test]
async fn an_edited_description_is_what_clients_read() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let raw = Raw::tools(
        r#"{"x":1e400,"name":"t","description":"theirs","inputSchema":{ "type":"object" }}"#,
        r#"{"content":[]}"#,
    )
    .await;
    let gateway = register(&app, "g", &raw.url).await;
    let id = tool(&app, "g-t").await["id"].as_str().unwrap().to_owned();
    let shown = async || {
        let list =
            app.mcp_raw("/mcp", &admin, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &[]).await;
        String::from_utf8(list.body.to_vec()).unwrap()
    };
    let theirs = r#"{"x":1e400,"name":"g-t","description":"theirs","inputSchema":{ "type":"object" }}"#;
    assert!(shown().await.contains(theirs), "{}", shown().await);
    let change = json!({ "description": "ours, \"better\"" });
    app.send("PUT", &format!("/v1/tools/{id}"), &admin, Some(change)).await.expect(200);
    let ours =
        r#"{"x":1e400,"name":"g-t","description":"ours, \"better\"","inputSchema":{ "type":"object" }}"#;
    assert!(shown().await.contains(ours), "{}", shown().await);
    app.send("POST", &format!("{}/tools/refresh", path(&gateway)), &admin, None).await.expect(200);
    assert!(shown().await.contains(ours), "a refresh keeps it: {}", shown().await);
    let change = json!({ "custom_name": "better name" });
    app.send("PUT", &format!("/v1/tools/{id}"), &admin, Some(change)).await.expect(200);
    assert!(shown().await.contains(&ours.replace("g-t", "g-better-name")), "{}", shown().await);
    call(&app, "g-better-name", json!({})).await;
    assert_eq!(raw.asked("tools/call")[0].json()["params"]["name"], "t", "the upstream knows its own name");
}

#[tokio::test]
async fn edited_prompts_and_resources_are_what_clients_read() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let peer = Peer::start(Era::Modern).await;
    register(&app, "g", &peer.url()).await;
    let edit = async |list: &str, key: &str, wanted: &str, change: Value| {
        let rows = app.get(&format!("/v1/{list}?limit=0"), &admin).await.expect(200);
        let row = rows.as_array().unwrap().iter().find(|row| row[key] == wanted).unwrap();
        let path = format!("/v1/{list}/{}", row["id"].as_str().unwrap());
        app.send("PUT", &path, &admin, Some(change)).await.expect(200);
    };
    edit("prompts", "name", "g-test-simple-prompt", json!({ "description": "ours" })).await;
    edit("resources", "uri", "test://static-text", json!({ "name": "our text", "description": "read it" }))
        .await;
    let prompts = app.mcp("/mcp", &admin, "prompts/list", json!({})).await;
    let prompts = prompts["result"]["prompts"].as_array().unwrap();
    let prompt = prompts.iter().find(|prompt| prompt["name"] == "g-test-simple-prompt").unwrap();
    assert_eq!(prompt["description"], "ours");
    let resources = app.mcp("/mcp", &admin, "resources/list", json!({})).await;
    let resources = resources["result"]["resources"].as_array().unwrap();
    let resource = resources.iter().find(|resource| resource["uri"] == "test://static-text").unwrap();
    assert_eq!((&resource["name"], &resource["description"]), (&json!("our text"), &json!("read it")));
    assert_eq!(resource["mimeType"], "text/plain", "the rest stays");
    let other = resources.iter().find(|resource| resource["uri"] == "test://static-binary").unwrap();
    assert!(other["name"] == "static-binary" && other.get("description").is_none(), "{other}");
}
