//! The `wrapper` command: what its `--help` teaches.

use clap::Args;

/// Options of `wrapper`; the variables are those of ContextForge's `mcpgateway.wrapper`.
#[derive(Debug, Args)]
pub(crate) struct Wrapper {
    /// MCP endpoint of the gateway: http://127.0.0.1:4444/mcp, or http://127.0.0.1:4444/servers/ID/mcp.
    #[arg(long, env = "MCP_SERVER_URL", default_value = "http://127.0.0.1:4444/mcp")]
    pub(crate) url: String,
    /// What to send as Authorization, for example "Bearer TOKEN". A token alone is sent as a bearer token.
    #[arg(long, env = "MCP_AUTH", hide_env_values = true, value_name = "AUTH")]
    pub(crate) auth: Option<String>,
    /// Seconds that an answer may take.
    #[arg(long, env = "MCP_TOOL_CALL_TIMEOUT", default_value_t = 90)]
    pub(crate) timeout: u64,
    /// Requests that are sent at the same time.
    #[arg(long, env = "CONCURRENCY", default_value_t = 10)]
    pub(crate) concurrency: usize,
    /// "off" keeps quiet on standard error about what goes wrong.
    #[arg(long, env = "LOG_LEVEL", default_value = "warning")]
    pub(crate) log_level: String,
}
