//! The settings of the web front, under ContextForge's names where it has them.

mod credentials;
mod pages;
mod replicas;
mod streams;

use domain::{
    Env, Setting,
    settings::{List, Value},
};
use engine::settings::Environment;
use ipnet::IpNet;

pub(crate) use self::replicas::origin as replica_origin;
pub use self::{
    credentials::{CookieSettings, CredentialSettings},
    pages::PageSettings,
    replicas::ReplicaSettings,
    streams::StreamSettings,
};

domain::settings! {
    /// Where the gateway listens and under which names it is known.
    ListenSettings {
        /// Address to bind.
        host: std::net::IpAddr = "HOST", default "127.0.0.1";
        /// Port to bind.
        port: u16 = "PORT", default "4444";
        /// The public address: a URL, or a name alone. Its name is an allowed `Host`; in production it is the allowed `Origin`.
        app_domain: String = "APP_DOMAIN", default "http://localhost:4444/";
        /// Path under which a reverse proxy serves the gateway, for example `/gateway`.
        root_path: Option<String> = "APP_ROOT_PATH";
        /// Further names that requests may have in `Host`, without port; `*` takes any and gives up the protection against DNS rebinding. The loopback names, the name in `APP_DOMAIN` and the bound address are always allowed.
        allowed_hosts: List<String> = "ALLOWED_HOSTS";
        /// Networks of reverse proxies whose forwarding headers are believed. None by default.
        trusted_proxies: List<IpNet> = "TRUSTED_PROXY_CIDRS";
        /// The one header in which those proxies write the client's address: `x-forwarded-for` or `forwarded`.
        trusted_proxy_header: String = "TRUSTED_PROXY_HEADER", default "x-forwarded-for";
        /// Connections of clients at once. Half of the files that the process may open when not set, and never more than these.
        max_connections: Option<usize> = "MAX_CONNECTIONS";
        /// Connections at once from one address, or one /64 network of IPv6; trusted proxies are exempt. Three quarters of all when not set.
        max_connections_per_address: Option<usize> = "MAX_CONNECTIONS_PER_ADDRESS";
        /// Seconds until the first bytes of a connection and the headers of a request have to be there, for which an idle connection is kept, and for which a client may stop reading an answer.
        header_timeout_seconds: u64 = "HEADER_TIMEOUT_SECONDS", default "30";
    }
}

domain::settings! {
    /// Browsers on other origins.
    OriginSettings {
        /// Answer with CORS headers. Requests with a foreign `Origin` are refused either way.
        cors_enabled: bool = "CORS_ENABLED", default "true";
        /// Allowed origins, for example `https://app.example.com`. Without any: the origin of `APP_DOMAIN`, and outside production also every loopback origin.
        allowed_origins: List<String> = "ALLOWED_ORIGINS";
        /// Let scripts on allowed origins send credentials.
        cors_allow_credentials: bool = "CORS_ALLOW_CREDENTIALS", default "true";
    }
}

domain::settings! {
    /// Security headers on every answer.
    AnswerSettings {
        /// Send them at all.
        enabled: bool = "SECURITY_HEADERS_ENABLED", default "true";
        /// `DENY`, `SAMEORIGIN` or `ALLOW-ALL`; also decides `frame-ancestors`.
        x_frame_options: String = "X_FRAME_OPTIONS", default "DENY";
        /// Send `X-Content-Type-Options: nosniff`.
        nosniff: bool = "X_CONTENT_TYPE_OPTIONS_ENABLED", default "true";
        /// Send `X-XSS-Protection: 0`.
        xss_protection: bool = "X_XSS_PROTECTION_ENABLED", default "true";
        /// Send `X-Download-Options: noopen`.
        download_options: bool = "X_DOWNLOAD_OPTIONS_ENABLED", default "true";
        /// Send `Strict-Transport-Security` on answers to https requests.
        hsts_enabled: bool = "HSTS_ENABLED", default "true";
        /// Seconds that browsers remember it.
        hsts_max_age: u64 = "HSTS_MAX_AGE", default "31536000";
        /// Let it count for subdomains.
        hsts_include_subdomains: bool = "HSTS_INCLUDE_SUBDOMAINS", default "true";
    }
}

domain::settings! {
    /// Sizes and times of requests.
    LimitSettings {
        /// Refuse requests with larger headers than the three settings below say.
        header_limits_enabled: bool = "HEADER_SIZE_VALIDATION_ENABLED", default "true";
        /// Bytes of all header fields together.
        max_header_total: usize = "MAX_HEADER_TOTAL_SIZE_BYTES", default "16384";
        /// Bytes of one header field.
        max_header_field: usize = "MAX_HEADER_FIELD_SIZE_BYTES", default "8192";
        /// Number of header fields.
        max_header_count: usize = "MAX_HEADER_COUNT", default "100";
        /// Bytes of a request body.
        max_body_bytes: u64 = "MAX_REQUEST_BODY_BYTES", default "4194304";
        /// Seconds until a request other than an MCP request has to be answered.
        request_timeout_seconds: u64 = "REQUEST_TIMEOUT_SECONDS", default "120";
    }
}

domain::settings! {
    /// Surfaces that can be switched off. A surface that is off does not exist: its paths answer 404.
    FeatureSettings {
        /// The administration pages.
        ui_enabled: bool = "MCPGATEWAY_UI_ENABLED", default "false";
        /// The administration API.
        admin_api_enabled: bool = "MCPGATEWAY_ADMIN_API_ENABLED", default "false";
        /// Accounts with e-mail address and password, their sessions, teams, roles and API tokens: `/auth`, `/teams`, `/rbac` and `/tokens`. Without, people come with tokens of another issuer or through a reverse proxy.
        email_auth_enabled: bool = "EMAIL_AUTH_ENABLED", default "true";
        /// Import of many tools at once.
        bulk_import_enabled: bool = "MCPGATEWAY_BULK_IMPORT_ENABLED", default "true";
        /// Agents.
        a2a_enabled: bool = "MCPGATEWAY_A2A_ENABLED", default "true";
        /// The REST API without `/v1` in its paths.
        legacy_api_enabled: bool = "LEGACY_API_ENABLED", default "true";
        /// The `Sunset` header of answers of that API.
        legacy_api_sunset_date: String = "LEGACY_API_SUNSET_DATE", default "Sat, 26 Sep 2026 00:00:00 GMT";
        /// Programs that serve tools over a connection which they open.
        reverse_proxy_enabled: bool = "MCPGATEWAY_REVERSE_PROXY_ENABLED", default "false";
        /// MCP over a WebSocket at `/ws` and `/servers/{id}/ws`.
        ws_relay_enabled: bool = "MCPGATEWAY_WS_RELAY_ENABLED", default "false";
        /// Counters at `/metrics/prometheus`.
        metrics_enabled: bool = "ENABLE_METRICS", default "true";
    }
}

domain::settings! {
    /// Files under `/.well-known`.
    WellKnownSettings {
        /// Serve them at all.
        enabled: bool = "WELL_KNOWN_ENABLED", default "true";
        /// `robots.txt`; `\n` starts a new line.
        robots_txt: String = "WELL_KNOWN_ROBOTS_TXT", default "User-agent: *\\nDisallow: /";
        /// `security.txt` (RFC 9116); `\n` starts a new line. Not served while empty.
        security_txt: Option<String> = "WELL_KNOWN_SECURITY_TXT";
    }
}

/// What a section is for, and its settings.
pub type Section = (&'static [&'static str], &'static [Setting]);

/// All that the web front is configured with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address and names.
    pub listen: ListenSettings,
    /// Browsers.
    pub origins: OriginSettings,
    /// Credentials.
    pub credentials: CredentialSettings,
    /// Cookies.
    pub cookies: CookieSettings,
    /// Security headers.
    pub answers: AnswerSettings,
    /// Pages.
    pub pages: PageSettings,
    /// Sizes and times.
    pub limits: LimitSettings,
    /// Surfaces.
    pub features: FeatureSettings,
    /// Streams to clients.
    pub streams: StreamSettings,
    /// Other processes of this gateway.
    pub replicas: ReplicaSettings,
    /// Files.
    pub well_known: WellKnownSettings,
    /// The deployment.
    pub environment: Environment,
}

impl Settings {
    /// What every section is for, and its settings.
    pub fn sections() -> Vec<Section> {
        vec![
            (ListenSettings::ABOUT, ListenSettings::REFERENCE),
            (OriginSettings::ABOUT, OriginSettings::REFERENCE),
            (CredentialSettings::ABOUT, CredentialSettings::REFERENCE),
            (CookieSettings::ABOUT, CookieSettings::REFERENCE),
            (AnswerSettings::ABOUT, AnswerSettings::REFERENCE),
            (PageSettings::ABOUT, PageSettings::REFERENCE),
            (LimitSettings::ABOUT, LimitSettings::REFERENCE),
            (FeatureSettings::ABOUT, FeatureSettings::REFERENCE),
            (StreamSettings::ABOUT, StreamSettings::REFERENCE),
            (ReplicaSettings::ABOUT, ReplicaSettings::REFERENCE),
            (WellKnownSettings::ABOUT, WellKnownSettings::REFERENCE),
        ]
    }

    /// Reads every section; what is wrong is noted in `env`.
    pub fn read(env: &mut Env) -> Option<Self> {
        // The section of the process reports a wrong name; here it counts as the strictest.
        let environment = env.text("ENVIRONMENT");
        let environment = Environment::parse(Some(environment.as_deref().unwrap_or("development")));
        let environment = environment.unwrap_or(Environment::Production);
        let listen = ListenSettings::read(env);
        let origins = OriginSettings::read(env);
        let credentials = CredentialSettings::read(env);
        let cookies = CookieSettings::read(env);
        let answers = AnswerSettings::read(env);
        let pages = PageSettings::read(env);
        let limits = LimitSettings::read(env);
        let features = FeatureSettings::read(env);
        let streams = StreamSettings::read(env);
        let replicas = ReplicaSettings::read(env);
        let well_known = WellKnownSettings::read(env);
        let settings = Self {
            listen: listen?,
            origins: origins?,
            credentials: credentials?,
            cookies: cookies?,
            answers: answers?,
            pages: pages?,
            limits: limits?,
            features: features?,
            streams: streams?,
            replicas: replicas?,
            well_known: well_known?,
            environment,
        };
        let before = env.problems.len();
        settings.check(env);
        (env.problems.len() == before).then_some(settings)
    }

    fn check(&self, env: &mut Env) {
        let production = self.environment == Environment::Production;
        let has_proxies = !self.listen.trusted_proxies.0.is_empty();
        credentials::check(&self.credentials, &self.cookies, env, (production, has_proxies));
        streams::check(&self.streams, env);
        replicas::check(&self.replicas, env);
        if !matches!(self.answers.x_frame_options.as_str(), "DENY" | "SAMEORIGIN" | "ALLOW-ALL") {
            env.problem("X_FRAME_OPTIONS", "must be DENY, SAMEORIGIN or ALLOW-ALL");
        }
        if !matches!(
            self.listen.trusted_proxy_header.to_ascii_lowercase().as_str(),
            "x-forwarded-for" | "forwarded"
        ) {
            env.problem("TRUSTED_PROXY_HEADER", "must be x-forwarded-for or forwarded");
        }
        if !(1..=3600).contains(&self.listen.header_timeout_seconds) {
            env.problem("HEADER_TIMEOUT_SECONDS", "must be 1 to 3600");
        }
        if self.listen.root_path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            env.problem("APP_ROOT_PATH", "must begin with /");
        }
        if self.app_origin().is_none() {
            env.problem("APP_DOMAIN", "must be a URL such as https://mcp.example.com, or a host name");
        }
        for origin in &self.origins.allowed_origins.0 {
            if origin_of(origin).is_none() {
                let message = format!(
                    "{origin:?} is no origin; write scheme://host or scheme://host:port, one for each"
                );
                env.problem("ALLOWED_ORIGINS", message);
            }
        }
    }

    /// The origin of `APP_DOMAIN`. A name alone is taken as https in production, else as http.
    pub fn app_origin(&self) -> Option<String> {
        let domain = self.listen.app_domain.trim();
        if domain.contains("://") {
            return origin_of(domain);
        }
        let scheme = if self.environment == Environment::Production { "https" } else { "http" };
        origin_of(&format!("{scheme}://{domain}"))
    }

    /// The name in `APP_DOMAIN`.
    pub fn app_host(&self) -> Option<String> {
        let origin = url::Url::parse(&self.app_origin()?).ok()?;
        origin.host_str().map(str::to_owned)
    }
}

/// The origin of a URL as browsers write it: `https://example.com:8443`. `None` where there is none.
pub(crate) fn origin_of(text: &str) -> Option<String> {
    let url = url::Url::parse(text.trim()).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    web.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let mut env = Env::new(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Settings::read(&mut env).ok_or_else(|| env.problems.iter().map(|p| p.field.clone()).collect())
    }

    #[test]
    fn a_bare_domain_is_https_in_production() {
        let of = |environment| {
            read(&[("APP_DOMAIN", "yourdomain.com"), ("ENVIRONMENT", environment)]).unwrap().app_origin()
        };
        assert_eq!(of("production").as_deref(), Some("https://yourdomain.com"));
        assert_eq!(of("development").as_deref(), Some("http://yourdomain.com"));
    }

    #[test]
    fn every_wrong_value_is_reported() {
        let wrong = [
            ("X_FRAME_OPTIONS", "SOMETIMES"),
            ("ALLOWED_ORIGINS", "*"),
            ("TRUSTED_PROXY_HEADER", "x-real-ip"),
            ("APP_ROOT_PATH", "gateway"),
        ];
        let fields = read(&wrong).unwrap_err();
        assert_eq!(fields, ["X_FRAME_OPTIONS", "TRUSTED_PROXY_HEADER", "APP_ROOT_PATH", "ALLOWED_ORIGINS"]);
        assert_eq!(read(&[("TRUSTED_PROXY_CIDRS", "10.0.0.0")]).unwrap_err(), ["TRUSTED_PROXY_CIDRS"]);
    }

    #[test]
    fn the_defaults_are_good() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.app_host().as_deref(), Some("localhost"));
        assert!(!settings.features.ui_enabled && settings.features.legacy_api_enabled);
    }
}
