//! A prompt in replies: `PromptRead`, and what rendering gives.

use domain::item::Prompt;
use protocol::json::RawObject;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{
    tools::Context,
    wire::{At, Provenance, TagList, member},
};

/// An argument as ContextForge writes it. Other members of the upstream's argument are in MCP listings.
#[derive(Debug, Serialize, Deserialize)]
struct Argument {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    required: bool,
}

/// A prompt in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PromptRead<'a> {
    id: &'a str,
    name: &'a str,
    original_name: &'a str,
    custom_name: &'a str,
    custom_name_slug: &'a str,
    display_name: &'a str,
    gateway_id: Option<&'a str>,
    gateway_slug: Option<&'a str>,
    description: Option<&'a str>,
    template: &'a str,
    arguments: Vec<Argument>,
    created_at: At,
    updated_at: At,
    enabled: bool,
    tags: TagList<'a>,
    metrics: Option<u64>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    title: Option<String>,
    #[serde(rename = "_meta")]
    meta: Option<Box<RawValue>>,
}

impl<'a> PromptRead<'a> {
    /// The reply's form of a prompt. The template of an upstream is not known here.
    pub(crate) fn of(prompt: &'a Prompt, context: &'a Context) -> Self {
        let source = context.sources.get(&prompt.gateway_id);
        let definition = RawObject::parse(prompt.definition.as_bytes()).unwrap_or_default();
        let arguments = definition.get("arguments").and_then(|raw| serde_json::from_str(raw.get()).ok());
        Self {
            id: prompt.id.as_str(),
            name: &prompt.name,
            original_name: &prompt.original_name,
            custom_name: &prompt.custom_name,
            custom_name_slug: &prompt.custom_slug,
            display_name: &prompt.custom_name,
            gateway_id: Some(prompt.gateway_id.as_str()).filter(|_| !prompt.gateway_id.is_here()),
            gateway_slug: source.map(|source| source.slug.as_str()),
            description: prompt.description.as_deref(),
            template: prompt.template.as_deref().unwrap_or_default(),
            arguments: arguments.unwrap_or_default(),
            created_at: At(prompt.record.created_at),
            updated_at: At(prompt.record.updated_at),
            enabled: prompt.enabled,
            tags: &prompt.tags,
            metrics: None,
            provenance: Provenance::of(
                &prompt.record,
                &prompt.owned,
                &context.teams,
                source.map(|source| source.name.as_str()),
            ),
            title: definition.text("title").map(std::borrow::Cow::into_owned),
            meta: member(&definition, "_meta"),
        }
    }
}

/// A rendered prompt: the upstream's messages as they are.
#[derive(Debug, Serialize)]
pub(super) struct Rendered {
    messages: Option<Box<RawValue>>,
    description: Option<Box<RawValue>>,
}

impl Rendered {
    /// Of the upstream's result.
    pub(super) fn of(result: &RawObject<'_>) -> Self {
        Self { messages: member(result, "messages"), description: member(result, "description") }
    }
}
