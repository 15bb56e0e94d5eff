//! Making an account for oneself, and a new password where the old one is lost. All of it without a credential, and
//! none of it says who has an account.

use axum::response::{IntoResponse, Response};
use domain::{Error, Secret};
use engine::people;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path},
    problem::{self, Failure},
    sessions,
};
use crate::{app::App, guard::Public, routes::Api};

pub(crate) fn routes(api: Api) -> Api {
    const RESET: &str = "/auth/email/reset-password/{token}";
    api.route(Method::POST, "/auth/email/register", register)
        .route(Method::POST, "/auth/email/forgot-password", forgot_password)
        .route(Method::GET, RESET, reset_state)
        .route(Method::POST, RESET, reset_password)
}

#[derive(Deserialize)]
pub(crate) struct PublicRegistrationRequest {
    email: String,
    password: String,
    #[serde(default, alias = "fullName")]
    full_name: Option<String>,
}

/// Switched off, it is refused before the body is looked at.
async fn register(
    public: Public,
    body: Result<Json<PublicRegistrationRequest>, Response>,
) -> Result<Response, Response> {
    let engine = public.app.engine();
    if people::check_registration(engine).is_err() {
        let text = "Public registration is disabled. Please contact an administrator to create an account.";
        return Err(problem::detail(StatusCode::FORBIDDEN, text));
    }
    let Json(body) = body?;
    let (who, password) = ((body.email.as_str(), body.full_name), Secret::new(body.password));
    if people::registration_takes_a_letter(engine) {
        let taken = people::register_by_letter(engine, &public.caller, who, &password, link(&public.app));
        taken.map_err(|error| Failure(error).into_response())?;
        let message =
            "If an account can be made for this address, a letter with a link to open it is on its way.";
        return Ok(problem::body(StatusCode::ACCEPTED, &json!({ "success": true, "message": message })));
    }
    let session = people::register(engine, &public.caller, who, password).await;
    let session = session.map_err(|error| Failure(error).into_response())?;
    Ok(sessions::begun(&public.app, &session))
}

#[derive(Deserialize)]
pub(crate) struct ForgotPasswordRequest {
    email: String,
}

async fn forgot_password(
    public: Public,
    Json(body): Json<ForgotPasswordRequest>,
) -> Result<Json<Value>, Response> {
    match people::request_reset(public.app.engine(), &public.caller, &body.email, link(&public.app)) {
        Err(Error::Forbidden { .. }) => {
            Err(problem::detail(StatusCode::FORBIDDEN, "Password reset is disabled"))
        }
        Err(error) => Err(Failure(error).into_response()),
        Ok(()) => {
            let message = "If this email is registered, you will receive a reset link.";
            Ok(Json(json!({ "success": true, "message": message })))
        }
    }
}

/// Where a link leads, without its secret: to the page where there are pages, else to the API. Made from `APP_DOMAIN`
/// and never from the request, whose Host a stranger chooses.
fn link(app: &App) -> String {
    let settings = app.settings();
    let origin = settings.app_origin().unwrap_or_default();
    let root = settings.listen.root_path.as_deref().unwrap_or_default().trim_end_matches('/');
    let path =
        if settings.features.ui_enabled { "/admin/reset-password/" } else { "/auth/email/reset-password/" };
    format!("{origin}{root}{path}")
}

async fn reset_state(public: Public, Path(token): Path<String>) -> Result<Json<Value>, Failure> {
    let ends = people::reset_end(public.app.engine(), &token).await?;
    Ok(Json(json!({ "valid": true, "message": "Reset token is valid", "expires_at": ends.to_string() })))
}

#[derive(Deserialize)]
pub(crate) struct ResetPasswordRequest {
    #[serde(alias = "newPassword")]
    new_password: String,
    #[serde(alias = "confirmPassword")]
    confirm_password: String,
}

async fn reset_password(
    public: Public,
    Path(token): Path<String>,
    Json(body): Json<ResetPasswordRequest>,
) -> Result<Json<Value>, Failure> {
    if body.new_password != body.confirm_password {
        return Err(Failure(Error::invalid("confirm_password", "must be the same as new_password")));
    }
    let password = Secret::new(body.new_password);
    let done = people::complete_reset(public.app.engine(), &public.caller, &token, password).await;
    done.map_err(|error| sessions::named(error, "new_password"))?;
    Ok(Json(json!({ "success": true, "message": "Password reset successfully; please log in again" })))
}
