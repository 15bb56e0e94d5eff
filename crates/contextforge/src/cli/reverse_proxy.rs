//! The `reverse-proxy` command: what its `--help` teaches.

use clap::Args;

/// Options of `reverse-proxy`; names and variables are those of ContextForge's `mcpgateway.reverse_proxy`.
#[derive(Debug, Args)]
pub(crate) struct ReverseProxy {
    /// The server to publish: its command with arguments, for example "npx -y @modelcontextprotocol/server-filesystem /srv".
    /// No shell is involved.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) local_stdio: String,
    /// URL of the gateway, for example https://mcp.example.com. It needs MCPGATEWAY_REVERSE_PROXY_ENABLED=true.
    #[arg(long, env = "REVERSE_PROXY_GATEWAY", value_name = "URL")]
    pub(crate) gateway: String,
    /// Bearer token of somebody who may register gateways.
    #[arg(long, env = "REVERSE_PROXY_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Name of the gateway that it becomes; the names of its tools start with it. The program's name by default.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// For people.
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Who may use it: private, team or public. Counts when it is registered first.
    #[arg(long, default_value = "private")]
    pub(crate) visibility: String,
    /// Seconds before the connection is opened again, doubled with each failure up to a minute.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub(crate) reconnect_delay: f64,
    /// Failures in a row after which it gives up; 0 for never.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub(crate) max_retries: u32,
    /// Seconds between signs of life.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) keepalive: u64,
}
