//! Three modes that differ, and options that are wrong.

use super::{SCRIPT, register};
use crate::app::{App, command};

#[tokio::test]
async fn lenient_stores_and_notes() {
    let vars = [("CONTENT_PATTERN_VALIDATION_MODE", "lenient"), ("CONTENT_PII_VALIDATION_MODE", "lenient")];
    let app = App::with(&vars, &["--demo"]).await;
    let admin = app.admin();
    register(&app, &admin, "res://a", &format!("{SCRIPT} 536-22-8841")).await.expect(200);
    let listed = app.get("/v1/admin/content-security/violations", &admin).await.expect(200);
    let kinds = listed[0]["violations"].as_array().unwrap();
    assert!(kinds.iter().all(|kind| kind["action"] == "logged"), "{listed}");
    assert!(kinds.iter().any(|kind| kind["violation_type"] == "pii_ssn"), "{listed}");
}

#[tokio::test]
async fn moderate_lets_documentation_pass_that_strict_refuses() {
    let text = "Write to help@example.com.";
    let strict = App::start().await;
    register(&strict, &strict.admin(), "res://a", text).await.expect(400);
    let moderate = App::with(&[("CONTENT_PII_VALIDATION_MODE", "moderate")], &["--demo"]).await;
    register(&moderate, &moderate.admin(), "res://a", text).await.expect(200);
    register(&moderate, &moderate.admin(), "res://b", "jane.roe@corp-mail.com").await.expect(400);
}

#[tokio::test]
async fn layers_are_switched_off_one_by_one() {
    let vars = [("CONTENT_PATTERN_DETECTION_ENABLED", "false")];
    let app = App::with(&vars, &["--demo"]).await;
    let admin = app.admin();
    register(&app, &admin, "res://a", SCRIPT).await.expect(200);
    register(&app, &admin, "res://b", "536-22-8841").await.expect(400);
}

#[tokio::test]
async fn sizes_have_ranges_and_modes_have_words() {
    let folder = tempfile::TempDir::new().unwrap();
    let vars = [("CONTENT_MAX_PROMPT_SIZE", "100"), ("CONTENT_PII_VALIDATION_MODE", "hard")];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = command(folder.path(), &vars).args(["config", "check"]).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && text.contains("CONTENT_PII_VALIDATION_MODE"), "{text}");
}
