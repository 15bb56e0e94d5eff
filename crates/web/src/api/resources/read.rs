//! A resource in replies: `ResourceRead`, templates, and content.

use domain::item::Resource;
use protocol::json::RawObject;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::{
    tools::Context,
    wire::{At, Provenance, TagList, member},
};

/// A resource in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceRead<'a> {
    id: &'a str,
    uri: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    mime_type: Option<&'a str>,
    gateway_id: Option<&'a str>,
    uri_template: Option<&'a str>,
    size: Option<i64>,
    created_at: At,
    updated_at: At,
    enabled: bool,
    metrics: Option<u64>,
    tags: TagList<'a>,
    extension_metadata: Option<Box<RawValue>>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    title: Option<String>,
    annotations: Option<Box<RawValue>>,
    #[serde(rename = "_meta")]
    meta: Option<Box<RawValue>>,
}

impl<'a> ResourceRead<'a> {
    /// The reply's form of a resource.
    pub(crate) fn of(resource: &'a Resource, context: &'a Context) -> Self {
        let source = context.sources.get(&resource.gateway_id);
        let definition = RawObject::parse(resource.definition.as_bytes()).unwrap_or_default();
        Self {
            id: resource.id.as_str(),
            uri: &resource.uri,
            name: &resource.name,
            description: resource.description.as_deref(),
            mime_type: resource.mime_type.as_deref(),
            gateway_id: Some(resource.gateway_id.as_str()).filter(|_| !resource.gateway_id.is_here()),
            uri_template: resource.template.then_some(resource.uri.as_str()),
            size: resource.size,
            created_at: At(resource.record.created_at),
            updated_at: At(resource.record.updated_at),
            enabled: resource.enabled,
            metrics: None,
            tags: &resource.tags,
            extension_metadata: None,
            provenance: Provenance::of(
                &resource.record,
                &resource.owned,
                &context.teams,
                source.map(|source| source.name.as_str()),
            ),
            title: definition.text("title").map(std::borrow::Cow::into_owned),
            annotations: member(&definition, "annotations"),
            meta: member(&definition, "_meta"),
        }
    }
}

/// A resource template in a reply.
#[derive(Debug, Serialize)]
pub(super) struct TemplateRead<'a> {
    id: &'a str,
    uri_template: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    mime_type: Option<&'a str>,
    annotations: Option<Box<RawValue>>,
    _meta: Option<Box<RawValue>>,
}

impl<'a> TemplateRead<'a> {
    /// The reply's form of a template.
    pub(super) fn of(template: &'a Resource) -> Self {
        let definition = RawObject::parse(template.definition.as_bytes()).unwrap_or_default();
        Self {
            id: template.id.as_str(),
            uri_template: &template.uri,
            name: &template.name,
            description: template.description.as_deref(),
            mime_type: template.mime_type.as_deref(),
            annotations: member(&definition, "annotations"),
            _meta: member(&definition, "_meta"),
        }
    }
}

/// The reply that lists templates.
#[derive(Debug, Serialize)]
pub(super) struct ListReply<'a> {
    _meta: serde_json::Map<String, serde_json::Value>,
    next_cursor: Option<String>,
    resource_templates: Vec<TemplateRead<'a>>,
}

impl<'a> ListReply<'a> {
    /// Of these.
    pub(super) fn of(resource_templates: Vec<TemplateRead<'a>>, next_cursor: Option<String>) -> Self {
        Self { _meta: serde_json::Map::new(), next_cursor, resource_templates }
    }
}

/// What was read of a resource.
#[derive(Debug, Serialize)]
pub(super) struct Content<'a> {
    r#type: &'a str,
    id: &'a str,
    uri: String,
    mime_type: Option<String>,
    text: Option<Box<RawValue>>,
    blob: Option<Box<RawValue>>,
}

impl<'a> Content<'a> {
    /// The first content that the upstream sent.
    pub(super) fn of(resource: &'a Resource, content: &RawObject<'_>) -> Self {
        let text = |key: &str| content.text(key).map(std::borrow::Cow::into_owned);
        Self {
            r#type: "resource",
            id: resource.id.as_str(),
            uri: text("uri").unwrap_or_else(|| resource.uri.clone()),
            mime_type: text("mimeType").or_else(|| resource.mime_type.clone()),
            text: member(content, "text"),
            blob: member(content, "blob"),
        }
    }
}
