//! Who may call a route, said in the type of the handler's first argument.
//!
//! [`Authorized<P>`] authenticates and authorises; [`SignedIn`] authenticates only, for what everybody may do with
//! their own account; [`Public`] is the deliberate opposite. `Api::route` takes no other first argument, so a route
//! without a decision does not compile. All three hand out the [`App`], and nothing else does.

mod server_scope;
mod used;

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::{Actor, Caller, Error, Grant, Permission, PermissionSet};
use engine::{
    Permit,
    authn::{self, Credential, Credentials},
    policy::{self, Question},
};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

use self::server_scope::{door, is_document, server_of};
pub(crate) use self::used::UsedToken;
use crate::{api::problem::Failure, app::App};

/// What a route demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A valid credential.
    SignedIn,
    /// A valid credential and a permission.
    Requires(Permission),
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::SignedIn => f.write_str("signed-in"),
            Self::Requires(permission) => f.write_str(permission.as_str()),
        }
    }
}

/// A type that states what its route demands.
pub trait Guard {
    /// The demand.
    const ACCESS: Access;
}

/// An authenticated caller who may do `P`. Stands for its [`Permit`].
#[derive(Debug, Clone)]
pub struct Authorized<P> {
    /// Where the request came from.
    pub caller: Caller,
    /// The application.
    pub app: App,
    /// What the caller came in with.
    pub credential: Arc<Credential>,
    permit: Permit<P>,
}

impl<P> Deref for Authorized<P> {
    type Target = Permit<P>;
    fn deref(&self) -> &Permit<P> {
        &self.permit
    }
}

/// An authenticated caller, whatever they may do. Not for tokens that are limited to some permissions: no permission
/// stands for such a route, so that none of theirs can.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who is asking.
    pub actor: Arc<Actor>,
    /// What the caller came in with.
    pub credential: Arc<Credential>,
    /// Where the request came from.
    pub caller: Caller,
    /// The application.
    pub app: App,
}

/// Anybody.
#[derive(Debug, Clone)]
pub struct Public {
    /// Where the request came from.
    pub caller: Caller,
    /// The application.
    pub app: App,
}

impl<P: Grant> Guard for Authorized<P> {
    const ACCESS: Access = Access::Requires(P::PERMISSION);
}

impl Guard for SignedIn {
    const ACCESS: Access = Access::SignedIn;
}

impl Guard for Public {
    const ACCESS: Access = Access::Public;
}

impl<P: Grant> FromRequestParts<App> for Authorized<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let SignedIn { actor, credential, caller, app } = sign_in(parts, app).await?;
        let permit = policy::authorize::<P>(&actor).map_err(|error| Failure(error).into_response())?;
        Ok(Self { caller, app, credential, permit })
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = sign_in(parts, app).await?;
        if signed_in.actor.cap != PermissionSet::ALL && !is_open_to_limited_tokens(parts.uri.path()) {
            let question = Question { whole_token: true, ..Question::default() };
            policy::check(&signed_in.actor, &question).map_err(|error| Failure(error).into_response())?;
        }
        Ok(signed_in)
    }
}

/// Reading the documentation, giving up the token itself, and asking why it may not.
fn is_open_to_limited_tokens(path: &str) -> bool {
    is_document(path) || matches!(path.strip_prefix("/v1").unwrap_or(path), "/auth/logout" | "/rbac/explain")
}

async fn sign_in(parts: &Parts, app: &App) -> Result<SignedIn, Response> {
    let path = parts.uri.path();
    let mcp = is_mcp(path);
    let caller = caller_of(parts, if mcp { "mcp" } else { "api" });
    let refuse = |error| Failure(if mcp { in_mcp_words(error) } else { error }).into_response();
    let bearer = bearer(&parts.headers).map_err(refuse)?;
    let credentials = Credentials { bearer, ip: caller.ip };
    let admitted = authn::authenticate(app.engine(), credentials).await.map_err(refuse)?;
    UsedToken::fill(parts, &admitted.credential);
    if let Some(bound) = &admitted.actor.server {
        let named = server_of(path);
        policy::check(&admitted.actor, &Question::entering(door(path, bound, named.as_ref())))
            .map_err(refuse)?;
    }
    Ok(SignedIn { actor: admitted.actor, credential: admitted.credential, caller, app: app.clone() })
}

impl FromRequestParts<App> for Public {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self { caller: caller_of(parts, "api"), app: app.clone() })
    }
}

/// Whether a path is an MCP endpoint, which words its 401 in its own way.
pub(crate) fn is_mcp(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let of_server = || {
        path.strip_prefix("/servers/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(_, rest)| rest == "mcp")
    };
    path == "/mcp" || of_server()
}

fn in_mcp_words(error: Error) -> Error {
    match error {
        Error::Unauthenticated("Authorization token required") => {
            Error::Unauthenticated("Authentication required for MCP endpoints")
        }
        other => other,
    }
}

fn caller_of(parts: &Parts, via: &'static str) -> Caller {
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
    Caller { via, ..caller }
}

/// The bearer token. A header that is there but is no single bearer token is a failed authentication, never an
/// anonymous request.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    const MALFORMED: Error = Error::Unauthenticated("Invalid authentication credentials");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(MALFORMED);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(MALFORMED)?;
    let token = token.trim();
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(in_token) {
        Ok(Some(token))
    } else {
        Err(MALFORMED)
    }
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
        bearer(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn a_malformed_header_is_never_anonymous() {
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&["bEaReR a.b-c_d"]).unwrap().as_deref(), Some("a.b-c_d"));
        for wrong in ["Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a, Bearer b", "Bearer a b", ""] {
            assert!(of(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(of(&["Bearer a", "Bearer a"]).is_err());
    }

    #[test]
    fn mcp_endpoints_are_told_apart() {
        assert!(is_mcp("/mcp") && is_mcp("/mcp/") && is_mcp("/servers/x/mcp"));
        assert!(!is_mcp("/servers/mcp") && !is_mcp("/v1/servers/x/mcp") && !is_mcp("/mcps"));
    }
}
