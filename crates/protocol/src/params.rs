//! The parameters of one request, split once and then read by every check.
//!
//! Names the gateway decides by (`name`, `uri`, `_meta` …) must be spelled exactly: a lenient upstream that also
//! reads `Name` would otherwise run something else than what was authorised.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    json::{self, RawObject},
    ladder::Refusal,
    meta,
};

/// The parameters the gateway reads in any method.
const READ: [&str; 8] =
    ["name", "uri", "taskId", "cursor", "arguments", "requestState", "inputResponses", "_meta"];

/// Parameters with their `_meta`.
#[derive(Debug, Clone, Default)]
pub struct Params<'a> {
    object: RawObject<'a>,
    meta: Option<RawObject<'a>>,
}

impl<'a> Params<'a> {
    /// Splits the parameters of a message; absent parameters are an empty object.
    pub fn parse(params: Option<&'a RawValue>) -> Result<Self, Refusal> {
        let Some(params) = params else { return Ok(Self::default()) };
        let object = RawObject::parse_exact(params, &READ).map_err(|error| within("params", &error))?;
        let meta = match object.borrowed("_meta") {
            Some(meta) if !json::is_null(meta) => Some(
                RawObject::parse_exact(meta, &meta::READ).map_err(|error| within("params._meta", &error))?,
            ),
            _ => None,
        };
        Ok(Self { object, meta })
    }

    /// The members.
    pub fn object(&self) -> &RawObject<'a> {
        &self.object
    }

    /// The members, to be edited and written again.
    pub fn into_object(self) -> RawObject<'a> {
        self.object
    }

    /// The `_meta` member.
    pub fn meta(&self) -> Option<&RawObject<'a>> {
        self.meta.as_ref()
    }

    /// A key of `_meta`; `null` counts as absent.
    pub fn meta_value(&self, key: &str) -> Option<&RawValue> {
        self.meta.as_ref().and_then(|meta| meta.get(key)).filter(|value| !json::is_null(value))
    }

    /// The revision a modern request names.
    pub fn version(&self) -> Option<Cow<'_, str>> {
        self.meta_value(meta::PROTOCOL_VERSION).and_then(json::as_text)
    }

    /// The token under which the sender wants progress.
    pub fn progress_token(&self) -> Option<&RawValue> {
        self.meta_value(meta::PROGRESS_TOKEN)
    }

    /// A parameter that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.object.text(name)
    }

    /// A parameter that must be a string, or the refusal that names it.
    pub fn required_text(&self, name: &str) -> Result<Cow<'_, str>, Refusal> {
        self.text(name).ok_or_else(|| {
            let problem = if self.object.contains(name) { "must be a string" } else { "is missing" };
            Refusal::Unknown(format!("Invalid params: params.{name} {problem}"))
        })
    }

    /// What the request is about: the value that `Mcp-Name` mirrors.
    pub fn target(&self, method: &str) -> Option<Cow<'_, str>> {
        target_member(method).and_then(|member| self.text(member))
    }

    /// The arguments of a tool or prompt.
    pub fn arguments(&self) -> Option<&RawValue> {
        self.object.get("arguments").filter(|arguments| !json::is_null(arguments))
    }
}

/// Which parameter `Mcp-Name` mirrors for a method.
pub fn target_member(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

fn within(place: &str, error: &json::JsonError) -> Refusal {
    Refusal::InvalidRequest { message: crate::ladder::excerpt(&format!("{place}: {error}")), id: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn parts_are_read_without_decoding_the_rest() {
        let text = raw(r#"{"name":"a\/b","arguments":{"x":1e400},"_meta":{"progressToken":7,"v":null}}"#);
        let params = Params::parse(Some(&text)).unwrap();
        assert_eq!(params.target("tools/call").unwrap(), "a/b");
        assert_eq!(params.target("resources/read"), None);
        assert_eq!(params.arguments().unwrap().get(), r#"{"x":1e400}"#);
        assert_eq!(params.progress_token().unwrap().get(), "7");
        assert!(params.meta_value("v").is_none() && params.version().is_none());
        assert!(Params::parse(None).unwrap().object().is_empty());
    }

    #[test]
    fn ambiguous_names_are_refused() {
        for (text, place) in [
            (r#"{"name":"a","name":"b"}"#, "params: duplicate member \"name\""),
            (r#"{"name":"a","Name":"b"}"#, "params: member \"Name\""),
            (r#"{"taſkId":"b"}"#, "params: member \"taſkId\""),
            (r#"{"_meta":{"a":1,"a":2}}"#, "params._meta: duplicate"),
            (r#"{"_meta":{"ProgressToken":2}}"#, "params._meta: member"),
            (r#"{"_meta":7}"#, "params._meta: not a JSON object"),
        ] {
            let error = Params::parse(Some(&raw(text))).unwrap_err().rpc().unwrap();
            assert_eq!(error.code, -32600, "{text}");
            assert!(error.message.contains(place), "{}", error.message);
        }
    }

    #[test]
    fn required_parameters_are_named() {
        let message = |text: &str| {
            let text = raw(text);
            let params = Params::parse(Some(&text)).unwrap();
            params.required_text("name").unwrap_err().message()
        };
        assert!(message("{}").contains("params.name is missing"));
        assert!(message(r#"{"name":1}"#).contains("params.name must be a string"));
    }
}
