//! What the demonstration server lists. Data only; the answers are in `tools` and `texts`.

use serde_json::{Value, json};

/// The prompt's name.
pub(super) const GREET: &str = "greet";
/// A text resource.
pub(super) const ABOUT: &str = "demo://about";
/// A binary resource.
pub(super) const PIXEL: &str = "demo://pixel";
/// The template of generated resources.
pub(super) const ITEM: &str = "demo://item/{id}";
/// What comes before the id in a URI of [`ITEM`].
pub(super) const ITEM_PREFIX: &str = "demo://item/";

/// The server's `capabilities`. Nothing in it ever changes, so there is no `listChanged`.
pub(super) fn capabilities() -> Value {
    json!({"tools": {}, "prompts": {}, "resources": {}, "completions": {}})
}

/// The server's `serverInfo`.
pub(super) fn server_info() -> Value {
    json!({"name": "contextforge-demo", "title": "ContextForge demonstration", "version": env!("CARGO_PKG_VERSION")})
}

/// The server's `instructions`.
pub(super) const INSTRUCTIONS: &str =
    "A demonstration server inside the gateway: the time, an echo, and one tool for each kind of content.";

/// The tools.
pub(super) fn tools() -> Vec<Value> {
    let nothing = || json!({"type": "object", "properties": {}, "additionalProperties": false});
    let text = |description: &str| {
        json!({"type": "object", "properties": {"text": {"type": "string", "description": description}},
            "required": ["text"], "additionalProperties": false})
    };
    vec![
        get_time(),
        tool("echo", "Echo", "Gives back the text that it gets.", &text("What to give back.")),
        tool("image", "Image", "Gives an image: a blue PNG of 4 by 4 pixels.", &nothing()),
        tool("audio", "Audio", "Gives audio: a WAV of a hundredth of a second.", &nothing()),
        tool("resource", "Embedded resource", "Gives a text resource inside its result.", &nothing()),
        tool("link", "Resource link", "Gives a link to a resource of this server.", &nothing()),
        tool("mixed", "Mixed content", "Gives one of each kind of content in one result.", &nothing()),
        tool("fail", "Failure", "Fails, with the reason in its result.", &text("The reason to fail with.")),
        slow_count(),
    ]
}

fn tool(name: &str, title: &str, description: &str, input: &Value) -> Value {
    json!({
        "name": name, "title": title, "description": description, "inputSchema": input,
        "annotations": {"readOnlyHint": true, "openWorldHint": false},
    })
}

fn get_time() -> Value {
    let input = json!({
        "type": "object",
        "properties": {"timezone": {"type": "string", "default": "UTC",
            "description": "UTC, or an offset from it such as +02:00."}},
        "additionalProperties": false,
    });
    let mut tool = tool("get_time", "Time", "Tells the current time.", &input);
    let output = json!({
        "type": "object",
        "properties": {
            "time": {"type": "string", "format": "date-time", "description": "The time in ISO 8601."},
            "timezone": {"type": "string", "description": "UTC, or the offset from it."},
            "unixSeconds": {"type": "integer", "description": "Seconds since 1970-01-01 UTC."},
        },
        "required": ["time", "timezone", "unixSeconds"],
        "additionalProperties": false,
    });
    insert(&mut tool, "outputSchema", output);
    tool
}

fn slow_count() -> Value {
    let input = json!({
        "type": "object",
        "properties": {
            "steps": {"type": "integer", "minimum": 1, "maximum": 100, "default": 3,
                "description": "How far to count."},
            "delayMs": {"type": "integer", "minimum": 0, "maximum": 5000, "default": 200,
                "description": "Milliseconds before each number."},
        },
        "additionalProperties": false,
    });
    tool("slow_count", "Slow count", "Counts slowly and reports its progress.", &input)
}

/// The prompts.
pub(super) fn prompts() -> Vec<Value> {
    vec![json!({
        "name": GREET, "title": "Greeting", "description": "Asks for a greeting to somebody.",
        "arguments": [{"name": "name", "title": "Name", "description": "Whom to greet.", "required": true}],
    })]
}

/// The resources.
pub(super) fn resources() -> Vec<Value> {
    vec![
        json!({"uri": ABOUT, "name": "about", "title": "About", "description": "What this server is.",
            "mimeType": "text/plain", "size": super::texts::ABOUT_TEXT.len()}),
        json!({"uri": PIXEL, "name": "pixel", "title": "Pixel", "description": "A blue PNG of 4 by 4 pixels.",
            "mimeType": "image/png"}),
    ]
}

/// The resource templates.
pub(super) fn templates() -> Vec<Value> {
    vec![json!({"uriTemplate": ITEM, "name": "item", "title": "Item",
        "description": "A generated item; the id is 1 to 64 letters, digits, '-' or '_'.",
        "mimeType": "application/json"})]
}

/// Sets a member of a value that is known to be an object.
pub(super) fn insert(value: &mut Value, key: &str, member: Value) {
    if let Value::Object(members) = value {
        members.insert(key.to_owned(), member);
    }
}
