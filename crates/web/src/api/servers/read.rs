//! A virtual server in replies: `ServerRead`. Items that the reader may not know of are not in it.

use domain::server::{Prefix, Server};
use engine::servers::Shown;
use serde::Serialize;

use crate::api::wire::{At, Provenance, TagList, Teams};

/// What replies about servers need besides them.
#[derive(Debug)]
pub(super) struct Context {
    /// Names of teams.
    pub(super) teams: Teams,
    /// The items that the reader may know of.
    pub(super) items: Shown,
}

/// A virtual server in a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerRead<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    icon: Option<&'a str>,
    created_at: At,
    updated_at: At,
    enabled: bool,
    prefix: Prefix,
    associated_tools: Vec<&'a str>,
    associated_tool_ids: Vec<&'a str>,
    associated_resources: Vec<&'a str>,
    associated_prompts: Vec<&'a str>,
    associated_a2a_agents: [&'a str; 0],
    metrics: Option<u64>,
    tags: TagList<'a>,
    #[serde(flatten)]
    provenance: Provenance<'a>,
    oauth_enabled: bool,
    oauth_config: Option<&'a str>,
}

impl<'a> ServerRead<'a> {
    /// The reply's form of a server.
    pub(super) fn of(server: &'a Server, context: &'a Context) -> Self {
        let items = &context.items;
        let tools = || {
            server.tools.iter().filter_map(|id| items.tools.get(id).map(|name| (id.as_str(), name.as_str())))
        };
        Self {
            id: server.id.as_str(),
            name: &server.name,
            description: server.description.as_deref(),
            icon: server.icon.as_deref(),
            created_at: At(server.record.created_at),
            updated_at: At(server.record.updated_at),
            enabled: server.enabled,
            prefix: server.prefix,
            associated_tools: tools().map(|(_, name)| name).collect(),
            associated_tool_ids: tools().map(|(id, _)| id).collect(),
            associated_resources: server
                .resources
                .iter()
                .filter(|id| items.resources.contains(*id))
                .map(domain::id::ResourceId::as_str)
                .collect(),
            associated_prompts: server
                .prompts
                .iter()
                .filter(|id| items.prompts.contains(*id))
                .map(domain::id::PromptId::as_str)
                .collect(),
            associated_a2a_agents: [],
            metrics: None,
            tags: &server.tags,
            provenance: Provenance::of(&server.record, &server.owned, &context.teams, None),
            oauth_enabled: false,
            oauth_config: None,
        }
    }
}
