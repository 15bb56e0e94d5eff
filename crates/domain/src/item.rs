//! What gateways offer: tools, prompts, resources and resource templates.
//!
//! `definition` is the object that the upstream sent, as JSON text, so that fields this program has never heard
//! of survive. Listings rewrite the name in it and nothing else.

use crate::{
    id::{GatewayId, PromptId, ResourceId, ToolId},
    record::{Record, Tag},
    visibility::Owned,
};

/// A tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its id.
    pub id: ToolId,
    /// The upstream that has it.
    pub gateway_id: GatewayId,
    /// The upstream's name for it; never changes.
    pub original_name: String,
    /// The name that people may edit; the original name at first.
    pub custom_name: String,
    /// The slug of `custom_name`.
    pub custom_slug: String,
    /// The public name: gateway slug, separator, `custom_slug`.
    pub name: String,
    /// For people.
    pub display_name: Option<String>,
    /// For models; the upstream's unless changed here.
    pub description: Option<String>,
    /// The upstream's object.
    pub definition: String,
    /// Whether the operator has it switched on.
    pub enabled: bool,
    /// False when its upstream does not answer or no longer lists it.
    pub reachable: bool,
    /// Whether its pin keeps it from being listed and called.
    pub held: bool,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Who may know of it.
    pub owned: Owned,
    /// Who made and changed it.
    pub record: Record,
}

/// A prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Its id.
    pub id: PromptId,
    /// The upstream that has it; [`GatewayId::here`] for one that is registered here.
    pub gateway_id: GatewayId,
    /// The upstream's name for it.
    pub original_name: String,
    /// The name that people may edit.
    pub custom_name: String,
    /// The slug of `custom_name`.
    pub custom_slug: String,
    /// The public name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The template, of a prompt that is registered here.
    pub template: Option<String>,
    /// The object of listings: the upstream's, or made here.
    pub definition: String,
    /// Whether the operator has it switched on.
    pub enabled: bool,
    /// False when its upstream does not answer or no longer lists it.
    pub reachable: bool,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Who may know of it.
    pub owned: Owned,
    /// Who made and changed it.
    pub record: Record,
}

/// A resource, or a resource template where `template` is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// The upstream that has it; [`GatewayId::here`] for one that is registered here.
    pub gateway_id: GatewayId,
    /// Its URI, or the URI template (RFC 6570).
    pub uri: String,
    /// Whether `uri` is a template.
    pub template: bool,
    /// For people.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Its media type.
    pub mime_type: Option<String>,
    /// Its size in bytes, where the upstream says.
    pub size: Option<i64>,
    /// The text, of a resource that is registered here.
    pub content: Option<String>,
    /// The object of listings: the upstream's, or made here.
    pub definition: String,
    /// Whether the operator has it switched on.
    pub enabled: bool,
    /// False when its upstream does not answer or no longer lists it.
    pub reachable: bool,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Who may know of it.
    pub owned: Owned,
    /// Who made and changed it.
    pub record: Record,
}
