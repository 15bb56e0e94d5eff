//! What this program answers for itself: resources and prompts that are registered here, out of the snapshot and
//! without a database. A resource's answer is made once; a prompt is rendered at each call.

use domain::{
    Error, Result,
    gateway::{ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
    item::{Prompt, Resource},
};
use protocol::json::{RawObject, raw_text};
use serde_json::value::RawValue;

use super::snapshot::Peer;
use crate::prompts::template::Template;

/// Something that is answered here.
#[derive(Debug)]
pub enum Local {
    /// The result of reading a resource.
    Content(Box<RawValue>),
    /// A prompt to be rendered.
    Prompt {
        /// Its template and arguments.
        template: Template,
        /// For people.
        description: Option<String>,
    },
}

impl Local {
    pub(super) fn of_resource(resource: &Resource, content: &str) -> Self {
        let mut object = RawObject::new();
        object.set_text("uri", &resource.uri);
        if let Some(mime) = &resource.mime_type {
            object.set_text("mimeType", mime);
        }
        object.set_text("text", content);
        Self::Content(wrapped("contents", &object))
    }

    pub(super) fn of_prompt(prompt: &Prompt, template: &str) -> Self {
        let template = Template::stored(template, &prompt.definition);
        Self::Prompt { template, description: prompt.description.clone() }
    }

    /// The result of `method` with these parameters.
    pub(crate) fn answer(&self, method: &str, params: &RawValue) -> Result<Box<RawValue>> {
        match (self, method) {
            (Self::Content(content), "resources/read") => Ok(content.clone()),
            (Self::Prompt { template, description }, "prompts/get") => {
                let text = template.render(params)?;
                Ok(message(description.as_deref(), &text))
            }
            (_, "completion/complete") => raw(r#"{"completion":{"values":[],"total":0,"hasMore":false}}"#),
            _ => Err(Error::internal(format!("{method} is not answered here"))),
        }
    }
}

/// One message of the user.
fn message(description: Option<&str>, text: &str) -> Box<RawValue> {
    let mut content = RawObject::new();
    content.set_text("type", "text");
    content.set_text("text", text);
    let mut message = RawObject::new();
    message.set_text("role", "user");
    message.set("content", content.to_raw());
    let messages = wrapped("messages", &message);
    let mut result = RawObject::parse(&*messages).unwrap_or_default();
    if let Some(description) = description {
        result.set("description", raw_text(description));
    }
    result.to_raw()
}

/// An object with one member, which is a list of one object.
fn wrapped(member: &'static str, object: &RawObject<'_>) -> Box<RawValue> {
    let list = serde_json::value::to_raw_value(&[object.to_raw()]);
    let mut result = RawObject::new();
    result.set(member, list.unwrap_or_else(|_| raw_text("")));
    result.to_raw()
}

fn raw(text: &str) -> Result<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).map_err(Error::internal)
}

/// Where things live that no upstream has. Nothing is ever sent there.
pub(super) fn here() -> Peer {
    let target = upstream::Target {
        gateway: GatewayId::here(),
        name: String::new(),
        url: String::new(),
        transport: Transport::StreamableHttp,
        auth: UpstreamAuth::None,
        protocol: ProtocolChoice::Auto,
        dialect: None,
        revision: 0,
    };
    Peer { target: target.into(), passthrough: Vec::new(), capabilities: None, enabled: true }
}
