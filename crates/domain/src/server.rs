//! Virtual servers: chosen tools, prompts and resources served at `/servers/{id}/mcp`.

use serde::{Deserialize, Serialize};

use crate::{
    id::{PromptId, ResourceId, ServerId, ToolId},
    record::{Record, Tag},
    visibility::Owned,
};

/// How the names of a virtual server's tools and prompts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Prefix {
    /// The public names: `slug(gateway)-slug(tool)`.
    #[default]
    Gateway,
    /// The upstream's own names; only while they do not collide.
    None,
}

/// A virtual server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its id.
    pub id: ServerId,
    /// Its name.
    pub name: String,
    /// For people; also the `instructions` of the MCP endpoint.
    pub description: Option<String>,
    /// The URL of a picture; never fetched.
    pub icon: Option<String>,
    /// Whether the operator has it switched on.
    pub enabled: bool,
    /// How names are made.
    pub prefix: Prefix,
    /// Its tools.
    pub tools: Vec<ToolId>,
    /// Its prompts.
    pub prompts: Vec<PromptId>,
    /// Its resources and resource templates.
    pub resources: Vec<ResourceId>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Who may know of it.
    pub owned: Owned,
    /// Who made and changed it.
    pub record: Record,
}
