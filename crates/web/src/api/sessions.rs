//! Coming in, going out, and one's own account.
//!
//! A login answers with the token and sets no session cookie: that is for the form of the administration pages
//! (`admin_login`). It sets the cookie of the token against forged requests, as ContextForge does. A password that has
//! to be changed is answered 403 with `X-Password-Change-Required` on both login routes; the change then takes
//! `email`, `old_password` and `new_password` without a token.

use axum::response::{IntoResponse, Response};
use domain::{Error, Problem, Secret};
use engine::people::{self, Entry, Session};
use http::{HeaderName, HeaderValue, Method, StatusCode, header::SET_COOKIE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    accounts::account,
    json::Json,
    problem::{self, Failure},
};
use crate::{
    app::App,
    guard::{MaybeSignedIn, Public, SignedIn},
    routes::Api,
};

const CHANGE_REQUIRED: HeaderName = HeaderName::from_static("x-password-change-required");

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/auth/login", login)
        .route(Method::POST, "/auth/email/login", login)
        .route(Method::POST, "/auth/logout", logout)
        .route(Method::GET, "/auth/email/me", me)
        .route(Method::POST, "/auth/email/change-password", change_password)
}

#[derive(Deserialize)]
pub(crate) struct LoginRequest {
    #[serde(default, alias = "username")]
    email: Option<String>,
    password: String,
}

async fn login(public: Public, Json(body): Json<LoginRequest>) -> Result<Response, Failure> {
    let password = Secret::new(body.password);
    let email = body.email.ok_or_else(|| Error::invalid("email", "is required"))?;
    match people::login(public.app.engine(), &public.caller, &email, password).await? {
        Entry::Session(session) => Ok(begun(&public.app, &session)),
        Entry::ChangeRequired => {
            let text = "Password change required. Please change your password before continuing.";
            let mut response = problem::detail(StatusCode::FORBIDDEN, text);
            response.headers_mut().insert(CHANGE_REQUIRED, HeaderValue::from_static("true"));
            Ok(response)
        }
    }
}

/// The answer that gives a session.
pub(super) fn begun(app: &App, session: &Session) -> Response {
    let reply = Json(json!({
        "access_token": session.token.expose(),
        "token_type": "bearer",
        "expires_in": session.expires_in,
        "user": account(&session.user, app.engine().clock().now()),
    }));
    let mut response = reply.into_response();
    let (_, cookie) = csrf(app, &session.user.email, &session.token_id);
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The token against forged requests of a session, and its cookie.
pub(super) fn csrf(app: &App, email: &str, session: &str) -> (String, Option<HeaderValue>) {
    let token = people::csrf_token(app.engine(), email, session);
    let seconds = app.engine().settings().people.sessions.csrf_seconds;
    let cookie = app.credential_rules().cookies.csrf(&token, seconds);
    (token, cookie)
}

async fn logout(user: SignedIn) -> Result<Response, Failure> {
    let revoked = people::logout(user.app.engine(), &user.actor, &user.caller).await?;
    if let Some(token_id) = &revoked {
        user.app.sessions().token_ended(token_id);
    }
    let text = json!({ "message": "Logged out successfully", "revoked_token": revoked });
    let mut response = Json(text).into_response();
    for cookie in user.app.credential_rules().cookies.forget() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn me(user: SignedIn) -> Result<Json<Value>, Failure> {
    let engine = user.app.engine();
    Ok(Json(account(&people::myself(engine, &user.actor).await?, engine.clock().now())))
}

#[derive(Deserialize)]
pub(crate) struct ChangePasswordRequest {
    #[serde(default)]
    email: Option<String>,
    #[serde(alias = "oldPassword")]
    old_password: String,
    #[serde(alias = "newPassword")]
    new_password: String,
}

/// With a session it is one's own password; without, that of `email`, for those whose login waits for the change.
async fn change_password(
    user: MaybeSignedIn,
    Json(body): Json<ChangePasswordRequest>,
) -> Result<Json<Value>, Failure> {
    let passwords = (Secret::new(body.old_password), Secret::new(body.new_password));
    let engine = user.app.engine();
    let changed = match (&user.actor, &body.email) {
        (Some(actor), _) => people::change_password(engine, actor, &user.caller, passwords).await,
        (None, Some(email)) => people::change_password_of(engine, &user.caller, email, passwords).await,
        (None, None) => Err(Error::Unauthenticated("Authorization token required")),
    };
    changed.map_err(|error| named(error, "new_password"))?;
    Ok(Json(json!({ "success": true, "message": "Password changed successfully; please log in again" })))
}

/// The rules speak of `password`; here it arrives under another name.
pub(super) fn named(error: Error, field: &str) -> Error {
    let rename = |problem: Problem| match problem.field.as_str() {
        "password" => Problem { field: field.to_owned(), ..problem },
        _ => problem,
    };
    match error {
        Error::Invalid(problems) => Error::Invalid(problems.into_iter().map(rename).collect()),
        other => other,
    }
}
