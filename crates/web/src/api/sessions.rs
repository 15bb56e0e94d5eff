//! Coming in, going out, and one's own account.

use axum::response::{IntoResponse, Response};
use domain::{Error, Problem, Secret};
use engine::people;
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{accounts::account, json::Json, problem::Failure};
use crate::{
    guard::{Public, SignedIn},
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
    let session = people::login(public.app.engine(), &public.caller, &email, password).await?;
    let reply = Json(json!({
        "access_token": session.token.expose(),
        "token_type": "bearer",
        "expires_in": session.expires_in,
        "user": account(&session.user, public.app.engine().clock().now()),
    }));
    let mut response = reply.into_response();
    if session.user.password_change_required {
        response.headers_mut().insert(CHANGE_REQUIRED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

async fn logout(user: SignedIn) -> Result<Json<Value>, Failure> {
    let revoked = people::logout(user.app.engine(), &user.actor, &user.caller).await?;
    if let Some(token_id) = &revoked {
        user.app.sessions().token_ended(token_id);
    }
    Ok(Json(json!({ "message": "Logged out successfully", "revoked_token": revoked })))
}

async fn me(user: SignedIn) -> Result<Json<Value>, Failure> {
    let engine = user.app.engine();
    Ok(Json(account(&people::myself(engine, &user.actor).await?, engine.clock().now())))
}

#[derive(Deserialize)]
pub(crate) struct ChangePasswordRequest {
    old_password: String,
    new_password: String,
}

async fn change_password(
    user: SignedIn,
    Json(body): Json<ChangePasswordRequest>,
) -> Result<Json<Value>, Failure> {
    let passwords = (Secret::new(body.old_password), Secret::new(body.new_password));
    let changed = people::change_password(user.app.engine(), &user.actor, &user.caller, passwords).await;
    changed.map_err(|error| named(error, "new_password"))?;
    Ok(Json(json!({ "success": true, "message": "Password changed successfully; please log in again" })))
}

/// The rules speak of `password`; here it arrives under another name.
fn named(error: Error, field: &str) -> Error {
    let rename = |problem: Problem| Problem { field: field.to_owned(), ..problem };
    match error {
        Error::Invalid(problems) => Error::Invalid(problems.into_iter().map(rename).collect()),
        other => other,
    }
}
