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
