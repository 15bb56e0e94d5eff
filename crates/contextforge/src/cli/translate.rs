//! The `translate` command: what its `--help` teaches.

use std::net::IpAddr;

use clap::{ArgGroup, Args};

/// Options of `translate`; names are those of ContextForge's `mcpgateway.translate`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub(crate) struct Translate {
    /// Serve this stdio server over HTTP: its command with arguments. Every client gets a process of its own. No shell
    /// is involved.
    #[arg(long, value_name = "COMMAND", group = "source")]
    pub(crate) stdio: Option<String>,
    /// Be a stdio server in front of this streamable HTTP server.
    #[arg(long, alias = "streamableHttp", value_name = "URL", group = "source")]
    pub(crate) connect_streamable_http: Option<String>,
    /// Be a stdio server in front of this HTTP+SSE server.
    #[arg(long, alias = "sse", value_name = "URL", group = "source")]
    pub(crate) connect_sse: Option<String>,
    /// Serve HTTP+SSE only. Both transports are served when neither is named.
    #[arg(long)]
    pub(crate) expose_sse: bool,
    /// Serve streamable HTTP only.
    #[arg(long)]
    pub(crate) expose_streamable_http: bool,
    /// Port to bind; 0 for any.
    #[arg(long, default_value_t = 8000)]
    pub(crate) port: u16,
    /// Address to bind. One that others reach takes --auth-token.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
    /// Bearer token that clients have to show.
    #[arg(long, env = "TRANSLATE_AUTH_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) auth_token: Option<String>,
    /// Bearer token for the server that is connected to.
    #[arg(long, alias = "oauth2Bearer", env = "MCP_AUTH", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) oauth2_bearer: Option<String>,
    /// Path of the event stream.
    #[arg(long, alias = "ssePath", default_value = "/sse", value_name = "PATH")]
    pub(crate) sse_path: String,
    /// Path that messages to the event stream are posted to.
    #[arg(long, alias = "messagePath", default_value = "/message", value_name = "PATH")]
    pub(crate) message_path: String,
    /// Seconds between comments on streams on which nothing else is sent.
    #[arg(long, alias = "keepAlive", default_value_t = 30, value_name = "SECONDS")]
    pub(crate) keep_alive: u64,
    /// "off" keeps quiet on standard error about what goes wrong.
    #[arg(long, alias = "logLevel", default_value = "warning")]
    pub(crate) log_level: String,
}
