//! Layer 2, personal data: cases 9-05 to 9-19 of the test catalogue.

use std::process::Stdio;

use serde_json::json;

use super::{Desk, modes};
use crate::app::App;

/// What each mode refuses, with the number of the catalogue.
const PERSONAL: [(&str, &str, &str); 15] = [
    ("9-05", "pii/email", "Write to jane.roe@corp.io today."),
    ("9-06", "pii/ssn", "Her number is 536-90-4399."),
    ("9-07", "pii/credit_card", "Charge 4539 1488 0343 6467 please."),
    ("9-08", "pii/credit_card", "Maestro 676770000005."),
    ("9-08", "pii/credit_card", "Diners 36700102000000."),
    ("9-08", "pii/credit_card", "Amex 371144371144376."),
    ("9-08", "pii/credit_card", "JCB 180012345678905, 213112345678904."),
    ("9-09", "pii/phone", "Call +44 20 7123 4567 now."),
    ("9-10", "pii/ip_address", "It came from 8.8.4.4 on Monday."),
    ("9-11", "pii/ip_address", "At 2a00:1450:4001:81b::200e now."),
    ("9-15", "pii/credit_card", "４５３９ １４８８ ０３４３ ６４６７"),
    ("9-15", "pii/ssn", "Number 536\u{200b}-90-4399."),
    ("9-15", "pii/email", "jane\u{200b}.roe@corp.io"),
    ("9-11", "pii/ip_address", "Mapped ::ffff:8.8.4.4 here."),
    ("9-05", "pii/email", "<jane.roe@corp.io>"),
];

/// Kept for documentation, tests and private networks.
const RESERVED: [(&str, &str); 9] = [
    ("9-10", "Listen on 203.0.113.7."),
    ("9-11", "Like 2001:db8::1 here."),
    ("9-11", "Like ::ffff:10.0.0.1 here."),
    ("9-11", "Like fe80::1%eth0 here."),
    ("9-12", "Use version 1.2.3.4 of it."),
    ("9-09", "Call +44 20 7946 0958."),
    ("9-05", "Write to a@example.com."),
    ("9-06", "Never 078-05-1120."),
    ("9-07", "Test with 4111 1111 1111 1111."),
];

const NOTHING: [(&str, &str); 8] = [
    ("9-06", "Not 000-12-3456, 666-12-3456, 912-12-3456 or 123-00-4567."),
    ("9-07", "Not 4539 1488 0343 6468."),
    ("9-17", "Id 550e8400-e29b-41d4-a716-446655440000."),
    ("9-17", "Commit da39a3ee5e6b4b0d3255bfef95601890afd80709."),
    ("9-17", "At 1700000000000 or 2024-01-15T10:20:30Z."),
    ("9-17", "ISBN 978-3-16-148410-0."),
    ("9-17", "Serial 1234567812345678."),
    ("9-17", "Mac aa:bb:cc:dd:ee:ff at 12:30:45."),
];

#[tokio::test]
async fn strict_refuses_all_of_it_and_moderate_what_is_real() {
    let (strict, moderate) = (Desk::open(&[]).await, Desk::open(&modes("moderate")).await);
    for (number, rule, text) in PERSONAL {
        assert!(strict.refuses(text, rule).await, "{number} {text}");
        assert!(moderate.refuses(text, rule).await, "{number} {text}");
    }
    for (number, text) in RESERVED {
        assert!(strict.refuses(text, "pii/").await, "{number} {text}");
        assert!(!moderate.refuses(text, "pii/").await, "{number} {text}");
    }
    for (number, text) in NOTHING {
        assert!(!strict.refuses_as("text/markdown", text, "pii/").await, "{number} {text}");
    }
    let mail = "Write to jane.roe@corp.io today.";
    strict.prompt(mail).await.expect(400);
    let tools = strict.app.get("/v1/tools?limit=1", &strict.admin).await.expect(200);
    if let Some(id) = tools[0]["id"].as_str() {
        let change = json!({ "description": mail });
        strict.app.send("PUT", &format!("/v1/tools/{id}"), &strict.admin, Some(change)).await.expect(400);
    }
}

#[tokio::test]
async fn lenient_notes_every_finding_and_never_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = Stdio::from(std::fs::File::create(&path).unwrap());
    let desk = Desk::of(App::logging_to(log, &modes("lenient"), &[]).await);
    for (number, _, text) in PERSONAL {
        assert!(!desk.refuses(text, "pii/").await, "9-13 {number} {text}");
    }
    assert!(!desk.refuses("<script>alert(1)</script>", "xss/").await, "9-20");
    let written = async || std::fs::read_to_string(&path).unwrap();
    desk.app.until(async || written().await.contains("xss_script_element")).await;
    let text = written().await;
    for kind in ["pii_email", "pii_ssn", "pii_credit_card", "pii_phone", "pii_ip_address"] {
        assert!(text.contains(kind), "9-13 {kind}: {text}");
    }
    for value in
        ["jane", "corp.io", "536-90-4399", "4539 1488", "45391488", "7123 4567", "8.8.4.4", "alert(1)"]
    {
        assert!(!text.contains(value), "9-16 {value}: {text}");
    }
    let listed = desk.app.get("/v1/admin/content-security/violations", &desk.admin).await.expect(200);
    assert!(!listed.to_string().contains("corp.io"), "9-16 {listed}");
}

#[tokio::test]
async fn patterns_of_the_operator_count_and_have_to_be_linear() {
    let own = r#"["email", {"name": "badge", "regex": "EMP-\\d{6}"}]"#;
    let desk =
        Desk::open(&[("CONTENT_PII_PATTERNS", own), ("CONTENT_BLOCKED_PATTERNS", r#"["(a+)+$"]"#)]).await;
    assert!(desk.refuses("Badge EMP-123456.", "pii/badge").await, "9-14");
    assert!(!desk.refuses("Her number is 536-90-4399.", "pii/").await, "9-14: not asked for");
    let started = std::time::Instant::now();
    assert!(!desk.refuses(&format!("{}!", "a".repeat(100_000)), "custom/").await, "9-40");
    assert!(started.elapsed().as_secs() < 20, "9-40: {:?}", started.elapsed());
    let folder = tempfile::TempDir::new().unwrap();
    let vars = [("ENVIRONMENT", "production"), ("CONTENT_BLOCKED_PATTERNS", r#"["(a)\\1"]"#)];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = crate::app::command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("CONTENT_BLOCKED_PATTERNS[0]"), "9-40: {text}");
}
