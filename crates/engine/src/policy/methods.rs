//! The MCP methods and what each demands, beyond what the endpoint itself demands of everybody ([`ENTRY`]).
//!
//! Lists, calls and explanations ask here, so that they cannot disagree.

use domain::Permission;

use crate::catalogue::Kind;

/// What an MCP endpoint demands of everybody.
pub const ENTRY: Permission = Permission::ServersUse;

/// A method that clients may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it lists or uses, with the permission for each; empty where everybody who is in may.
    pub about: &'static [(Kind, Permission)],
}

/// Every method that is served, but for `tasks/…`: who may ask about a task is whoever may call its tool.
pub const METHODS: &[Method] = &[
    Method { name: "server/discover", about: &[] },
    Method { name: "initialize", about: &[] },
    Method { name: "ping", about: &[] },
    Method { name: "logging/setLevel", about: &[] },
    Method { name: "tools/list", about: &[(Kind::Tool, Permission::ToolsRead)] },
    Method { name: "tools/call", about: &[(Kind::Tool, Permission::ToolsExecute)] },
    Method { name: "prompts/list", about: &[(Kind::Prompt, Permission::PromptsRead)] },
    Method { name: "prompts/get", about: &[(Kind::Prompt, Permission::PromptsRead)] },
    Method { name: "resources/list", about: &[(Kind::Resource, Permission::ResourcesRead)] },
    Method { name: "resources/templates/list", about: &[(Kind::Template, Permission::ResourcesRead)] },
    Method {
        name: "resources/read",
        about: &[(Kind::Resource, Permission::ResourcesRead), (Kind::Template, Permission::ResourcesRead)],
    },
    Method { name: "subscriptions/listen", about: &[] },
    Method {
        name: "resources/subscribe",
        about: &[(Kind::Resource, Permission::ResourcesRead), (Kind::Template, Permission::ResourcesRead)],
    },
    Method {
        name: "resources/unsubscribe",
        about: &[(Kind::Resource, Permission::ResourcesRead), (Kind::Template, Permission::ResourcesRead)],
    },
    Method {
        name: "completion/complete",
        about: &[(Kind::Prompt, Permission::PromptsRead), (Kind::Template, Permission::ResourcesRead)],
    },
];

/// A method by its name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// The word for a kind in messages.
pub const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tool",
        Kind::Prompt => "prompt",
        Kind::Resource => "resource",
        Kind::Template => "resource template",
    }
}
