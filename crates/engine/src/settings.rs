//! The engine's settings, under ContextForge's names.

mod people;
mod pins;
mod teams;

use domain::{Secret, settings::List};

use crate::authn::{FailMode, keys::Algorithm};

pub use self::{
    people::{EntrySettings, PasswordSettings, PeopleSettings, SessionSettings},
    pins::PinSettings,
    teams::TeamSettings,
};

domain::settings! {
    /// Tokens and who may come in.
    AuthSettings {
        /// Demand a credential. `false` lets anonymous callers see public rows.
        required: bool = "AUTH_REQUIRED", default "true";
        /// Demand a credential of MCP clients. `false` lets anonymous ones see and call what is public; production refuses that. AUTH_REQUIRED decides when not set.
        mcp_required: Option<bool> = "MCP_REQUIRE_AUTH";
        /// The one JWT algorithm that signs and is accepted: HS256, HS384, HS512 (a shared secret), RS256, RS384, RS512 (RSA), ES256, ES384 or ES512 (ECDSA).
        jwt_algorithm: Algorithm = "JWT_ALGORITHM", default "HS256";
        /// Key of the HMAC algorithms: at least 32 characters. Generated into the data folder when not set outside production.
        jwt_secret_key: Option<Secret<String>> = "JWT_SECRET_KEY";
        /// PEM file with the public key of RS… and ES… algorithms. Without a private key the gateway verifies tokens and signs none.
        jwt_public_key_path: Option<String> = "JWT_PUBLIC_KEY_PATH";
        /// PEM file (PKCS #8, PKCS #1 or SEC 1, mode 0600) with the private key of RS… and ES… algorithms.
        jwt_private_key_path: Option<String> = "JWT_PRIVATE_KEY_PATH";
        /// Folder with a ring of keys: `NAME.active.pem` signs, `NAME.passive.pem` verifies, `NAME.retired.pem` is refused (`.key` for HMAC secrets, `.passive.json` for JWK sets of others). Changes count within seconds, without a restart; `contextforge keys rotate` makes them.
        jwt_keys_dir: Option<String> = "JWT_KEYS_DIR";
        /// Use HMAC(secret, environment) as the key of the HMAC algorithms, so that environments which share a secret do not share tokens.
        derive_key_per_environment: bool = "DERIVE_KEY_PER_ENVIRONMENT", default "false";
        /// Seconds that `nbf` and `iat` of a token may lie in the future, at most 30. `exp` is exact.
        jwt_leeway_seconds: u32 = "JWT_LEEWAY_SECONDS", default "5";
        /// The `aud` that tokens must have.
        jwt_audience: String = "JWT_AUDIENCE", default "mcpgateway-api";
        /// The `iss` that tokens must have.
        jwt_issuer: String = "JWT_ISSUER", default "mcpgateway";
        /// Check `aud`.
        jwt_audience_verification: bool = "JWT_AUDIENCE_VERIFICATION", default "true";
        /// Check `iss`.
        jwt_issuer_verification: bool = "JWT_ISSUER_VERIFICATION", default "true";
        /// Minutes until a session token ends.
        token_expiry: u32 = "TOKEN_EXPIRY", default "20";
        /// Refuse tokens without `exp`.
        require_token_expiration: bool = "REQUIRE_TOKEN_EXPIRATION", default "true";
        /// Refuse tokens without `jti`, which could not be revoked.
        require_jti: bool = "REQUIRE_JTI", default "true";
        /// What happens while the database cannot say what was revoked: `bounded` serves known tokens for a time, `open` for as long as it takes, `closed` not at all.
        revocation_fail_mode: FailMode = "AUTH_REVOCATION_FAIL_MODE", default "bounded";
        /// Seconds for which `bounded` serves.
        revocation_max_staleness: u64 = "AUTH_REVOCATION_MAX_STALENESS", default "300";
        /// Seconds within which a revocation counts on every replica.
        revocation_sync_interval: u64 = "AUTH_REVOCATION_SYNC_INTERVAL", default "2";
        /// Hours between removals of revocations of tokens that have ended by themselves.
        revocation_cleanup_hours: u64 = "TOKEN_BLOCKLIST_CLEANUP_HOURS", default "24";
        /// The most days that an API token may be made for.
        api_token_max_days: u32 = "API_TOKEN_MAX_EXPIRY_DAYS", default "365";
        /// Keep statistics of what API tokens are used for. Without, only what usage limits need is counted.
        token_usage: bool = "TOKEN_USAGE_LOGGING_ENABLED", default "true";
        /// Minutes between two writings of when an API token was last used.
        last_used_minutes: u64 = "TOKEN_LAST_USED_UPDATE_INTERVAL_MINUTES", default "5";
        /// Put the environment's name into tokens as `env`.
        embed_environment: bool = "EMBED_ENVIRONMENT_IN_TOKENS", default "true";
        /// Refuse tokens whose `env` is another environment.
        validate_environment: bool = "VALIDATE_TOKEN_ENVIRONMENT", default "true";
        /// Which tokens must have an `env`: `off` for none, `gateway` for those of JWT_ISSUER, `all`.
        require_token_environment: TokenEnvironment = "REQUIRE_TOKEN_ENVIRONMENT", default "off";
        /// Start with the default JWT_ISSUER or JWT_AUDIENCE outside development, with a warning. `false` refuses to.
        allow_default_jwt_identity: bool = "ALLOW_DEFAULT_JWT_IDENTITY", default "true";
        /// Key from which the keys of stored credentials, sealed ids and the audit chain are derived: at least 32 characters. Generated into the data folder when not set outside production.
        encryption_secret: Secret<String> = "AUTH_ENCRYPTION_SECRET";
    }
}

domain::settings! {
    /// Accounts and passwords.
    AccountSettings {
        /// E-mail address of the administrator that is made at the first start.
        admin_email: String = "PLATFORM_ADMIN_EMAIL", default "admin@example.com";
        /// Password of that administrator; used once. Generated and printed once when not set outside production.
        admin_password: Option<Secret<String>> = "PLATFORM_ADMIN_PASSWORD";
        /// Name of that administrator.
        admin_full_name: String = "PLATFORM_ADMIN_FULL_NAME", default "Platform Administrator";
        /// Failed logins in a row before an account is locked.
        max_failed_logins: i64 = "MAX_FAILED_LOGIN_ATTEMPTS", default "5";
        /// Minutes that an account stays locked.
        lockout_minutes: u64 = "ACCOUNT_LOCKOUT_DURATION_MINUTES", default "60";
        /// Mail the owner of an account that is locked, where SMTP is configured.
        lockout_notification: bool = "ACCOUNT_LOCKOUT_NOTIFICATION_ENABLED", default "true";
        /// Milliseconds that a failed login takes at least, whatever its reason.
        failed_login_floor_ms: u64 = "FAILED_LOGIN_MIN_RESPONSE_MS", default "250";
        /// Characters of a user's password at least.
        password_min_length_user: usize = "PASSWORD_MIN_LENGTH_USER", default "12";
        /// Characters of an administrator's password at least.
        password_min_length_privileged: usize = "PASSWORD_MIN_LENGTH_PRIVILEGED", default "22";
        /// Argon2id passes.
        argon2_time_cost: u32 = "ARGON2ID_TIME_COST", default "3";
        /// Argon2id memory in KiB.
        argon2_memory_cost: u32 = "ARGON2ID_MEMORY_COST", default "65536";
        /// Argon2id lanes.
        argon2_parallelism: u32 = "ARGON2ID_PARALLELISM", default "1";
        /// Whether anything may be public.
        allow_public_visibility: bool = "ALLOW_PUBLIC_VISIBILITY", default "true";
    }
}

domain::settings! {
    /// Upstream servers and their tools.
    FederationSettings {
        /// Between the words of a tool's public name: `-`, `--`, `_` or `.`.
        name_separator: String = "GATEWAY_TOOL_NAME_SEPARATOR", default "-";
        /// Seconds between discoveries of an upstream.
        refresh_interval_seconds: u64 = "GATEWAY_AUTO_REFRESH_INTERVAL", default "300";
        /// Seconds between looks at upstreams that do not answer, and at changes made by other replicas when no bus tells of them.
        health_check_interval_seconds: u64 = "HEALTH_CHECK_INTERVAL", default "60";
        /// Seconds that a tool may take.
        tool_timeout_seconds: u64 = "TOOL_TIMEOUT", default "60";
        /// Client headers that may be passed on to upstreams which name them.
        passthrough_headers: List<String> = "DEFAULT_PASSTHROUGH_HEADERS", default "X-Tenant-Id,X-Trace-Id";
        /// Pass client headers on at all.
        passthrough_enabled: bool = "ENABLE_HEADER_PASSTHROUGH", default "false";
        /// Rows of a list where the client names no limit.
        default_page_size: u32 = "PAGINATION_DEFAULT_PAGE_SIZE", default "50";
    }
}

/// The name of the deployment, which decides how strict the start is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Work on a laptop.
    Development,
    /// A rehearsal.
    Staging,
    /// The real thing: nothing weak or missing starts.
    Production,
}

impl Environment {
    /// The word in `ENVIRONMENT` and in the `env` claim.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl domain::settings::Value for Environment {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        match raw.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "development" | "dev" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" | "prod" => Ok(Self::Production),
            _ => Err("must be development, staging or production".to_owned()),
        }
    }
}

/// Which tokens must say their environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnvironment {
    /// None.
    Off,
    /// Those whose issuer is this gateway; tokens of other issuers need not.
    Gateway,
    /// All.
    All,
}

impl domain::settings::Value for TokenEnvironment {
    fn parse(raw: Option<&str>) -> Result<Self, String> {
        match raw.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "off" => Ok(Self::Off),
            "gateway" => Ok(Self::Gateway),
            "all" => Ok(Self::All),
            _ => Err("must be off, gateway or all".to_owned()),
        }
    }
}

/// All that the engine is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Tokens.
    pub auth: AuthSettings,
    /// Accounts.
    pub accounts: AccountSettings,
    /// People.
    pub people: PeopleSettings,
    /// Teams and roles.
    pub teams: TeamSettings,
    /// Upstreams.
    pub federation: FederationSettings,
    /// Definitions of tools.
    pub pins: PinSettings,
    /// Content security.
    pub content: content::ContentSettings,
    /// The deployment.
    pub environment: Environment,
}
