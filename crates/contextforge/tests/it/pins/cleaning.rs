//! What tools answer, cleaned of what a reader does not see where the operator wants it.

use serde_json::{Value, json};

use super::tool;
use crate::{
    app::App,
    federation::{call, raw::Raw, register, text},
};

const HIDDEN: &str = "red \u{1b}[31mtext\u{1b}[0m and \u{200b}zero\u{e0041}\u{202e}\twidth 👩‍💻";

async fn said(vars: &[(&str, &str)]) -> Value {
    let app = App::with(vars, &[]).await;
    let upstream = Raw::serve(move |seen| match seen.method().as_str() {
        "tools/list" => Some(json!({ "tools": [tool("say", "Says it.")] }).to_string()),
        "tools/call" => Some(json!({ "content": [{ "type": "text", "text": HIDDEN }] }).to_string()),
        _ => None,
    })
    .await;
    register(&app, "g", &upstream.url).await;
    call(&app, "g-say", json!({})).await
}

#[tokio::test]
async fn answers_are_cleaned_when_it_is_asked_for() {
    assert_eq!(text(&said(&[]).await), HIDDEN, "off by default: an answer is what the upstream said");
    let cleaned = said(&[("CONTENT_CLEAN_RESULTS", "true")]).await;
    assert_eq!(text(&cleaned), "red text and zero\twidth 👩‍💻");
}
