//! The form of the administration pages: a login that puts the session into a cookie, and its end. The pages
//! themselves are elsewhere; without them there is no form either.
//!
//! Only a page of ours can send the form: the `Origin` of every request is compared before any handler runs.

use axum::response::{IntoResponse, Response};
use domain::{Error, Secret};
use engine::people::{self, Entry};
use http::{HeaderValue, Method, StatusCode, header::LOCATION, header::SET_COOKIE};

use super::{body::Posted, problem::Failure, sessions::csrf};
use crate::{
    app::App,
    guard::{AdminOnly, Public, SignedIn},
    routes::Api,
    settings::Settings,
};

pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    if !settings.features.ui_enabled {
        return api;
    }
    api.plain(Method::POST, "/admin/login", login).plain(Method::POST, "/admin/logout", logout).plain(
        Method::GET,
        "/admin/session",
        session,
    )
}

async fn login(public: Public, posted: Posted) -> Result<Response, Failure> {
    let app = &public.app;
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(&posted.body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let (Some(email), Some(password)) = (field("email"), field("password")) else {
        return Ok(to(app, "/admin/login?error=missing_fields"));
    };
    match people::login(app.engine(), &public.caller, &email, Secret::new(password)).await {
        Err(Error::Unauthenticated(_)) => Ok(to(app, "/admin/login?error=invalid_credentials")),
        Err(error) => Err(Failure(error)),
        Ok(Entry::ChangeRequired) => Ok(to(app, "/admin/change-password-required")),
        Ok(Entry::Session(session)) => {
            let mut response = to(app, "/admin");
            let cookies = &app.credential_rules().cookies;
            let own = cookies.session(session.token.expose(), session.expires_in);
            let (_, token) = csrf(app, &session.user.email, &session.token_id);
            for cookie in [own, token].into_iter().flatten() {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
    }
}

async fn logout(user: SignedIn) -> Result<Response, Failure> {
    people::logout(user.app.engine(), &user.actor, &user.caller).await?;
    let mut response = to(&user.app, "/admin/login");
    for cookie in user.app.credential_rules().cookies.forget() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Whether the pages may be shown: to administrators only.
async fn session(_: AdminOnly) -> StatusCode {
    StatusCode::NO_CONTENT
}

fn to(app: &App, path: &str) -> Response {
    let root = app.settings().listen.root_path.as_deref().unwrap_or_default().trim_end_matches('/');
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::try_from(format!("{root}{path}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}
