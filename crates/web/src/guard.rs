//! Who may call a route, said in the type of the handler's first argument.
//!
//! [`Authorized<P>`] authenticates and authorises; [`SignedIn`] authenticates only, for what everybody may do with
//! their own account; [`AdminOnly`] is for what no role can give; [`Public`] is the deliberate opposite, and
//! [`MaybeSignedIn`] is public too but knows who is asking. `Api::route` takes no other first argument, so a route
//! without a decision does not compile. All of them hand out the [`App`], and nothing else does. What counts as a
//! credential is said in `credentials`.

mod cookies;
mod credentials;
mod csrf;
mod proxy_user;

mod server_scope;
mod used;

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, OriginalUri},
    response::{IntoResponse, Response},
};
use domain::{Actor, Caller, Error, Grant, Permission, PermissionSet, Secret};
use engine::{
    Permit,
    authn::{Credential, token::Claims},
    people, permission_audit,
    policy::{self, Question},
};
use http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request::Parts};
use serde_json::json;

pub use self::credentials::CameBy;
#[cfg(fuzzing)]
pub(crate) use self::credentials::credential;
use self::{
    credentials::Refusal,
    server_scope::{door, is_document, server_of},
};
pub(crate) use self::{
    credentials::{CredentialRules, token_of},
    used::UsedToken,
};
use crate::{
    api::problem::{self, Failure},
    app::App,
    layers::without_secret,
};

/// What a route demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Public,
    /// A valid credential.
    SignedIn,
    /// A valid credential and a permission.
    Requires(Permission),
    /// A valid credential of somebody who administers the platform.
    Administrator,
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::SignedIn => f.write_str("signed-in"),
            Self::Administrator => f.write_str("administrator"),
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

impl<P> Authorized<P> {
    /// The same caller with a permit that was asked for anew.
    pub(crate) fn renewed(&self, permit: Permit<P>) -> Self {
        let (caller, app, credential) = (self.caller.clone(), self.app.clone(), Arc::clone(&self.credential));
        Self { caller, app, credential, permit }
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
    /// How they came in.
    pub came_by: CameBy,
    /// Where the request came from.
    pub caller: Caller,
    /// The application.
    pub app: App,
}

/// An authenticated caller who came with a token, and what the token says.
#[derive(Debug, Clone)]
pub struct SessionHolder {
    /// Who is asking.
    pub signed_in: SignedIn,
    /// What the token says.
    pub claims: Claims,
}

/// An administrator of the platform, asked of the database with every request and not of what is remembered; never
/// with a token for one virtual server or for public things only.
#[derive(Debug, Clone)]
pub struct AdminOnly(pub SignedIn);

/// Anybody; who it is where a credential is shown. A credential that is no good is refused all the same.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn {
    /// Who is asking, if they say so.
    pub actor: Option<Arc<Actor>>,
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

impl Guard for AdminOnly {
    const ACCESS: Access = Access::Administrator;
}

impl Guard for SessionHolder {
    const ACCESS: Access = Access::SignedIn;
}

impl Guard for MaybeSignedIn {
    const ACCESS: Access = Access::Public;
}

impl Guard for Public {
    const ACCESS: Access = Access::Public;
}

impl<P: Grant> FromRequestParts<App> for Authorized<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let SignedIn { actor, credential, caller, app, .. } = sign_in(parts, app).await?;
        let permit = policy::authorize::<P>(&actor).map_err(|error| Failure(error).into_response())?;
        if permission_audit::is_on(app.engine()) {
            // Below a version's prefix the path has lost it.
            let whole = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
            let place = format!("{} {}", parts.method, without_secret(whole.path()));
            permission_audit::granted(app.engine(), &actor, P::PERMISSION, (&caller, place));
        }
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

/// Reading the documentation, giving up the token itself or continuing it as it is, and asking why it may not.
fn is_open_to_limited_tokens(path: &str) -> bool {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    is_document(path) || matches!(path, "/auth/logout" | "/auth/refresh" | "/rbac/explain")
}

async fn sign_in(parts: &mut Parts, app: &App) -> Result<SignedIn, Response> {
    let path = parts.uri.path();
    let caller = caller_of(parts, if is_mcp(path) { "mcp" } else { "api" });
    let refuse = |refusal| refused(app, path, refusal);
    let (admitted, came_by) = credentials::authenticate(parts, app, &caller).await.map_err(refuse)?;
    UsedToken::fill(parts, &admitted.credential);
    if let Some(bound) = &admitted.actor.server {
        let named = server_of(path);
        policy::check(&admitted.actor, &Question::entering(door(path, bound, named.as_ref())))
            .map_err(|error| refuse(error.into()))?;
    }
    // What a credential was found in is not for anybody behind the gateway, whatever may be passed on.
    app.credential_rules().take_away(&mut parts.headers);
    let (actor, credential) = (admitted.actor, admitted.credential);
    Ok(SignedIn { actor, credential, came_by, caller, app: app.clone() })
}

impl FromRequestParts<App> for SessionHolder {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let refuse = |error| Failure(error).into_response();
        let token = token_of(parts, app).map_err(refuse)?.map(|shown| Secret::new(shown.token.to_owned()));
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let token = token.ok_or_else(|| refuse(Error::Unauthenticated("Missing session identifier")))?;
        let engine = app.engine();
        let claims = engine.token_keys().verify(token.expose(), engine.clock().now()).map_err(refuse)?;
        Ok(Self { signed_in, claims })
    }
}

impl FromRequestParts<App> for AdminOnly {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let administers = people::check_administrator(app.engine(), &signed_in.actor).await;
        administers.map(|()| Self(signed_in)).map_err(|error| Failure(error).into_response())
    }
}

impl FromRequestParts<App> for MaybeSignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let shown = token_of(parts, app).map_err(|error| refused(app, parts.uri.path(), error.into()))?;
        if shown.is_none() {
            return Ok(Self { actor: None, caller: caller_of(parts, "api"), app: app.clone() });
        }
        let SignedIn { actor, caller, app, .. } = SignedIn::from_request_parts(parts, app).await?;
        Ok(Self { actor: Some(actor), caller, app })
    }
}

/// The answer to whoever did not come in.
fn refused(app: &App, path: &str, refusal: Refusal) -> Response {
    let error = match refusal {
        Refusal::Forged => {
            let text = json!({ "detail": "CSRF validation failed", "code": "CSRF_TOKEN_INVALID" });
            return problem::body(StatusCode::FORBIDDEN, &text);
        }
        Refusal::Error(error) if is_mcp(path) => in_mcp_words(error),
        Refusal::Error(error) => error,
    };
    let mut response = Failure(error).into_response();
    if response.status() == StatusCode::UNAUTHORIZED && app.credential_rules().takes_basic(path) {
        let challenge = HeaderValue::from_static("Basic realm=\"ContextForge\"");
        response.headers_mut().append(WWW_AUTHENTICATE, challenge);
    }
    response
}

impl FromRequestParts<App> for Public {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self { caller: caller_of(parts, "api"), app: app.clone() })
    }
}

/// Whether a path answers calls, which have deadlines of their own.
pub(crate) fn answers_calls(path: &str) -> bool {
    is_mcp(path) || matches!(path.strip_suffix('/').unwrap_or(path), "/rpc" | "/protocol/completion/complete")
}

/// Whether a path is an MCP endpoint, which words its 401 in its own way.
pub(crate) fn is_mcp(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let of_server = || {
        path.strip_prefix("/servers/")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(_, rest)| matches!(rest, "mcp" | "sse" | "message" | "ws"))
    };
    matches!(path, "/mcp" | "/sse" | "/message" | "/ws") || of_server()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcp_endpoints_are_told_apart() {
        assert!(is_mcp("/mcp") && is_mcp("/mcp/") && is_mcp("/servers/x/mcp"));
        assert!(
            is_mcp("/sse") && is_mcp("/message") && is_mcp("/servers/x/sse") && is_mcp("/servers/x/message")
        );
        assert!(!is_mcp("/rpc") && answers_calls("/rpc") && answers_calls("/mcp"));
        assert!(!is_mcp("/servers/mcp") && !is_mcp("/v1/servers/x/mcp") && !is_mcp("/mcps"));
    }
}
