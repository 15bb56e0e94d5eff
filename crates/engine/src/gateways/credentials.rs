//! Credentials that are presented upstream: how they are given, kept and shown.
//!
//! They rest sealed and bound to their row, live decrypted only in the catalogue and in requests, and leave the
//! process only towards their upstream. A reader sees [`MASK`]; a writer who sends it back keeps what is stored.

use domain::{Error, Problem, Result, Secret, gateway::UpstreamAuth, id::GatewayId};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::crypt::Keys;

/// What stands for a secret in every answer.
pub const MASK: &str = "*****";

/// Headers that belong to the connection or the protocol, not to an operator.
const RESERVED: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Credentials as an input gives them. Absent members are unchanged in an update.
#[derive(Debug, Clone, Default)]
pub struct AuthInput {
    /// `auth_type`.
    pub kind: Option<String>,
    /// `auth_username`.
    pub username: Option<String>,
    /// `auth_password`.
    pub password: Option<Secret<String>>,
    /// `auth_token`.
    pub token: Option<Secret<String>>,
    /// `auth_header_key`.
    pub header_key: Option<String>,
    /// `auth_header_value`.
    pub header_value: Option<Secret<String>>,
    /// `auth_headers`.
    pub headers: Option<Vec<(String, Secret<String>)>>,
}

impl AuthInput {
    /// Whether nothing is said of credentials.
    pub fn is_silent(&self) -> bool {
        self.kind.is_none() && self.guess().is_none()
    }

    /// The kind of credentials that the given members are for.
    fn guess(&self) -> Option<&'static str> {
        if self.token.is_some() {
            Some("bearer")
        } else if self.username.is_some() || self.password.is_some() {
            Some("basic")
        } else if self.header_key.is_some() || self.header_value.is_some() || self.headers.is_some() {
            Some("authheaders")
        } else {
            None
        }
    }

    /// The credentials after this input, where `stored` are the present ones.
    pub(crate) fn resolve(&self, stored: &UpstreamAuth) -> Result<UpstreamAuth, Vec<Problem>> {
        if self.is_silent() {
            return Ok(stored.clone());
        }
        let kind =
            self.kind.as_deref().or_else(|| stored.kind()).or_else(|| self.guess()).unwrap_or_default();
        match kind {
            "" | "none" => Ok(UpstreamAuth::None),
            "basic" => self.basic(stored),
            "bearer" => self.bearer(stored),
            "authheaders" => self.given_headers(stored),
            "oauth" | "query_param" => Err(vec![problem(
                "auth_type",
                &format!("{kind} is not supported here; use basic, bearer or authheaders"),
            )]),
            _ => Err(vec![problem("auth_type", "must be basic, bearer, authheaders or none")]),
        }
    }

    fn basic(&self, stored: &UpstreamAuth) -> Result<UpstreamAuth, Vec<Problem>> {
        let (old_name, old_password) = match stored {
            UpstreamAuth::Basic { username, password } => (Some(username.clone()), Some(password.clone())),
            _ => (None, None),
        };
        let username =
            self.username.clone().or(old_name).filter(|name| !name.is_empty() && !name.contains(':'));
        let password = unmasked(self.password.as_ref(), old_password);
        match (username, password) {
            (Some(username), Some(password)) => Ok(UpstreamAuth::Basic { username, password }),
            (username, password) => Err([
                username
                    .is_none()
                    .then(|| problem("auth_username", "is required for basic and may not hold ':'")),
                password.is_none().then(|| problem("auth_password", "is required for basic")),
            ]
            .into_iter()
            .flatten()
            .collect()),
        }
    }

    fn bearer(&self, stored: &UpstreamAuth) -> Result<UpstreamAuth, Vec<Problem>> {
        let old = match stored {
            UpstreamAuth::Bearer { token } => Some(token.clone()),
            _ => None,
        };
        match unmasked(self.token.as_ref(), old) {
            None => Err(vec![problem("auth_token", "is required for bearer")]),
            Some(token) if HeaderValue::from_str(token.expose()).is_err() => {
                Err(vec![problem("auth_token", "holds characters that a header may not have")])
            }
            Some(token) => Ok(UpstreamAuth::Bearer { token }),
        }
    }

    fn given_headers(&self, stored: &UpstreamAuth) -> Result<UpstreamAuth, Vec<Problem>> {
        let old: &[(String, Secret<String>)] = match stored {
            UpstreamAuth::Headers(headers) => headers,
            _ => &[],
        };
        let mut given = self.headers.clone().unwrap_or_default();
        match (&self.header_key, &self.header_value) {
            (Some(key), Some(value)) => given.push((key.clone(), value.clone())),
            (None, None) => {}
            (None, Some(_)) => {
                return Err(vec![problem("auth_header_key", "is required with auth_header_value")]);
            }
            (Some(_), None) => {
                return Err(vec![problem("auth_header_value", "is required with auth_header_key")]);
            }
        }
        if given.is_empty() && self.headers.is_none() {
            given = old.to_vec();
        }
        let mut problems = Vec::new();
        let mut headers: Vec<(String, Secret<String>)> = Vec::new();
        for (at, (name, value)) in given.into_iter().enumerate() {
            let field = format!("auth_headers[{at}]");
            let kept =
                old.iter().find(|(old, _)| old.eq_ignore_ascii_case(&name)).map(|(_, value)| value.clone());
            match check_header(&name, unmasked(Some(&value), kept)) {
                Ok(value) => {
                    // A name that is given twice counts once, with the later value.
                    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                    headers.push((name, value));
                }
                Err(message) => problems.push(problem(&field, message)),
            }
        }
        if headers.is_empty() && problems.is_empty() {
            problems.push(problem("auth_headers", "needs at least one header for authheaders"));
        }
        if problems.is_empty() { Ok(UpstreamAuth::Headers(headers)) } else { Err(problems) }
    }
}

fn check_header(name: &str, value: Option<Secret<String>>) -> Result<Secret<String>, &'static str> {
    let parsed = HeaderName::try_from(name).map_err(|_| "the name is not the name of a header")?;
    if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("mcp-") {
        return Err("this header belongs to the protocol and cannot be set");
    }
    let value = value.ok_or("the value is masked, and nothing is stored under this name")?;
    if HeaderValue::from_str(value.expose()).is_err() {
        return Err("the value holds characters that a header may not have");
    }
    Ok(value)
}

/// The given secret; the stored one where it is absent or the mask.
fn unmasked(given: Option<&Secret<String>>, stored: Option<Secret<String>>) -> Option<Secret<String>> {
    match given {
        Some(given) if given.expose() != MASK => {
            Some(given.clone()).filter(|secret| !secret.expose().is_empty())
        }
        _ => stored,
    }
}

fn problem(field: &str, message: &str) -> Problem {
    Problem { field: field.to_owned(), message: message.to_owned() }
}

fn place(id: &GatewayId) -> String {
    format!("gateways|{id}|auth")
}

/// The sealed text for the row; `None` where there are no credentials.
pub(crate) fn seal(keys: &Keys, id: &GatewayId, auth: &UpstreamAuth) -> Result<Option<String>> {
    let plain = match auth {
        UpstreamAuth::None => return Ok(None),
        UpstreamAuth::Basic { username, password } => {
            json!({ "kind": "basic", "username": username, "password": password.expose() })
        }
        UpstreamAuth::Bearer { token } => json!({ "kind": "bearer", "token": token.expose() }),
        UpstreamAuth::Headers(headers) => {
            let pairs: Vec<Value> =
                headers.iter().map(|(name, value)| json!([name, value.expose()])).collect();
            json!({ "kind": "authheaders", "headers": pairs })
        }
    };
    let text = Secret::new(plain.to_string());
    keys.seal(&place(id), text.expose().as_bytes()).map(Some)
}

/// Opens what [`seal`] made for the same row.
pub(crate) fn open(keys: &Keys, id: &GatewayId, sealed: Option<&str>) -> Result<UpstreamAuth> {
    let Some(sealed) = sealed else { return Ok(UpstreamAuth::None) };
    let plain = keys.open(&place(id), sealed)?;
    let malformed = || Error::Internal(format!("the stored credential of gateway {id} is malformed"));
    // The parser's own message could quote the secret, so it is dropped.
    let value: Value = serde_json::from_slice(plain.expose()).map_err(|_| malformed())?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(malformed);
    match text("kind")?.as_str() {
        "basic" => {
            Ok(UpstreamAuth::Basic { username: text("username")?, password: text("password")?.into() })
        }
        "bearer" => Ok(UpstreamAuth::Bearer { token: text("token")?.into() }),
        "authheaders" => {
            let pairs = value.get("headers").cloned().ok_or_else(malformed)?;
            let pairs: Vec<(String, String)> = serde_json::from_value(pairs).map_err(|_| malformed())?;
            Ok(UpstreamAuth::Headers(pairs.into_iter().map(|(name, value)| (name, value.into())).collect()))
        }
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn bearer(token: &str) -> UpstreamAuth {
        UpstreamAuth::Bearer { token: secret(token) }
    }

    #[test]
    fn the_mask_keeps_what_is_stored() {
        let masked =
            AuthInput { kind: Some("bearer".into()), token: Some(secret(MASK)), ..AuthInput::default() };
        assert_eq!(masked.resolve(&bearer("old")), Ok(bearer("old")));
        assert!(masked.resolve(&UpstreamAuth::None).is_err(), "there is nothing behind the mask");
        let new = AuthInput { token: Some(secret("new")), ..AuthInput::default() };
        assert_eq!(new.resolve(&bearer("old")), Ok(bearer("new")));
        assert_eq!(new.resolve(&UpstreamAuth::None), Ok(bearer("new")), "the kind follows from the member");
        assert_eq!(AuthInput::default().resolve(&bearer("old")), Ok(bearer("old")));
        let none = AuthInput { kind: Some("none".into()), ..AuthInput::default() };
        assert_eq!(none.resolve(&bearer("old")), Ok(UpstreamAuth::None));
    }

    #[test]
    fn headers_are_checked_and_the_last_of_a_name_counts() {
        let input = |pairs: &[(&str, &str)]| AuthInput {
            kind: Some("authheaders".into()),
            headers: Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect()),
            ..AuthInput::default()
        };
        let both = input(&[("X-Key", "a"), ("x-key", "b")]).resolve(&UpstreamAuth::None);
        assert_eq!(both, Ok(UpstreamAuth::Headers(vec![("x-key".to_owned(), secret("b"))])));
        let wrong =
            input(&[("Host", "a"), ("Mcp-Session-Id", "a"), ("a b", "c"), ("X", "a\nb"), ("Y", MASK)]);
        assert_eq!(wrong.resolve(&UpstreamAuth::None).unwrap_err().len(), 5);
    }

    #[test]
    fn missing_and_unsupported_credentials_are_named() {
        let kind = |kind: &str| AuthInput { kind: Some(kind.to_owned()), ..AuthInput::default() };
        assert_eq!(kind("basic").resolve(&UpstreamAuth::None).unwrap_err().len(), 2);
        for unsupported in ["oauth", "query_param", "kerberos"] {
            assert_eq!(kind(unsupported).resolve(&UpstreamAuth::None).unwrap_err()[0].field, "auth_type");
        }
    }

    #[test]
    fn sealed_credentials_open_in_their_row_only() {
        let keys = Keys::derive(&secret("0123456789abcdef0123456789abcdef")).unwrap();
        let (id, other) = (GatewayId::random(), GatewayId::random());
        let all = [
            bearer("t0ken"),
            UpstreamAuth::Basic { username: "bob".to_owned(), password: secret("t0ken") },
            UpstreamAuth::Headers(vec![("X-Key".to_owned(), secret("t0ken"))]),
        ];
        for auth in all {
            let sealed = seal(&keys, &id, &auth).unwrap().unwrap();
            assert!(!sealed.contains("t0ken"));
            assert_eq!(open(&keys, &id, Some(&sealed)).unwrap(), auth);
            assert!(open(&keys, &other, Some(&sealed)).is_err());
        }
        assert_eq!(seal(&keys, &id, &UpstreamAuth::None).unwrap(), None);
    }
}
