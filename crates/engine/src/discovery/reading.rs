//! What an upstream lists, read without changing a byte of it, and what of it is not taken over.
//!
//! A definition is stored as the text that the upstream sent. What is left out is named with the reason, so that
//! nobody has to guess why a tool is missing; one bad tool never hides the others.

use std::collections::BTreeSet;

use protocol::json::RawObject;
use serde_json::value::RawValue;

use crate::resolve::templates::has_scheme;

/// The largest definition that is taken over.
pub(crate) const LARGEST_DEFINITION: usize = 256 * 1024;

const LONGEST_URI: usize = 2048;

/// A tool or prompt in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundNamed {
    /// The upstream's name.
    pub(crate) name: String,
    /// The upstream's title.
    pub(crate) title: Option<String>,
    /// The upstream's description.
    pub(crate) description: Option<String>,
    /// The upstream's object.
    pub(crate) definition: String,
}

/// A resource or resource template in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundResource {
    /// The URI or the URI template.
    pub(crate) uri: String,
    /// Whether it is a template.
    pub(crate) template: bool,
    /// The name; the URI where there is none.
    pub(crate) name: String,
    /// The description.
    pub(crate) description: Option<String>,
    /// The media type.
    pub(crate) mime_type: Option<String>,
    /// The size in bytes.
    pub(crate) size: Option<i64>,
    /// The upstream's object.
    pub(crate) definition: String,
}

/// A listing that was read.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    /// What is taken over.
    pub(crate) items: Vec<T>,
    /// `name: reason` for everything else.
    pub(crate) skipped: Vec<String>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: Vec::new(), skipped: Vec::new() }
    }
}

/// Reads a listing of tools.
pub(crate) fn tools(raw: &[Box<RawValue>]) -> Listed<FoundNamed> {
    read(raw, "tool", |object| {
        let found = named(object)?;
        if !is_tool_name(&found.0) {
            let rule =
                "the name must be 1 to 128 letters, digits, '_', '.', '-' or '/', not starting with a sign";
            return Err((found.0, rule.to_owned()));
        }
        match input_schema(object).and_then(|schema| protocol::headers::declared(schema).map(|_| ())) {
            Ok(()) => Ok(found),
            Err(reason) => Err((found.0, reason)),
        }
    })
}

/// Reads a listing of prompts.
pub(crate) fn prompts(raw: &[Box<RawValue>]) -> Listed<FoundNamed> {
    read(raw, "prompt", |object| {
        let found = named(object)?;
        let length = found.0.chars().count();
        if length > 255 || found.0.chars().any(char::is_control) {
            return Err((
                found.0,
                "the name must be at most 255 characters without control characters".to_owned(),
            ));
        }
        Ok(found)
    })
}

type Named = (String, Option<String>, Option<String>);

fn named(object: &RawObject<'_>) -> Result<Named, (String, String)> {
    let name = object.text("name").map(std::borrow::Cow::into_owned).filter(|name| !name.trim().is_empty());
    let Some(name) = name else { return Err((String::new(), "it has no name".to_owned())) };
    Ok((name, optional(object, "title"), optional(object, "description")))
}

fn read(
    raw: &[Box<RawValue>],
    kind: &str,
    take: impl Fn(&RawObject<'_>) -> Result<Named, (String, String)>,
) -> Listed<FoundNamed> {
    let mut listed = Listed::default();
    let mut seen = BTreeSet::new();
    for (at, value) in raw.iter().enumerate() {
        let outcome =
            object(value).map_err(|reason| (String::new(), reason)).and_then(|object| take(&object));
        match outcome {
            Ok((name, title, description)) => {
                if seen.insert(name.clone()) {
                    let definition = value.get().to_owned();
                    listed.items.push(FoundNamed { name, title, description, definition });
                } else {
                    listed.skipped.push(format!("{}: it is listed twice; the first counts", shown(&name)));
                }
            }
            Err((name, reason)) if name.is_empty() => {
                listed.skipped.push(format!("{kind} {}: {reason}", at + 1));
            }
            Err((name, reason)) => listed.skipped.push(format!("{}: {reason}", shown(&name))),
        }
    }
    listed
}

/// Reads a listing of resources, or of resource templates.
pub(crate) fn resources(raw: &[Box<RawValue>], template: bool) -> Listed<FoundResource> {
    let key = if template { "uriTemplate" } else { "uri" };
    let mut listed = Listed::default();
    let mut seen = BTreeSet::new();
    for (at, value) in raw.iter().enumerate() {
        match object(value).and_then(|object| resource(&object, key, template, value.get())) {
            Ok(found) if seen.insert(found.uri.clone()) => listed.items.push(found),
            Ok(found) => {
                listed.skipped.push(format!("{}: it is listed twice; the first counts", shown(&found.uri)));
            }
            Err(reason) => listed.skipped.push(format!("resource {}: {reason}", at + 1)),
        }
    }
    listed
}

fn resource(object: &RawObject<'_>, key: &str, template: bool, text: &str) -> Result<FoundResource, String> {
    let uri = optional(object, key).ok_or_else(|| format!("it has no {key}"))?;
    if uri.is_empty() || uri.len() > LONGEST_URI || uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!(
            "its {key} must be 1 to {LONGEST_URI} bytes without blanks or control characters"
        ));
    }
    if template && !has_scheme(&uri) {
        // It could stand for what other upstreams have.
        return Err(format!("its {key} must begin with the scheme of its URIs, for example docs://"));
    }
    Ok(FoundResource {
        template,
        name: optional(object, "name").filter(|name| !name.is_empty()).unwrap_or_else(|| uri.clone()),
        description: optional(object, "description"),
        mime_type: optional(object, "mimeType"),
        size: object.get("size").and_then(|size| serde_json::from_str(size.get()).ok()),
        definition: text.to_owned(),
        uri,
    })
}

fn object(value: &RawValue) -> Result<RawObject<'_>, String> {
    if value.get().len() > LARGEST_DEFINITION {
        return Err(format!("its definition is larger than {} KiB", LARGEST_DEFINITION / 1024));
    }
    RawObject::parse(value).map_err(|error| error.to_string())
}

/// A schema that clients can work with: an object whose `type` is `object`. SDK clients refuse the whole listing
/// where one tool has another.
fn input_schema<'a>(tool: &'a RawObject<'_>) -> Result<&'a RawValue, String> {
    let schema = tool.get("inputSchema").ok_or("it has no inputSchema")?;
    let object = RawObject::parse(schema).map_err(|error| format!("its inputSchema: {error}"))?;
    if object.text("type").as_deref() == Some("object") {
        Ok(schema)
    } else {
        Err("its inputSchema must have \"type\": \"object\"".to_owned())
    }
}

/// `^[a-zA-Z0-9_][a-zA-Z0-9._/-]*$`, at most 128.
fn is_tool_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.len() <= 128
        && name.starts_with(first)
        && name.chars().all(|c| first(c) || matches!(c, '.' | '/' | '-'))
}

fn optional(object: &RawObject<'_>, key: &str) -> Option<String> {
    object.text(key).map(std::borrow::Cow::into_owned)
}

/// Upstream text in a note: short, and without control characters that could forge log lines.
fn shown(text: &str) -> String {
    text.chars().take(128).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(texts: &[&str]) -> Vec<Box<RawValue>> {
        texts.iter().map(|text| RawValue::from_string((*text).to_owned()).unwrap()).collect()
    }

    #[test]
    fn definitions_keep_every_byte() {
        let text = r#"{ "x-new":1e400,"name":"t","inputSchema":{"type":"object" } }"#;
        let listed = tools(&raw(&[text]));
        assert_eq!(listed.items[0].definition, text);
        assert!(listed.skipped.is_empty());
    }

    #[test]
    fn bad_tools_are_left_out_with_a_reason() {
        let long = format!(r#"{{"name":"big","description":"{}"}}"#, "x".repeat(LARGEST_DEFINITION));
        let listed = tools(&raw(&[
            r#"{"name":"good","inputSchema":{"type":"object"}}"#,
            r#"{"inputSchema":{"type":"object"}}"#,
            r#"{"name":"<b>","inputSchema":{"type":"object"}}"#,
            r#"{"name":"noschema"}"#,
            r#"{"name":"array","inputSchema":[]}"#,
            r#"{"name":"untyped","inputSchema":{}}"#,
            r#"{"name":"good","inputSchema":{"type":"object"}}"#,
            "7",
            &long,
        ]));
        assert_eq!(listed.items.len(), 1);
        assert_eq!(listed.skipped.len(), 8);
        assert!(listed.skipped[0].starts_with("tool 2: it has no name"), "{:?}", listed.skipped);
        assert!(listed.skipped[5].contains("twice"));
    }

    #[test]
    fn resources_need_a_uri_and_nothing_else() {
        let listed = resources(&raw(&[r#"{"uri":"demo://a","size":3}"#, r#"{"name":"x"}"#]), false);
        assert_eq!((listed.items[0].name.as_str(), listed.items[0].size), ("demo://a", Some(3)));
        assert_eq!(listed.skipped.len(), 1);
        let all = [r#"{"uriTemplate":"demo://{id}","name":"x"}"#, r#"{"uriTemplate":"{+any}","name":"y"}"#];
        let templates = resources(&raw(&all), true);
        assert!(templates.items[0].template);
        assert!(templates.skipped[0].contains("scheme"), "{:?}", templates.skipped);
    }

    #[test]
    fn prompts_may_have_any_printable_name() {
        let listed = prompts(&raw(&[r#"{"name":"日本"}"#, "{\"name\":\"a\\u0007\"}"]));
        assert_eq!((listed.items.len(), listed.skipped.len()), (1, 1));
    }
}
