//! Folders of data that are not whole.

use std::{fs, path::Path};

use super::{super::data::Data, as_object, rates, summary, table};

/// One row of each set.
const SETS: [(&str, &str); 9] = [
    (
        "attacks_crs",
        r#"{"id":"1","cat":"942","rule":"r","pl":1,"label":"pos","payload":"1' or '1'='1","complete":true}"#,
    ),
    ("attacks_libinjection", r#"{"family":"sqli","payload":"1' or '1'='1' -- "}"#),
    ("attacks_payloadbox_xss", r#"{"payload":"<script>alert(1)</script>"}"#),
    (
        "benign_tools",
        r#"{"id":"1","description":"Adds.","json":"{\"name\":\"add\",\"description\":\"Adds.\"}"}"#,
    ),
    ("benign_docs", r##"{"src":"mcp-spec","path":"a.md","mime":"text/markdown","text":"# A\n\nText."}"##),
    ("pii_presidio", r#"{"id":1,"text":"Mail jane.roe@corp.io.","spans":[["EMAIL_ADDRESS",5,21]]}"#),
    ("email_isemail", r#"{"address":"a@b.co","category":"ISEMAIL_VALID_CATEGORY","diagnosis":"x"}"#),
    ("prompt_injection", r#"{"label":"benign","text":"Adds.","lang":"en","channel":"x"}"#),
    ("tool_poisoning", r#"{"description":"Adds."}"#),
];

/// What a set is needed for.
const NEEDED: [(&str, &[&str]); 9] = [
    ("attacks_crs", &["P3-crs"]),
    ("attacks_libinjection", &["P3"]),
    ("attacks_payloadbox_xss", &["P2"]),
    ("benign_tools", &["P7", "P7-json", "I6-tools", "T3-benign"]),
    ("benign_docs", &["P8", "P8-strict", "P8-moderate", "I6-mcp"]),
    ("pii_presidio", &["I1", "I1-recall", "I1-precision"]),
    ("email_isemail", &["I5"]),
    ("prompt_injection", &["T4-benign"]),
    ("tool_poisoning", &["T3"]),
];

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(format!("{name}.jsonl")), text).unwrap();
}

fn whole() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, row) in SETS {
        write(folder.path(), name, &format!("{row}\n\n{row}\n"));
    }
    folder
}

fn bars(folder: &Path) -> (serde_json::Value, String) {
    let entries = summary::with(rates(&Data::read(folder).unwrap()).unwrap());
    (as_object(&entries), table(&entries))
}

#[test]
fn what_is_not_there_has_no_verdict() {
    let folder = whole();
    let (all, _) = bars(folder.path());
    assert_eq!(all["P2"], serde_json::json!({ "value": 100.0, "n": 2, "bar": 99.0, "ok": true }));
    for (number, (name, ids)) in NEEDED.iter().enumerate() {
        let empty = number % 2 == 0;
        let path = folder.path().join(format!("{name}.jsonl"));
        let kept = fs::read(&path).unwrap();
        if empty {
            fs::write(&path, "").unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let (without, shown) = bars(folder.path());
        fs::write(&path, kept).unwrap();
        for id in *ids {
            assert!(all[id]["n"].as_u64().is_some_and(|n| n > 0), "{name} {id}: {}", all[id]);
            let entry = &without[id];
            assert_eq!(entry["n"], 0, "{name} {id}: {entry}");
            assert!(entry["value"].is_null() && entry["ok"].is_null(), "{name} {id}: {entry}");
            let line = shown.lines().find(|line| line.split(' ').next() == Some(id)).unwrap();
            assert!(line.ends_with("absent"), "{line:?}");
        }
        let members =
            |bars: &serde_json::Value| bars.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(members(&without), members(&all), "{name}: an entry is missing");
    }
}

#[test]
fn an_empty_folder_has_the_bars_that_need_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let (bars, _) = bars(folder.path());
    for (id, entry) in bars.as_object().unwrap() {
        let own = ["P1", "P1-allowed", "I8", "T1", "T2", "T5"].contains(&&**id);
        assert_eq!(entry["ok"].is_boolean(), own, "{id}: {entry}");
        assert_eq!(entry.as_object().unwrap().len(), 4, "{id}: {entry}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let folder = whole();
    let said = |folder: &Path| format!("{:#}", Data::read(folder).unwrap_err());
    write(folder.path(), "benign_docs", &format!("{}\n{{\"src\": 1}}\n", SETS[4].1));
    let text = said(folder.path());
    assert!(text.contains("benign_docs.jsonl, line 2") && text.contains("not a row"), "{text}");
    fs::write(folder.path().join("benign_docs.jsonl"), [0xff, 0xfe, b'\n']).unwrap();
    assert!(said(folder.path()).contains("not text in UTF-8"));
    fs::write(folder.path().join("benign_docs.jsonl.gz"), "no gzip").unwrap();
    assert!(said(folder.path()).contains("not a whole gzip file"), "{}", said(folder.path()));
    fs::write(folder.path().join("benign_docs.jsonl.gz"), "").unwrap();
    assert!(Data::read(folder.path()).unwrap().documents.is_empty(), "an empty file is an empty set");
    assert!(said(&folder.path().join("gone")).contains("there is no folder"));
}
