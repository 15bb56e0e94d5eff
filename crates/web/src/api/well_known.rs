//! Files under `/.well-known`, public by their nature (contract, section 16), and the keys that verify our tokens.

use std::time::Duration;

use domain::Timestamp;
use http::{
    HeaderName, HeaderValue, Method,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    guard::Public,
    routes::Api,
    settings::{Settings, WellKnownSettings},
};

/// How long a `security.txt` without a time of its own is good for.
const FRESH: Duration = Duration::from_hours(180 * 24);

/// Short, so that a key of a rotation is seen soon.
const KEYS_FRESH: HeaderValue = HeaderValue::from_static("public, max-age=60");

type Text = ([(HeaderName, HeaderValue); 2], String);

pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    if !settings.well_known.enabled {
        return api;
    }
    let api = api
        .plain(Method::GET, "/.well-known/robots.txt", robots)
        .plain(Method::GET, "/robots.txt", robots)
        .plain(Method::GET, "/.well-known/jwks.json", keys);
    if settings.well_known.security_txt.is_some() {
        api.plain(Method::GET, "/.well-known/security.txt", security)
    } else {
        api
    }
}

async fn robots(public: Public) -> Text {
    text(lines(&public.app.settings().well_known.robots_txt))
}

async fn security(public: Public) -> Text {
    let settings = &public.app.settings().well_known;
    let mut given = lines(settings.security_txt.as_deref().unwrap_or_default());
    if field(&given, "expires").is_none() {
        let expires = public.app.engine().clock().now().plus(FRESH).seconds();
        given = format!("{given}Expires: {}\n", Timestamp::from_seconds(expires));
    }
    text(given)
}

/// The public keys of the ring (RFC 7517); an empty set where a shared secret signs.
async fn keys(public: Public) -> Text {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    let text = public.app.engine().token_keys().jwks().to_string();
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEYS_FRESH)], text)
}

fn text(text: String) -> Text {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"))], text)
}

/// `\n` as it is written in environment variables becomes a line end, and the text ends with one.
fn lines(given: &str) -> String {
    let mut text = given.replace("\\r", "").replace("\\n", "\n").replace('\r', "");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The value of a field of `security.txt`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// What is wrong with the configured `security.txt` (RFC 9116, section 2.5), if anything.
pub(crate) fn security_txt_problem(settings: &WellKnownSettings, now: Timestamp) -> Option<String> {
    let text = lines(settings.security_txt.as_deref()?);
    if field(&text, "contact").is_none() {
        return Some("needs a line `Contact: mailto:…` or `Contact: https://…`".to_owned());
    }
    // Without the line, one that is always fresh is added.
    let expires = field(&text, "expires")?;
    match OffsetDateTime::parse(expires.trim(), &Rfc3339) {
        Err(_) => Some("its `Expires` must be a time such as 2027-12-31T23:59:59Z".to_owned()),
        Ok(time) if time.unix_timestamp() <= now.seconds() => {
            Some(format!("it has expired at {}; readers will not trust it", expires.trim()))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_line_ends() {
        assert_eq!(lines("User-agent: *\\nDisallow: /"), "User-agent: *\nDisallow: /\n");
        assert_eq!(lines("a\\r\\nb\n"), "a\nb\n");
    }

    #[test]
    fn a_stale_security_txt_is_noticed() {
        let problem = |text: Option<&str>| {
            let settings = WellKnownSettings {
                enabled: true,
                robots_txt: String::new(),
                security_txt: text.map(str::to_owned),
            };
            security_txt_problem(&settings, Timestamp::from_seconds(1_800_000_000))
        };
        assert_eq!(problem(None), None);
        assert_eq!(problem(Some("Contact: mailto:a@b.c\\nExpires: 2030-12-31T23:59:59Z")), None);
        assert!(
            problem(Some("Contact: mailto:a@b.c\\nExpires: 2025-12-31T23:59:59Z"))
                .unwrap()
                .contains("expired")
        );
        assert!(problem(Some("Expires: 2030-12-31T23:59:59Z")).unwrap().contains("Contact"));
        assert!(problem(Some("Contact: x\\nExpires: soon")).unwrap().contains("Expires"));
        assert_eq!(problem(Some("Contact: x")), None, "the time is added");
    }
}
