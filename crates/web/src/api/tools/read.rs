//! A tool in replies: `ToolRead`. Schemas and annotations are the upstream's bytes.

use std::collections::HashMap;

use domain::{id::GatewayId, item::Tool};
use engine::gateways::{MASK, Source};
use protocol::json::RawObject;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::wire::{At, Provenance, TagList, Teams, member};

/// What replies about items need besides them.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// Names of teams.
    pub(crate) teams: Teams,
    /// Gateways.
    pub(crate) sources: HashMap<GatewayId, Source>,
}

/// A tool in a reply.
#[expect(clippy::struct_excessive_bools, reason = "the members are ContextForge's")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolRead<'a> {
    id: &'a str,
    original_name: &'a str,
    url: Option<&'a str>,
    description: Option<&'a str>,
    original_description: Option<String>,
    title: Option<String>,
    request_type: &'a str,
    integration_type: &'a str,
    headers: HashMap<&'a str, &'a str>,
    input_schema: Option<Box<RawValue>>,
    output_schema: Option<Box<RawValue>>,
    annotations: Option<Box<RawValue>>,
    extension_metadata: Option<Box<RawValue>>,
    jsonpath_filter: &'a str,
    auth: Option<Credentials<'a>>,
    created_at: At,
    updated_at: At,
    enabled: bool,
    deprecated: bool,
    reachable: bool,
    held: bool,
    gateway_id: &'a str,
    grpc_service_id: Option<&'a str>,
    execution_count: Option<u64>,
    metrics: Option<u64>,
    name: &'a str,
    display_name: Option<&'a str>,
    gateway_slug: &'a str,
    custom_name: &'a str,
    custom_name_slug: &'a str,
    tags: TagList<'a>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    base_url: Option<&'a str>,
    path_template: Option<&'a str>,
    query_mapping: Option<&'a str>,
    header_mapping: Option<&'a str>,
    timeout_ms: Option<u64>,
    expose_passthrough: bool,
    allowlist: Option<&'a str>,
    plugin_chain_pre: Option<&'a str>,
    plugin_chain_post: Option<&'a str>,
    #[serde(rename = "_meta")]
    meta: Option<Box<RawValue>>,
}

/// That there are credentials, and of which kind. The secret is the gateway's and never shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    auth_type: &'a str,
    auth_value: &'a str,
    username: &'a str,
    password: &'a str,
    token: &'a str,
    auth_header_key: &'a str,
    auth_header_value: &'a str,
    auth_headers: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    fn masked(kind: &'a str) -> Self {
        let when = |wanted: &str| if kind == wanted { MASK } else { "" };
        Self {
            auth_type: kind,
            auth_value: MASK,
            username: "",
            password: when("basic"),
            token: when("bearer"),
            auth_header_key: "",
            auth_header_value: when("authheaders"),
            auth_headers: None,
        }
    }
}

impl<'a> ToolRead<'a> {
    /// The reply's form of a tool.
    pub(crate) fn of(tool: &'a Tool, context: &'a Context) -> Self {
        let source = context.sources.get(&tool.gateway_id);
        let definition = RawObject::parse(tool.definition.as_bytes()).unwrap_or_default();
        let text = |key: &str| definition.text(key).map(std::borrow::Cow::into_owned);
        Self {
            id: tool.id.as_str(),
            original_name: &tool.original_name,
            url: source.and_then(|source| source.url.as_deref()),
            description: tool.description.as_deref(),
            original_description: text("description"),
            title: text("title"),
            request_type: source.map_or("", |source| source.transport.as_str()),
            integration_type: "MCP",
            headers: HashMap::new(),
            input_schema: member(&definition, "inputSchema"),
            output_schema: member(&definition, "outputSchema"),
            annotations: member(&definition, "annotations"),
            extension_metadata: None,
            jsonpath_filter: "",
            auth: source.and_then(|source| source.auth_kind).map(Credentials::masked),
            created_at: At(tool.record.created_at),
            updated_at: At(tool.record.updated_at),
            enabled: tool.enabled,
            deprecated: false,
            reachable: tool.reachable,
            held: tool.held,
            gateway_id: tool.gateway_id.as_str(),
            grpc_service_id: None,
            execution_count: None,
            metrics: None,
            name: &tool.name,
            display_name: tool.display_name.as_deref(),
            gateway_slug: source.map_or("", |source| source.slug.as_str()),
            custom_name: &tool.custom_name,
            custom_name_slug: &tool.custom_slug,
            tags: &tool.tags,
            provenance: Provenance::of(
                &tool.record,
                &tool.owned,
                &context.teams,
                source.map(|source| source.name.as_str()),
            ),
            base_url: None,
            path_template: None,
            query_mapping: None,
            header_mapping: None,
            timeout_ms: None,
            expose_passthrough: true,
            allowlist: None,
            plugin_chain_pre: None,
            plugin_chain_post: None,
            meta: member(&definition, "_meta"),
        }
    }
}
