//! What a request shows of who it is from, in order: the header, the cookie of a browser, a reverse proxy's word.
//!
//! Only the first that is there counts. A header that is there but is no single credential is a failed
//! authentication, never an anonymous request; a worse credential beside a better one is not looked at.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Caller, Error, Secret};
use engine::{
    authn::{self, Admitted, Credentials},
    people,
};
use http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts};

use super::{
    cookies::CookieRules,
    csrf::{self, CsrfRules},
    is_mcp,
    proxy_user::{ProxyUsers, Vouched},
};
use crate::{app::App, layers::Peer, settings::Settings};

const MALFORMED: Error = Error::Unauthenticated("Invalid authentication credentials");
const NOT_FOR_PROGRAMS: Error =
    Error::Unauthenticated("Cookie authentication not allowed for API requests. Use Authorization header.");

/// How somebody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameBy {
    /// A token in the header.
    Header,
    /// A session in a cookie.
    Cookie,
    /// Basic credentials.
    Basic,
    /// The word of a reverse proxy.
    Proxy,
    /// Nothing: anonymous callers are let in.
    Nothing,
}

/// Why somebody did not come in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// For a reason that any part of the program could have.
    Error(Error),
    /// The request may be forged.
    Forged,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What counts as a credential, worked out once.
#[derive(Debug)]
pub(crate) struct CredentialRules {
    header: HeaderName,
    basic_for_api: bool,
    basic_for_docs: bool,
    pub(crate) cookies: CookieRules,
    pub(crate) csrf: CsrfRules,
    pub(crate) proxy_users: ProxyUsers,
}

impl CredentialRules {
    pub(crate) fn new(settings: &Settings, entry: &engine::settings::EntrySettings) -> Self {
        let header = HeaderName::try_from(settings.credentials.auth_header.as_str());
        let proxy_users = ProxyUsers::new(settings);
        proxy_users.warn(!settings.listen.trusted_proxies.0.is_empty());
        Self {
            header: header.unwrap_or(AUTHORIZATION),
            basic_for_api: entry.api_basic,
            basic_for_docs: entry.docs_basic,
            cookies: CookieRules::new(settings),
            csrf: CsrfRules::new(settings),
            proxy_users,
        }
    }

    /// Removes what names a user or holds a token under a name that the operator chose.
    pub(super) fn take_away(&self, headers: &mut HeaderMap) {
        headers.remove(self.proxy_users.header());
        if self.header != AUTHORIZATION {
            headers.remove(&self.header);
        }
    }

    /// Whether Basic credentials are taken for a path. MCP clients have tokens.
    pub(super) fn takes_basic(&self, path: &str) -> bool {
        match path {
            "/docs" | "/redoc" | "/openapi.json" => self.basic_for_docs,
            path => self.basic_for_api && !is_mcp(path),
        }
    }
}

/// A token that came with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<'a> {
    pub(crate) token: &'a str,
    pub(crate) by: CameBy,
}

/// A credential in the header.
#[derive(Debug, PartialEq, Eq)]
enum InHeader<'a> {
    Bearer(&'a str),
    Basic(&'a str),
}

/// Who is asking, and how they came in.
pub(super) async fn authenticate(
    parts: &Parts,
    app: &App,
    caller: &Caller,
) -> Result<(Admitted, CameBy), Refusal> {
    let rules = app.credential_rules();
    match in_header(&parts.headers, &rules.header)? {
        Some(InHeader::Bearer(token)) => {
            return with_token(parts, app, caller, Shown { token, by: CameBy::Header }).await;
        }
        Some(InHeader::Basic(encoded)) => {
            let admitted = basic(parts.uri.path(), app, caller, encoded).await?;
            return Ok((admitted, CameBy::Basic));
        }
        None => {}
    }
    if let Some(shown) = in_cookie(parts, rules)? {
        return with_token(parts, app, caller, shown).await;
    }
    let mcp = is_mcp(parts.uri.path());
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    match rules.proxy_users.of(&parts.headers, mcp, peer, |ip| app.edge().trusts(ip))? {
        Vouched::For(name) => Ok((people::by_proxy(app.engine(), name).await?, CameBy::Proxy)),
        Vouched::Refused => {
            tracing::warn!(
                peer = peer.map(tracing::field::display),
                "a stranger names a user; TRUSTED_PROXY_CIDRS does not have it"
            );
            Err(Error::Unauthenticated("Authorization token required").into())
        }
        Vouched::Nothing => {
            let nothing = Credentials { bearer: None, ip: caller.ip, mcp };
            Ok((authn::authenticate(app.engine(), nothing).await?, CameBy::Nothing))
        }
    }
}

async fn with_token(
    parts: &Parts,
    app: &App,
    caller: &Caller,
    shown: Shown<'_>,
) -> Result<(Admitted, CameBy), Refusal> {
    let credentials = Credentials { bearer: Some(shown.token), ip: caller.ip, mcp: false };
    let admitted = authn::authenticate(app.engine(), credentials).await?;
    people::used(app.engine(), &admitted.actor, shown.token).await?;
    if shown.by == CameBy::Cookie {
        csrf::check(parts, app, &admitted.actor)?;
    }
    Ok((admitted, shown.by))
}

/// The token of a request, from the header or from a browser's cookie.
pub(crate) fn token_of<'a>(parts: &'a Parts, app: &App) -> Result<Option<Shown<'a>>, Error> {
    let rules = app.credential_rules();
    match in_header(&parts.headers, &rules.header)? {
        Some(InHeader::Bearer(token)) => Ok(Some(Shown { token, by: CameBy::Header })),
        Some(InHeader::Basic(_)) => Ok(None),
        None => in_cookie(parts, rules),
    }
}

fn in_cookie<'a>(parts: &'a Parts, rules: &CredentialRules) -> Result<Option<Shown<'a>>, Error> {
    let Some(token) = rules.cookies.session_of(&parts.headers) else { return Ok(None) };
    if is_mcp(parts.uri.path()) || !rules.cookies.looks_like_a_browser(&parts.headers) {
        return Err(NOT_FOR_PROGRAMS);
    }
    Ok(Some(Shown { token, by: CameBy::Cookie }))
}

fn in_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<InHeader<'a>>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(MALFORMED);
    }
    let (scheme, credential) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(MALFORMED)?;
    let credential = credential.trim();
    if credential.is_empty() || !is_token68(credential) {
        return Err(MALFORMED);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(InHeader::Bearer(credential)))
    } else if scheme.eq_ignore_ascii_case("basic") {
        Ok(Some(InHeader::Basic(credential)))
    } else {
        Err(MALFORMED)
    }
}

/// Whether a text has only the characters of a credential (RFC 9110, section 11.2). Without an early end, so that it is
/// done many bytes at a time: tokens are long, and this is on the path of every call.
fn is_token68(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    text.bytes().fold(true, |all, byte| all & allowed(byte))
}

async fn basic(path: &str, app: &App, caller: &Caller, encoded: &str) -> Result<Admitted, Error> {
    if !app.credential_rules().takes_basic(path) {
        return Err(MALFORMED);
    }
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = Secret::new(text.ok_or(MALFORMED)?);
    let pair = text.expose().split_once(':').ok_or(MALFORMED)?;
    people::by_basic(app.engine(), caller, pair).await
}

/// The credential in a header alone, for the fuzz targets.
#[cfg(fuzzing)]
pub(crate) fn credential<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Error> {
    let found = in_header(headers, name)?;
    Ok(found.map(|found| match found {
        InHeader::Bearer(credential) | InHeader::Basic(credential) => credential,
    }))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> Result<Option<String>, Error> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        in_header(&headers, &AUTHORIZATION).map(|found| {
            found.map(|found| match found {
                InHeader::Bearer(token) => token.to_owned(),
                InHeader::Basic(encoded) => format!("basic:{encoded}"),
            })
        })
    }

    #[test]
    fn a_malformed_header_is_never_anonymous() {
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&["bEaReR a.b-c_d"]).unwrap().as_deref(), Some("a.b-c_d"));
        assert_eq!(of(&["Basic YTpi"]).unwrap().as_deref(), Some("basic:YTpi"));
        for wrong in ["Bearer", "Bearer ", "Digest YTpi", "a.b.c", "Bearer a, Bearer b", "Bearer a b", ""] {
            assert!(of(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(of(&["Bearer a", "Bearer a"]).is_err());
    }
}
