//! `contextforge content scan`.

use std::fs;

use serde_json::Value;

use super::{CLEAN, SCRIPT};
use crate::app::command;

#[tokio::test]
async fn files_are_read_as_the_gateway_would_and_the_exit_code_says_so() {
    let folder = tempfile::TempDir::new().unwrap();
    let (good, bad) = (folder.path().join("good.md"), folder.path().join("bad.html"));
    fs::write(&good, CLEAN).unwrap();
    fs::write(&bad, format!("line\n  {SCRIPT}")).unwrap();
    let run = async |files: &[&std::path::Path], json: bool| {
        let mut scan = command(folder.path(), &[]);
        scan.args(["content", "scan"]).args(files).args(json.then_some("--json"));
        scan.output().await.unwrap()
    };
    assert_eq!(run(&[&good], false).await.status.code(), Some(0));
    let output = run(&[&good, &bad], false).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("bad.html:2:") && text.contains("xss/"), "{text}");
    assert!(!text.contains("document.cookie"), "{text}");
    let report: Value = serde_json::from_slice(&run(&[&good, &bad], true).await.stdout).unwrap();
    assert_eq!((&report["ok"], &report["files"][0]["action"]), (&Value::Bool(false), &"allowed".into()));
    assert_eq!(report["files"][1]["findings"][0]["line"], 2, "{report}");
}
