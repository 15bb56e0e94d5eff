//! The demonstration server's prompt, resources and completions.

use serde_json::{Value, json};

use super::{catalogue, tools};

/// The text of `demo://about`.
pub(super) const ABOUT_TEXT: &str = "This is the demonstration server of ContextForge. It runs inside the gateway \
    and needs nothing else: call its tools to see each kind of content arrive.\n";

/// Names that the completion of the prompt's argument knows.
const NAMES: &[&str] = &["Ada", "Alan", "Barbara", "Dennis", "Edsger", "Grace", "Katherine", "Margaret"];

/// The result of `prompts/get` for `greet`.
pub(super) fn greet(name: &str) -> Value {
    json!({
        "description": "Asks for a greeting to somebody.",
        "messages": [{"role": "user", "content": {"type": "text", "text": format!("Please greet {name} warmly.")}}],
    })
}

/// The result of `resources/read`; `None` where there is no such resource.
pub(super) fn read(uri: &str) -> Option<Value> {
    let contents = match uri {
        catalogue::ABOUT => json!({"uri": uri, "mimeType": "text/plain", "text": ABOUT_TEXT}),
        catalogue::PIXEL => json!({"uri": uri, "mimeType": "image/png", "blob": tools::PNG}),
        _ => {
            let id = uri.strip_prefix(catalogue::ITEM_PREFIX).filter(|id| is_item(id))?;
            let text = json!({"id": id, "title": format!("Item {id}")}).to_string();
            json!({"uri": uri, "mimeType": "application/json", "text": text})
        }
    };
    Some(json!({"contents": [contents]}))
}

fn is_item(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The result of `completion/complete` for the prompt's argument or the template's variable.
pub(super) fn complete(known: &Completed, prefix: &str) -> Value {
    let prefix = prefix.to_lowercase();
    let words: Vec<String> = match known {
        Completed::Name => NAMES.iter().map(|name| (*name).to_owned()).collect(),
        Completed::Item => (1..=20).map(|id: u8| id.to_string()).collect(),
    };
    let values: Vec<_> = words.into_iter().filter(|word| word.to_lowercase().starts_with(&prefix)).collect();
    json!({"completion": {"total": values.len(), "hasMore": false, "values": values}})
}

/// What can be completed.
pub(super) enum Completed {
    /// The prompt's argument.
    Name,
    /// The template's variable.
    Item,
}
