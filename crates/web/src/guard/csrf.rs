//! Writes of a session that lives in a cookie: a browser sends the cookie for any page, so the page has to show that
//! it is ours.
//!
//! It shows the token of this very session in a header, which a page of another site can neither read nor send, and
//! the cookie of the same token; and the request says where it comes from. There is no list of paths that are free
//! of it. A bearer token needs none of this: no browser sends it on its own.

use domain::Actor;
use http::{
    HeaderMap, HeaderName, Method,
    header::{HOST, ORIGIN, REFERER},
    request::Parts,
};

use super::credentials::Refusal;
use crate::{app::App, layers::without_secret, settings::Settings};

/// What is demanded.
#[derive(Debug)]
pub(crate) struct CsrfRules {
    enabled: bool,
    header: HeaderName,
    check_referer: bool,
    allowed: Vec<String>,
}

/// Why a write was refused, for the log.
type Why = &'static str;

impl CsrfRules {
    pub(crate) fn new(settings: &Settings) -> Self {
        let cookies = &settings.cookies;
        let header = HeaderName::try_from(cookies.csrf_header.as_str());
        let listed = settings.origins.allowed_origins.0.iter();
        let mut allowed: Vec<String> = listed.filter_map(|text| crate::settings::origin_of(text)).collect();
        allowed.extend(settings.app_origin());
        Self {
            enabled: cookies.csrf_enabled,
            header: header.unwrap_or(HeaderName::from_static("x-csrf-token")),
            check_referer: cookies.check_referer,
            allowed,
        }
    }

    /// The header that a page sends.
    pub(crate) fn header(&self) -> &HeaderName {
        &self.header
    }
}

/// Checks a request that came in with a session's cookie.
pub(super) fn check(parts: &Parts, app: &App, actor: &Actor) -> Result<(), Refusal> {
    let rules = &app.credential_rules().csrf;
    if !rules.enabled || parts.method.is_safe() || parts.method == Method::OPTIONS {
        return Ok(());
    }
    let checked = check_source(rules, &parts.headers).and_then(|()| check_token(parts, app, actor));
    checked.map_err(|why| {
        tracing::info!(user = %actor.email, path = &*without_secret(parts.uri.path()), why, "a forged request was refused");
        Refusal::Forged
    })
}

/// The `Origin` of every request was compared already, where there is one.
fn check_source(rules: &CsrfRules, headers: &HeaderMap) -> Result<(), Why> {
    if !rules.check_referer || headers.contains_key(ORIGIN) {
        return Ok(());
    }
    let referer =
        headers.get(REFERER).and_then(|value| value.to_str().ok()).ok_or("neither Origin nor Referer")?;
    let page = url::Url::parse(referer).map_err(|_| "the Referer is no URL")?;
    let origin = page.origin().ascii_serialization();
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let own = authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host));
    if own || rules.allowed.contains(&origin) { Ok(()) } else { Err("the Referer is foreign") }
}

fn check_token(parts: &Parts, app: &App, actor: &Actor) -> Result<(), Why> {
    let rules = app.credential_rules();
    let mut given = parts.headers.get_all(&rules.csrf.header).iter();
    let header = given.next().and_then(|value| value.to_str().ok()).ok_or("no token in the header")?;
    if given.next().is_some() {
        return Err("two tokens in the header");
    }
    let cookie = rules.cookies.csrf_of(&parts.headers).ok_or("no token in the cookie")?;
    let session = actor.token_id.as_deref().ok_or("a session without an id")?;
    let fits = |token: &str| engine::people::csrf_token_fits(app.engine(), &actor.email, session, token);
    if header == cookie && fits(header) { Ok(()) } else { Err("the token is not this session's") }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_write_says_where_it_comes_from() {
        let rules = CsrfRules::new(&Settings::read(&mut domain::Env::new([])).unwrap());
        let of = |list: &[(HeaderName, &'static str)]| {
            let headers = list.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            check_source(&rules, &headers.collect())
        };
        assert!(of(&[]).is_err());
        assert!(of(&[(ORIGIN, "http://localhost:4444")]).is_ok(), "compared before");
        assert!(of(&[(HOST, "gw.example.com"), (REFERER, "https://gw.example.com/admin/")]).is_ok());
        assert!(of(&[(HOST, "gw.example.com"), (REFERER, "https://gw.example.com.evil.example/")]).is_err());
        assert!(of(&[(HOST, "gw.example.com"), (REFERER, "nonsense")]).is_err());
        assert!(of(&[(HOST, "x"), (REFERER, "http://localhost:4444/admin/")]).is_ok(), "APP_DOMAIN");
    }
}
