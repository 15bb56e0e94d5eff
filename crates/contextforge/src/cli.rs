//! The command line: what `--help` teaches.

#![expect(clippy::doc_markdown, clippy::doc_link_with_quotes, reason = "these comments are printed as help")]

mod content;
mod keys;
mod reverse_proxy;
mod translate;
mod wrapper;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::{
    content::{Content, ContentKind},
    keys::{Generate, KeyKind, Keys, Ring},
    reverse_proxy::ReverseProxy,
    translate::Translate,
    wrapper::Wrapper,
};

/// One gateway in front of your MCP servers: authentication, authorization, federation and audit.
///
/// Settings come from environment variables, and from a file `.env` in the working folder where a variable is not
/// set. `contextforge config docs` lists them all. A first start needs none of them.
#[derive(Debug, Parser)]
#[command(name = "contextforge", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Folder for the database and generated secrets.
    #[arg(long, global = true, env = "CONTEXTFORGE_DATA_DIR", default_value = "data", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway.
    Serve(Serve),
    /// Make tokens.
    #[command(subcommand)]
    Token(Token),
    /// Make and rotate the keys that sign tokens.
    #[command(subcommand)]
    Keys(Keys),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Look after the database.
    #[command(subcommand)]
    Db(Db),
    /// Help people who cannot come in.
    #[command(subcommand)]
    User(User),
    /// Add, list, refresh and remove upstream MCP servers of a running gateway.
    #[command(subcommand)]
    Gateway(Gateway),
    /// List and call tools through a running gateway.
    #[command(subcommand)]
    Tool(Tool),
    /// Be an MCP server on standard input and output, for desktop clients, in front of a gateway elsewhere.
    Wrapper(Wrapper),
    /// Serve a stdio server over streamable HTTP and HTTP+SSE, or be a stdio server in front of such a one.
    Translate(Translate),
    /// Publish an MCP server on this machine to a gateway elsewhere, over a connection that is opened from here.
    ReverseProxy(ReverseProxy),
    /// Screen files as the gateway screens what is registered.
    #[command(subcommand)]
    Content(Content),
    /// Explain why a token or a person may, or may not, use something: every step of the decision, and what would
    /// change it.
    Why(Why),
    /// Check everything that a start needs, and say what to do about what is wrong.
    Doctor(Output),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Also serve a small built-in MCP server (time, echo, one tool for each kind of content), so that the first
    /// call works with nothing else installed.
    #[arg(long)]
    pub(crate) demo: bool,
    /// File with upstream servers in the `mcpServers` JSON format of Claude Desktop, Cursor and VS Code. The only
    /// way to run stdio servers; URLs and headers work too. Servers that leave the file leave the gateway.
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// Address to bind; overrides HOST.
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Port to bind; overrides PORT.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Do not print a ready bearer token and client configuration.
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// Token commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Sign a token with the configured key (JWT_SECRET_KEY, JWT_PRIVATE_KEY_PATH or JWT_KEYS_DIR).
    ///
    /// This bypasses every check that the API makes: team membership, containment of permissions, audit. Use it
    /// for development and first steps; use POST /tokens for anything else.
    Create(TokenCreate),
}

/// Options of `token create`; the same as those of ContextForge's `create_jwt_token`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// E-mail address of the user.
    #[arg(short, long)]
    pub(crate) username: String,
    /// Claim administrator rights; they count if the account has them.
    #[arg(long)]
    pub(crate) admin: bool,
    /// Teams whose rows the token reaches, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) teams: Option<Vec<String>>,
    /// Limits as JSON: {"server_id":"…","permissions":["tools.read"],"ip_restrictions":["10.0.0.0/8"]}.
    #[arg(long, value_name = "JSON")]
    pub(crate) scopes: Option<String>,
    /// Full name to put into the token.
    #[arg(long)]
    pub(crate) full_name: Option<String>,
    /// Minutes until the token ends; 0 for never, which the gateway refuses while REQUIRE_TOKEN_EXPIRATION is on.
    #[arg(short, long, value_name = "MINUTES")]
    pub(crate) exp: Option<u32>,
    /// Secret of the HMAC algorithms; JWT_SECRET_KEY or the generated one by default.
    #[arg(short, long, conflicts_with = "key")]
    pub(crate) secret: Option<String>,
    /// PEM file with the private key of the RSA and ECDSA algorithms; JWT_PRIVATE_KEY_PATH by default.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Signing algorithm (HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512); JWT_ALGORITHM by default.
    #[arg(long)]
    pub(crate) algo: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Configuration commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Read the configuration as a start would, and report every problem.
    Check(Output),
    /// Print the reference of all settings as Markdown.
    Docs {
        /// Print a commented `.env` file instead.
        #[arg(long)]
        env: bool,
    },
}

/// Database commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Bring the database to this version's tables. `serve` does so too.
    Migrate(Output),
    /// Verify the hash chain of the audit record.
    VerifyAudit(Output),
}

/// Commands about people.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Print a link with which somebody sets a new password, once. Works on the database of this machine's
    /// configuration, whether the gateway is running or not.
    ResetPassword {
        /// E-mail address of the account.
        email: String,
        #[command(flatten)]
        output: Output,
    },
}

/// Where a running gateway is.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// URL of the running gateway.
    #[arg(long, env = "CONTEXTFORGE_URL", default_value = "http://127.0.0.1:4444")]
    pub(crate) url: String,
    /// Bearer token. Without one, an administrator's token is signed with this machine's signing key.
    #[arg(long, env = "CONTEXTFORGE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// How to print.
#[derive(Debug, Args, Clone, Copy)]
pub(crate) struct Output {
    /// Print JSON for scripts.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Gateway commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Gateway {
    /// Register an upstream MCP server and read what it offers.
    Add {
        /// Its name; the prefix of its tools' names is made from it.
        name: String,
        /// Its URL, for example http://127.0.0.1:8000/mcp.
        target: String,
        /// STREAMABLEHTTP or SSE.
        #[arg(long, default_value = "STREAMABLEHTTP")]
        transport: String,
        /// Bearer token that the gateway presents to it.
        #[arg(long)]
        bearer: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// List registered servers.
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Read again what a server offers.
    Refresh {
        /// Its id or name.
        gateway: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Remove a server and everything that came from it.
    Remove {
        /// Its id or name.
        gateway: String,
        #[command(flatten)]
        remote: Remote,
    },
}

/// Options of `why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The token in question.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The person in question, as a new session of theirs would be.
    #[arg(long, value_name = "EMAIL", conflicts_with = "token")]
    pub(crate) user: Option<String>,
    /// A tool, by its name or id.
    #[arg(long, value_name = "NAME", group = "thing")]
    pub(crate) tool: Option<String>,
    /// A prompt, by its name or id.
    #[arg(long, value_name = "NAME", group = "thing")]
    pub(crate) prompt: Option<String>,
    /// A resource, by its URI or id.
    #[arg(long, value_name = "URI", group = "thing")]
    pub(crate) resource: Option<String>,
    /// A gateway, by its name or id.
    #[arg(long, value_name = "NAME", group = "thing")]
    pub(crate) gateway: Option<String>,
    /// Through this virtual server, by its name or id; alone: the virtual server itself.
    #[arg(long, value_name = "SERVER")]
    pub(crate) server: Option<String>,
    /// The permission in question, for example tools.update, where it is not that of a call over MCP.
    #[arg(long)]
    pub(crate) permission: Option<String>,
    /// The MCP method in question, for example tools/list.
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Where the request comes from, for tokens that are limited to networks.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<String>,
    /// URL of the running gateway.
    #[arg(long, env = "CONTEXTFORGE_URL", default_value = "http://127.0.0.1:4444")]
    pub(crate) url: String,
    /// Bearer token to ask with; questions about others need admin.security_audit. Without one, an administrator's
    /// token is signed with this machine's JWT_SECRET_KEY, and where that does not count, --token asks about itself.
    #[arg(long, env = "CONTEXTFORGE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) ask_with: Option<String>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Tool commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Tool {
    /// List the tools that the token sees.
    List {
        /// Only those of this virtual server.
        #[arg(long)]
        server: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Call a tool.
    Call {
        /// Its public name.
        name: String,
        /// Arguments as a JSON object.
        #[arg(default_value = "{}")]
        arguments: String,
        /// Through this virtual server.
        #[arg(long)]
        server: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
}
