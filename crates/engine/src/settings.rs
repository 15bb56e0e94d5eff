//! The engine's settings, under ContextForge's names.

mod teams;

use domain::{Secret, settings::List};

pub use self::teams::TeamSettings;

domain::settings! {
    /// Tokens and who may come in.
    AuthSettings {
        /// Demand a credential. `false` lets anonymous callers see public rows.
        required: bool = "AUTH_REQUIRED", default "true";
        /// The one JWT algorithm that is accepted: HS256, HS384 or HS512.
        jwt_algorithm: String = "JWT_ALGORITHM", default "HS256";
        /// Key of the HMAC algorithms: at least 32 characters. Generated into the data folder when not set outside production.
        jwt_secret_key: Secret<String> = "JWT_SECRET_KEY";
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
        /// Put the environment's name into tokens as `env`.
        embed_environment: bool = "EMBED_ENVIRONMENT_IN_TOKENS", default "true";
        /// Refuse tokens whose `env` is another environment.
        validate_environment: bool = "VALIDATE_TOKEN_ENVIRONMENT", default "true";
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

/// All that the engine is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Tokens.
    pub auth: AuthSettings,
    /// Accounts.
    pub accounts: AccountSettings,
    /// Teams and roles.
    pub teams: TeamSettings,
    /// Upstreams.
    pub federation: FederationSettings,
    /// The deployment.
    pub environment: Environment,
}
