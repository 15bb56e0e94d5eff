//! Cookies: reading them, and writing those of a session.
//!
//! A session's cookie is for browsers that show our pages. A program has the header; a request with the cookie that
//! does not look like a page's is refused, so that no script elsewhere can borrow a browser's session for the API.
//!
//! ContextForge's name for it, `jwt_token`, gets the prefix `__Host-` wherever browsers keep such a cookie, which is with
//! `Secure` and the path `/`: a neighbour under the same domain can then plant no session of its own, and the name
//! without the prefix is not read.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, COOKIE, REFERER},
};

use crate::settings::Settings;

/// The cookie of a session where no neighbour can have written it.
const HOST_SESSION: &str = "__Host-jwt_token";
/// The same without TLS, or below a path.
const SESSION: &str = "jwt_token";
/// What some of ContextForge's pages used for the same.
const OLD_SESSION: &str = "access_token";
/// Browsers drop larger cookies.
const LARGEST: usize = 4096;
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");

/// How cookies are written.
#[derive(Debug)]
pub(crate) struct CookieRules {
    session_name: &'static str,
    csrf_name: String,
    attributes: String,
    csrf_attributes: String,
    admin_pages: String,
}

impl CookieRules {
    pub(crate) fn new(settings: &Settings) -> Self {
        let cookies = &settings.cookies;
        let production = settings.environment == engine::settings::Environment::Production;
        let secure = if cookies.secure || production { "; Secure" } else { "" };
        let root = settings.listen.root_path.as_deref().unwrap_or_default().trim_end_matches('/');
        let path = if root.is_empty() { "/" } else { root };
        let same_site = match cookies.same_site.to_ascii_lowercase().as_str() {
            "strict" => "Strict",
            "none" => "None",
            _ => "Lax",
        };
        Self {
            session_name: if secure.is_empty() || path != "/" { SESSION } else { HOST_SESSION },
            csrf_name: cookies.csrf_cookie.clone(),
            attributes: format!("; Path={path}; HttpOnly; SameSite={same_site}{secure}"),
            // A script of ours has to read this one, and no request of another site needs it.
            csrf_attributes: format!("; Path={path}; SameSite=Strict{secure}"),
            admin_pages: format!("{root}/admin"),
        }
    }

    /// The cookie of a new session; nothing where a browser would not keep it.
    pub(crate) fn session(&self, token: &str, seconds: u64) -> Option<HeaderValue> {
        let text = format!("{}={token}; Max-Age={seconds}{}", self.session_name, self.attributes);
        (text.len() <= LARGEST).then(|| HeaderValue::try_from(text).ok()).flatten()
    }

    /// The cookie of a token against forged requests.
    pub(crate) fn csrf(&self, token: &str, seconds: u64) -> Option<HeaderValue> {
        let text = format!("{}={token}; Max-Age={seconds}{}", self.csrf_name, self.csrf_attributes);
        HeaderValue::try_from(text).ok()
    }

    /// What makes a browser forget all of them.
    pub(crate) fn forget(&self) -> Vec<HeaderValue> {
        let empty = |name: &str, attributes: &str| format!("{name}=; Max-Age=0{attributes}");
        let texts = [
            empty(HOST_SESSION, &self.attributes),
            empty(SESSION, &self.attributes),
            empty(OLD_SESSION, &self.attributes),
            empty(&self.csrf_name, &self.csrf_attributes),
        ];
        texts.into_iter().filter_map(|text| HeaderValue::try_from(text).ok()).collect()
    }

    /// The session that the browser keeps.
    pub(crate) fn session_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        match self.session_name {
            HOST_SESSION => value(headers, HOST_SESSION),
            name => value(headers, name).or_else(|| value(headers, OLD_SESSION)),
        }
    }

    /// The token against forged requests that the browser keeps.
    pub(crate) fn csrf_of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        value(headers, &self.csrf_name)
    }

    /// Whether a request looks like one of a browser that shows a page, or of a script on one of our pages.
    pub(crate) fn looks_like_a_browser(&self, headers: &HeaderMap) -> bool {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        text(&ACCEPT).is_some_and(|accept| accept.contains("text/html"))
            || text(&HX_REQUEST) == Some("true")
            || text(&REFERER).and_then(|referer| url::Url::parse(referer).ok()).is_some_and(|page| {
                let path = page.path();
                path == self.admin_pages || path.starts_with(&format!("{}/", self.admin_pages))
            })
    }
}

/// The value of a cookie. One that comes twice is one that somebody planted beside ours: neither counts.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'));
    values.next().filter(|value| !value.is_empty() && values.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_static(value));
        }
        headers
    }

    fn rules(vars: &[(&str, &str)]) -> CookieRules {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        CookieRules::new(&Settings::read(&mut domain::Env::new(vars)).unwrap())
    }

    #[test]
    fn a_cookie_counts_where_it_comes_once() {
        let of = |rules: &CookieRules, lines: &[&'static str]| {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            rules.session_of(&headers(&lines)).map(str::to_owned)
        };
        let plain = rules(&[("SECURE_COOKIES", "false")]);
        assert_eq!(of(&plain, &["a=b; jwt_token=x.y.z; c=d"]).as_deref(), Some("x.y.z"));
        assert_eq!(of(&plain, &["access_token=x"]).as_deref(), Some("x"));
        assert_eq!(of(&plain, &["jwt_token=x; jwt_token=y"]), None);
        assert_eq!(of(&plain, &["jwt_token=x", "jwt_token=y"]), None);
        assert_eq!(of(&plain, &["jwt_token=; xjwt_token=y"]), None);
        let host = rules(&[]);
        let both = "jwt_token=planted; __Host-jwt_token=x; access_token=planted";
        assert_eq!(of(&host, &[both]).as_deref(), Some("x"));
        assert_eq!(of(&host, &["__Host-jwt_token=x; __Host-jwt_token=y"]), None);
        assert_eq!(
            of(&host, &["jwt_token=planted; access_token=planted"]),
            None,
            "a neighbour can write these"
        );
    }

    #[test]
    fn attributes_follow_the_settings() {
        let text = |vars: &[(&str, &str)]| rules(vars).session("t", 60).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(&[]), "__Host-jwt_token=t; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure");
        let below = [("APP_ROOT_PATH", "/gw/")];
        assert_eq!(text(&below), "jwt_token=t; Max-Age=60; Path=/gw; HttpOnly; SameSite=Lax; Secure");
        let plain = [("SECURE_COOKIES", "false"), ("COOKIE_SAMESITE", "strict"), ("APP_ROOT_PATH", "/gw/")];
        assert_eq!(text(&plain), "jwt_token=t; Max-Age=60; Path=/gw; HttpOnly; SameSite=Strict");
        let production = [("SECURE_COOKIES", "false"), ("ENVIRONMENT", "production")];
        assert!(text(&production).ends_with("; Secure"), "whatever the setting says");
        assert!(rules(&[]).session(&"x".repeat(5000), 60).is_none());
        let csrf = rules(&[]).csrf("t", 60).unwrap();
        assert!(!csrf.to_str().unwrap().contains("HttpOnly"), "{csrf:?}");
        assert!(csrf.to_str().unwrap().contains("SameSite=Strict"));
    }

    #[test]
    fn pages_look_like_browsers_and_programs_do_not() {
        let rules = rules(&[]);
        let of = |list: &[(&str, &'static str)]| rules.looks_like_a_browser(&headers(list));
        assert!(of(&[("accept", "text/html,*/*")]) && of(&[("hx-request", "true")]));
        assert!(of(&[("referer", "https://gw.example.com/admin/#tools")]));
        assert!(of(&[("referer", "https://gw.example.com/admin")]));
        assert!(!of(&[]) && !of(&[("accept", "application/json")]) && !of(&[("hx-request", "1")]));
        assert!(!of(&[("referer", "https://gw.example.com/administrator")]));
    }
}
