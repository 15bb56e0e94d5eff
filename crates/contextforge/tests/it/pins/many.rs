//! Many decisions in one request, and whose rules definitions are read with.

use serde_json::{Value, json};

use super::{Upstream, audited, description, pin, tool};
use crate::{app::App, federation::register};

const SCRIPT: &str = "Adds numbers. <script>alert(1)</script>";

#[tokio::test]
async fn many_decisions_are_made_each_for_itself() {
    let app = App::with(&[], &[]).await;
    let tools = |text: &str| ["a", "b", "c"].map(|name| tool(name, &format!("{text} {name}."))).to_vec();
    let upstream = Upstream::start(tools("Adds")).await;
    let gateway = register(&app, "g", &upstream.raw.url).await;
    upstream.say(&app, &gateway, tools("Multiplies")).await;
    let (a, b, c) = (pin(&app, "g-a").await, pin(&app, "g-b").await, pin(&app, "g-c").await);
    let decision = |pin: &Value, fingerprint: &Value, verb: &str| json!({ "tool_id": pin["tool_id"], "fingerprint": fingerprint, "decision": verb });
    let missing = json!({ "tool_id": "0".repeat(32), "fingerprint": "f", "decision": "approve" });
    let body = json!({ "decisions": [
        decision(&a, &a["offered_fingerprint"], "approve"),
        decision(&b, &b["offered_fingerprint"], "reject"),
        decision(&c, &a["offered_fingerprint"], "approve"),
        missing,
    ]});
    let path = "/v1/tools/pins/decisions";
    let done = app.post(path, &app.admin(), body.clone()).await.expect(200);
    let statuses: Vec<_> = done["results"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [&json!(200), &json!(200), &json!(409), &json!(404)], "{done}");
    assert_eq!((&done["decided"], &done["failed"]), (&json!(2), &json!(2)));
    assert_eq!(description(&app, "g-a").await.as_deref(), Some("Multiplies a."));
    assert_eq!(description(&app, "g-b").await.as_deref(), Some("Adds b."));
    assert_eq!(pin(&app, "g-c").await["state"], "changed", "nobody approved what they did not look at");
    assert_eq!((audited(&app, "tool.approve").await.len(), audited(&app, "tool.reject").await.len()), (1, 1));
    let refused = app.post(path, &app.user("ann@example.com").await, body).await.expect(200);
    let statuses: Vec<_> = refused["results"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [&json!(403), &json!(403), &json!(403), &json!(404)], "{refused}");
    app.post(path, &app.admin(), json!({ "decisions": [] })).await.expect(422);
    let many = vec![decision(&c, &c["offered_fingerprint"], "approve"); 101];
    app.post(path, &app.admin(), json!({ "decisions": many })).await.expect(422);
}

#[tokio::test]
async fn everything_of_a_gateway_is_decided_at_once() {
    let app = App::with(&[], &[]).await;
    let tools = |text: &str| ["a", "b", "c"].map(|name| tool(name, &format!("{text} {name}."))).to_vec();
    let (one, other) = (Upstream::start(tools("Adds")).await, Upstream::start(tools("Adds")).await);
    let gateway = register(&app, "g", &one.raw.url).await;
    let beside = register(&app, "h", &other.raw.url).await;
    let mut changed = tools("Multiplies");
    changed[2] = tool("c", SCRIPT);
    one.say(&app, &gateway, changed.clone()).await;
    other.say(&app, &beside, tools("Multiplies")).await;
    let path = "/v1/tools/pins/decisions";
    let looked = pin(&app, "g-b").await["seen_at"].clone();
    let all = |verb: &str, until: &Value| json!({ "gateway_id": gateway["id"], "decision": verb, "seen_until": until });
    for (wrong, field) in [
        (json!({ "gateway_id": gateway["id"], "decision": "approve" }), "seen_until"),
        (json!({ "gateway_id": gateway["id"], "seen_until": looked }), "decision"),
        (json!({ "decision": "approve", "seen_until": looked }), "gateway_id"),
    ] {
        let told = app.post(path, &app.admin(), wrong).await.expect(422);
        assert!(told["detail"][0]["loc"].to_string().contains(field), "{told}");
    }
    let missing = json!({ "gateway_id": "0".repeat(32), "decision": "approve", "seen_until": looked });
    app.post(path, &app.admin(), missing).await.expect(404);
    app.post(path, &app.user("ann@example.com").await, all("approve", &looked)).await.expect(403);
    let nothing =
        app.post(path, &app.admin(), all("approve", &json!("2020-01-01T00:00:00Z"))).await.expect(200);
    assert_eq!((&nothing["decided"], &nothing["later"]), (&json!(0), &json!(2)), "{nothing}");

    let done = app.post(path, &app.admin(), all("approve", &looked)).await.expect(200);
    assert_eq!((&done["decided"], &done["later"]), (&json!(2), &json!(0)), "{done}");
    assert_eq!(description(&app, "g-a").await.as_deref(), Some("Multiplies a."));
    assert_eq!(description(&app, "g-b").await.as_deref(), Some("Multiplies b."));
    assert_eq!(pin(&app, "g-c").await["state"], "quarantined", "what deceives is asked for by name");
    assert_eq!(description(&app, "h-a").await.as_deref(), Some("Adds a."), "another gateway's");
    assert_eq!(audited(&app, "tool.approve").await.len(), 2, "one record for each");

    // What comes in after somebody looked is not decided about.
    changed[0] = tool("a", "Divides a.");
    one.say(&app, &gateway, changed).await;
    let late = app.post(path, &app.admin(), all("reject", &looked)).await.expect(200);
    assert_eq!((&late["decided"], &late["later"]), (&json!(0), &json!(1)), "{late}");
    let now = pin(&app, "g-a").await["seen_at"].clone();
    let mut rest = all("reject", &now);
    rest["states"] = json!(["changed", "quarantined"]);
    assert_eq!(app.post(path, &app.admin(), rest).await.expect(200)["decided"], 2);
    assert_eq!(description(&app, "g-a").await.as_deref(), Some("Multiplies a."));
    assert_eq!(
        description(&app, "g-c").await.as_deref(),
        Some("Adds c."),
        "what was approved is served again"
    );
    assert_eq!(audited(&app, "tool.reject").await.len(), 2);
}

#[tokio::test]
async fn definitions_are_read_with_the_rules_of_the_operator() {
    for (vars, held) in [
        (&[][..], true),
        (&[("CONTENT_PATTERN_VALIDATION_MODE", "lenient")][..], false),
        (&[("CONTENT_PATTERN_ALLOWLIST", "xss/script_element,xss/call")][..], false),
        (&[("CONTENT_BLOCKED_PATTERNS", "[\"adds numbers\"]")][..], true),
    ] {
        let app = App::with(vars, &[]).await;
        let harmless = vars.iter().any(|(name, _)| *name == "CONTENT_BLOCKED_PATTERNS");
        let text = if harmless { "Adds numbers." } else { SCRIPT };
        let upstream = Upstream::start(vec![tool("add", text)]).await;
        register(&app, "g", &upstream.raw.url).await;
        let pin = pin(&app, "g-add").await;
        assert_eq!(pin["held"], held, "{vars:?} {pin}");
        assert!(!pin["findings"].as_array().unwrap().is_empty() || !held, "{pin}");
    }
}
