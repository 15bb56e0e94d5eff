//! Every door through which something is stored, with everything that it takes.
//!
//! Besides these: the file of servers and what upstreams list, in `attacks` and in `pins::held`. There is no door that
//! takes many things at once, and no method of MCP that stores any.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Desk, modes};
use crate::{
    app::{App, Reply},
    doors::ws::Client,
    federation::{self, raw::Raw},
};

const SCRIPT: &str = "Hello <script>alert(document.cookie)</script>";
const MAIL: &str = "Write to jane.roe@corp.io today.";
/// What names and tags can hold of a person, whose letters are limited.
const NUMBER: &str = "536-90-4399";

/// Things of each kind that can be changed, by the path that changes them.
struct Stored {
    app: App,
    admin: String,
    paths: Vec<(&'static str, String)>,
    _upstream: Raw,
}

async fn stored() -> Stored {
    let app = App::start().await;
    let admin = app.admin();
    let made = async |path: &str, body: Value| -> String {
        let reply = app.post(path, &admin, body).await;
        assert!(reply.status.is_success(), "{path} {:?}", reply.body);
        reply.json()["id"].as_str().unwrap().to_owned()
    };
    let resource = json!({ "resource": { "uri": "res://door", "name": "Door", "content": "x" } });
    let prompt = json!({ "prompt": { "name": "door", "template": "x", "arguments": [] } });
    let mut paths = vec![
        ("resource", format!("resources/{}", made("/v1/resources", resource).await)),
        ("prompt", format!("prompts/{}", made("/v1/prompts", prompt).await)),
        ("server", format!("servers/{}", made("/v1/servers", json!({ "server": { "name": "door" } })).await)),
    ];
    for (kind, theirs) in [("tool", "tools"), ("listed resource", "resources"), ("listed prompt", "prompts")]
    {
        let rows = app.get(&format!("/v1/{theirs}?limit=0"), &admin).await.expect(200);
        let row = rows.as_array().unwrap().iter().find(|row| row["gatewayId"].is_string()).unwrap().clone();
        paths.push((kind, format!("{theirs}/{}", row["id"].as_str().unwrap())));
    }
    let upstream = Raw::tools(r#"{"tools":[]}"#, "{}").await;
    let gateway = federation::register(&app, "upstream", &upstream.url).await;
    paths.push(("gateway", format!("gateways/{}", gateway["id"].as_str().unwrap())));
    Stored { app, admin, paths, _upstream: upstream }
}

/// What a body has to be wrapped in, and what it cannot be without.
fn body_of(kind: &str, member: &str, value: Value) -> Value {
    let mut inner = match kind {
        "resources" => json!({ "uri": "res://refused", "name": "Refused", "content": "x" }),
        "prompts" => json!({ "name": "refused", "template": "x", "arguments": [] }),
        "servers" => json!({ "name": "refused" }),
        _ => json!({ "name": "refused", "url": "http://127.0.0.1:9/mcp" }),
    };
    inner[member] = value;
    match kind {
        "gateways" => inner,
        plural => json!({ plural.trim_end_matches('s'): inner }),
    }
}

fn refused_for(reply: Reply, field: &str, family: &str) {
    let told = format!("{:?}", reply.body);
    let refusal = reply.expect(400);
    let violations = refusal["detail"]["violations"].as_array().unwrap_or_else(|| panic!("{field}: {told}"));
    let found = violations.iter().any(|violation| {
        violation["rule"].as_str().unwrap().starts_with(family)
            && violation["field"].as_str().unwrap().ends_with(field)
    });
    assert!(found, "{field} {family}: {told}");
    for value in ["jane", "document.cookie", NUMBER] {
        assert!(!told.contains(value), "9-16 {field}: {told}");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_at_every_door() {
    let Stored { app, admin, paths, _upstream } = stored().await;
    let tagged = json!([NUMBER]);
    let argument = json!([{ "name": "a", "description": MAIL }]);
    let new: [(&str, &str, Value, &str); 16] = [
        ("resources", "content", json!(SCRIPT), "xss/"),
        ("resources", "content", json!(MAIL), "pii/email"),
        ("resources", "name", json!(MAIL), "pii/email"),
        ("resources", "uri", json!("mailto:jane.roe@corp.io"), "pii/email"),
        ("resources", "description", json!(SCRIPT), "xss/"),
        ("resources", "tags", tagged.clone(), "pii/ssn"),
        ("prompts", "template", json!(SCRIPT), "xss/"),
        ("prompts", "template", json!(MAIL), "pii/email"),
        ("prompts", "name", json!(format!("p {NUMBER}")), "pii/ssn"),
        ("prompts", "description", json!(MAIL), "pii/email"),
        ("prompts", "arguments", argument, "pii/email"),
        ("servers", "name", json!(format!("s {NUMBER}")), "pii/ssn"),
        ("servers", "description", json!(SCRIPT), "xss/"),
        ("servers", "tags", tagged.clone(), "pii/ssn"),
        ("gateways", "description", json!(MAIL), "pii/email"),
        ("gateways", "tags", tagged.clone(), "pii/ssn"),
    ];
    for (kind, member, value, family) in new {
        for prefix in ["/v1", ""] {
            let body = body_of(kind, member, value.clone());
            refused_for(app.post(&format!("{prefix}/{kind}"), &admin, body).await, member, family);
        }
    }
    for (kind, path) in &paths {
        let name = if *kind == "tool" { "display_name" } else { "name" };
        for (member, value, family) in [
            ("description", json!(SCRIPT), "xss/"),
            ("description", json!(MAIL), "pii/email"),
            ("tags", tagged.clone(), "pii/ssn"),
            (name, json!(format!("n {NUMBER}")), "pii/ssn"),
        ] {
            let member = if (*kind, member) == ("listed prompt", "name") { "custom_name" } else { member };
            let reply =
                app.send("PUT", &format!("/v1/{path}"), &admin, Some(json!({ (member): value }))).await;
            refused_for(reply, member, family);
        }
        let now = app.get(&format!("/v1/{path}"), &admin).await;
        assert!(!String::from_utf8_lossy(&now.body).contains(NUMBER), "{kind} was changed");
    }
    let listed = app.get("/v1/admin/content-security/violations?limit=1000", &admin).await.expect(200);
    assert!(listed.as_array().unwrap().len() >= 60, "each of them is noted");
    for value in ["jane", "document.cookie", NUMBER] {
        assert!(!listed.to_string().contains(value), "9-16 {value}: {listed}");
    }
}

#[tokio::test]
async fn sizes_hold_at_every_door_that_takes_contents() {
    let Stored { app, admin, paths, _upstream } = stored().await;
    let large = |bytes: usize| json!("a".repeat(bytes));
    let doors = [
        ("POST", "resources".to_owned(), body_of("resources", "content", large(102_401)), (102_400, 102_401)),
        ("POST", "prompts".to_owned(), body_of("prompts", "template", large(10_241)), (10_240, 10_241)),
        ("PUT", paths[0].1.clone(), json!({ "content": large(102_401) }), (102_400, 102_401)),
        ("PUT", paths[1].1.clone(), json!({ "template": large(10_241) }), (10_240, 10_241)),
    ];
    for (method, path, body, (limit, actual)) in doors {
        for prefix in ["/v1", ""] {
            let reply = app.send(method, &format!("{prefix}/{path}"), &admin, Some(body.clone())).await;
            let refusal = reply.expect(413)["detail"].clone();
            assert_eq!((&refusal["max_size"], &refusal["actual_size"]), (&json!(limit), &json!(actual)));
        }
    }
    assert_eq!(app.get(&format!("/v1/{}", paths[0].1), &admin).await.expect(200)["text"], "x", "9-04");
}

#[tokio::test]
async fn mcp_has_no_method_that_stores() {
    let app = App::start().await;
    let admin = app.admin();
    for kind in ["resources", "prompts", "tools", "servers", "gateways"] {
        for verb in ["create", "register", "update", "add", "import", "bulk"] {
            let method = format!("{kind}/{verb}");
            for door in ["/mcp", "/rpc"] {
                let params =
                    json!({ "uri": "res://mcp", "name": "mcp", "content": SCRIPT, "template": SCRIPT });
                let answer = app.mcp(door, &admin, &method, params).await;
                assert_eq!(answer["error"]["code"], -32601, "{door} {method}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn programs_that_publish_a_server_are_read_like_people() {
    let app = App::with(&[("MCPGATEWAY_REVERSE_PROXY_ENABLED", "true")], &[]).await;
    let admin = app.admin();
    for server in [
        json!({ "name": format!("n {NUMBER}") }),
        json!({ "name": "Home", "description": SCRIPT }),
        json!({ "name": "Home", "description": MAIL }),
    ] {
        let mut client = Client::with(&app, "/reverse-proxy/ws", &admin).await.unwrap();
        client.send(&json!({ "type": "register", "server": server })).await;
        while let Ok(message) = client.next().await {
            let text = message.to_string();
            assert!(!text.contains("jane") && !text.contains("document.cookie"), "{text}");
        }
    }
    assert_eq!(app.get("/v1/gateways?include_inactive=true", &admin).await.expect(200), json!([]));
    let listed = app.get("/v1/admin/content-security/violations", &admin).await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
    assert!(!listed.to_string().contains(NUMBER), "{listed}");
}

#[tokio::test]
async fn contents_in_base64_are_read() {
    let lines = |text: &str| {
        let encoded = STANDARD.encode(text);
        encoded
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n")
            .collect()
    };
    let page: String = lines(&format!("Caf\u{e9}{} {SCRIPT}", " of words".repeat(3_000)));
    let mail: String = lines(&format!("Caf\u{e9} {MAIL}"));
    for desk in [Desk::open(&[]).await, Desk::open(&modes("moderate")).await] {
        for mime in ["application/octet-stream", "text/plain"] {
            assert!(desk.refuses_as(mime, &page, "xss/").await, "9-23 {mime}");
            assert!(desk.refuses_as(mime, &mail, "pii/email").await, "9-19 {mime}");
        }
        let picture: Vec<u8> =
            b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..9_000_u32).map(|n| (n * n % 251) as u8)).collect();
        assert!(!desk.refuses_as("image/png", &STANDARD.encode(picture), "").await, "a picture is none");
    }
}
