//! What a start prints for a person: where the gateway is and how to use it.

use domain::Secret;
use serde_json::json;

/// What there is to tell.
pub(crate) struct Banner<'a> {
    pub(crate) url: &'a str,
    pub(crate) admin_email: &'a str,
    /// Only at the start that made it.
    pub(crate) admin_password: Option<&'a Secret<String>>,
    pub(crate) token: Option<&'a Secret<String>>,
    pub(crate) tools: usize,
    pub(crate) secrets_file: Option<&'a std::path::Path>,
}

/// Prints the banner to standard output, which is not the log.
#[expect(clippy::print_stdout, reason = "the banner is for the person at the terminal")]
pub(crate) fn print(banner: &Banner<'_>) {
    let url = banner.url;
    println!("\nContextForge {} is ready.\n", env!("CARGO_PKG_VERSION"));
    println!("  MCP endpoint   {url}/mcp   ({} tools)", banner.tools);
    println!("  REST API       {url}/v1   (documented at {url}/docs)");
    println!("  Admin          {}", banner.admin_email);
    if let Some(password) = banner.admin_password {
        println!("  Password       {}   (shown this once; keep it)", password.expose());
    }
    if let Some(file) = banner.secrets_file {
        println!("  Secrets        generated into {} (keep it with the database)", file.display());
    }
    if let Some(token) = banner.token {
        let token = token.expose();
        println!("  Token          {token}\n                 (an administrator's, for seven days)\n");
        let remote = json!({ "mcpServers": { "contextforge": {
            "type": "http",
            "url": format!("{url}/mcp"),
            "headers": { "Authorization": format!("Bearer {token}") },
        } } });
        let pretty = serde_json::to_string_pretty(&remote).unwrap_or_default();
        println!("  Client configuration (Claude Code, Cursor; VS Code calls the first key \"servers\"):\n");
        println!("{pretty}\n");
        let program = std::env::args().next().unwrap_or_else(|| "contextforge".to_owned());
        println!("  First call, in another terminal:\n\n  {program} tool list\n");
    }
}
