//! What is kept and told of violations: the log, the audit chain, the list, the metrics.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{Desk, modes};
use crate::app::App;

const SCRIPT: &str = "<script>alert(document.cookie)</script>";
const LIST: &str = "/v1/admin/content-security/violations";

#[tokio::test]
async fn the_log_has_the_record_of_the_contract() {
    for (mode, action, status) in [("strict", "blocked", 400), ("lenient", "logged", 200)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Stdio::from(std::fs::File::create(&path).unwrap());
        let desk = Desk::of(App::logging_to(log, &modes(mode), &[]).await);
        let reply = desk.resource("text/plain", &format!("{SCRIPT} jane.roe@corp.io")).await;
        assert_eq!(reply.status.as_u16(), status);
        let request = reply.header("x-request-id").to_owned();
        let lines = async || -> Vec<Value> {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.filter(|line| line["violation_type"].is_string()).collect()
        };
        desk.app.until(async || lines().await.iter().any(|line| line["violation_type"] == "pii_email")).await;
        let lines = lines().await;
        for (kind, message) in
            [("xss_", "Content pattern violation detected"), ("pii_email", "Content PII violation detected")]
        {
            let line =
                lines.iter().find(|l| l["violation_type"].as_str().unwrap().starts_with(kind)).unwrap();
            assert_eq!((&line["level"], &line["message"]), (&json!("WARNING"), &json!(message)), "{line}");
            assert_eq!(
                (&line["user"], &line["action"]),
                (&json!("admin@*****.com"), &json!(action)),
                "{line}"
            );
            assert_eq!(line["validation_mode"], mode, "{line}");
            assert!(!request.is_empty() && line["correlation_id"] == *request, "{request:?} {line}");
            let at = line["timestamp"].as_str().unwrap();
            assert!(at.starts_with("20") && at.contains('T') && at.ends_with('Z'), "{line}");
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for value in ["document.cookie", "jane.roe", "admin@example.com"] {
            assert!(!lines.iter().any(|line| line.to_string().contains(value)), "9-16 {value}: {text}");
        }
    }
}

#[tokio::test]
async fn a_violation_is_in_the_audit_chain() {
    let desk = Desk::open(&[]).await;
    let reply = desk.prompt(SCRIPT).await;
    let request = reply.header("x-request-id").to_owned();
    reply.expect(400);
    let large = desk.prompt(&"a".repeat(10_241)).await;
    large.expect(413);
    let rows = desk.app.get("/api/logs/audit-trails?limit=200", &desk.admin).await.expect(200);
    let rows = rows.as_array().unwrap();
    let mut noted = rows.iter().filter(|row| row["action"] == "content.violation");
    let (size, script) = (noted.next().unwrap(), noted.next().unwrap());
    assert!(noted.next().is_none(), "one record for each submission");
    assert!(size.to_string().contains("Content size violation detected"), "{size}");
    let told = script.to_string();
    for part in
        ["Content pattern violation detected", "xss_", "strict", "blocked", &request, "\"success\":false"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("document.cookie"), "9-16 {told}");
}

#[tokio::test]
async fn violations_are_listed_in_pages_for_those_who_may() {
    let desk = Desk::open(&[]).await;
    for _ in 0..5 {
        desk.resource("text/plain", SCRIPT).await.expect(400);
    }
    let page = async |query: &str| -> Vec<Value> {
        let reply = desk.app.get(&format!("{LIST}?{query}"), &desk.admin).await.expect(200);
        reply.as_array().unwrap().clone()
    };
    let all = page("").await;
    let number = |row: &Value| row["id"].as_str().unwrap().parse::<i64>().unwrap();
    assert!(all.len() == 5 && all.is_sorted_by(|one, next| number(one) > number(next)), "newest first");
    let mut seen = page("limit=2").await;
    while let Some(last) = seen.last().map(number) {
        let more = page(&format!("limit=2&before={last}")).await;
        assert!(more.len() <= 2);
        if more.is_empty() {
            break;
        }
        seen.extend(more);
    }
    assert_eq!(seen, all);
    for wrong in ["limit=x", "before=y", "offset=2"] {
        desk.app.get(&format!("{LIST}?{wrong}"), &desk.admin).await.expect(422);
    }
    assert_eq!(page("limit=100000").await.len(), 5);
    let bob = desk.app.user("bob@example.com").await;
    desk.app.get(LIST, &bob).await.refused();
    desk.app.get(LIST, "").await.expect(401);
    desk.app.get("/admin/content-security/violations", &bob).await.refused();
    desk.app.get("/admin/content-security/violations", &desk.admin).await.expect(200);
}

#[tokio::test]
async fn metrics_count_by_family_and_action() {
    let desk = Desk::open(&[("CONTENT_PII_VALIDATION_MODE", "lenient")]).await;
    for (text, status) in [
        (SCRIPT, 400),
        ("x; rm -rf /", 400),
        ("1' OR '1'='1", 400),
        ("Data: {{ config.secret_key }}", 400),
        ("Write to jane.roe@corp.io today.", 200),
    ] {
        assert_eq!(desk.resource("text/plain", text).await.status.as_u16(), status, "{text}");
    }
    desk.resource("text/plain", &"a".repeat(102_401)).await.expect(413);
    let metrics = desk.app.get("/metrics/prometheus", &desk.admin).await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    for (action, family) in [
        ("blocked", "xss"),
        ("blocked", "command"),
        ("blocked", "sql"),
        ("blocked", "template"),
        ("blocked", "size"),
        ("logged", "pii"),
    ] {
        let line =
            format!(r#"contextforge_content_violations_total{{action="{action}",family="{family}"}} "#);
        let count = text.lines().find_map(|row| row.strip_prefix(&*line)).map(str::parse::<f64>);
        assert!(count.is_some_and(|count| count.unwrap() >= 1.0), "{line}: {text}");
    }
}
