//! Settings of what counts as a credential: headers, cookies, and reverse proxies that vouch for people.
//!
//! A reverse proxy is believed by its address. ContextForge asks for two flags instead of an address; here the second
//! flag is what it says, dangerous: it lets anybody who reaches the port be anybody.

use domain::Env;

domain::settings! {
    /// Credentials: where they are looked for, and who may vouch for whom.
    CredentialSettings {
        /// The header that carries the bearer token.
        auth_header: String = "AUTH_HEADER_NAME", default "Authorization";
        /// Take the name of the user from a header of a reverse proxy in TRUSTED_PROXY_CIDRS.
        trust_proxy: bool = "TRUST_PROXY_AUTH", default "false";
        /// Take it from whoever connects, where TRUSTED_PROXY_CIDRS is empty. Anybody who reaches the port can then be anybody.
        trust_anybody: bool = "TRUST_PROXY_AUTH_DANGEROUSLY", default "false";
        /// The header in which the reverse proxy writes the user's e-mail address.
        proxy_user_header: String = "PROXY_USER_HEADER", default "X-Authenticated-User";
        /// Whether MCP clients need a token of their own. `false` lets the reverse proxy vouch for them too.
        mcp_client_auth: bool = "MCP_CLIENT_AUTH_ENABLED", default "true";
    }
}

domain::settings! {
    /// Cookies, and requests that pages forge.
    CookieSettings {
        /// Mark cookies `Secure`. Always so in production.
        secure: bool = "SECURE_COOKIES", default "true";
        /// `lax`, `strict` or `none`.
        same_site: String = "COOKIE_SAMESITE", default "lax";
        /// Demand a token with every write of a session that lives in a cookie. Cannot be switched off in production.
        csrf_enabled: bool = "CSRF_ENABLED", default "true";
        /// The header of that token.
        csrf_header: String = "CSRF_TOKEN_NAME", default "X-CSRF-Token";
        /// The cookie of that token, which scripts of our pages read.
        csrf_cookie: String = "CSRF_COOKIE_NAME", default "mcpgateway_csrf_token";
        /// Demand that such writes say, in `Origin` or `Referer`, that they come from a page of ours.
        check_referer: bool = "CSRF_CHECK_REFERER", default "true";
    }
}

/// Notes what is wrong with both sections.
pub(super) fn check(
    credentials: &CredentialSettings,
    cookies: &CookieSettings,
    env: &mut Env,
    (production, has_proxies): (bool, bool),
) {
    for (name, header) in [
        ("AUTH_HEADER_NAME", &credentials.auth_header),
        ("PROXY_USER_HEADER", &credentials.proxy_user_header),
        ("CSRF_TOKEN_NAME", &cookies.csrf_header),
    ] {
        if http::HeaderName::try_from(header.as_str()).is_err() {
            env.problem(name, "must be the name of a header");
        }
    }
    if credentials.proxy_user_header.eq_ignore_ascii_case(&credentials.auth_header) {
        env.problem("PROXY_USER_HEADER", "must not be the header of the token");
    }
    if production && credentials.trust_proxy && !has_proxies && !credentials.trust_anybody {
        env.problem("TRUST_PROXY_AUTH", "needs TRUSTED_PROXY_CIDRS: the networks of the proxies to believe");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if cookies.csrf_cookie.is_empty() || !cookies.csrf_cookie.chars().all(plain) {
        env.problem("CSRF_COOKIE_NAME", "must be letters, digits, '_' or '-'");
    }
    let same_site = cookies.same_site.to_ascii_lowercase();
    if !matches!(same_site.as_str(), "lax" | "strict" | "none") {
        env.problem("COOKIE_SAMESITE", "must be lax, strict or none");
    }
    if same_site == "none" && !cookies.secure && !production {
        env.problem(
            "COOKIE_SAMESITE",
            "none needs SECURE_COOKIES=true: browsers drop such cookies otherwise",
        );
    }
    if production && !cookies.csrf_enabled {
        env.problem("CSRF_ENABLED", "cannot be switched off in production");
    }
}
