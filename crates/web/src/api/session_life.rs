//! How long a session still lasts, continuing it, and its token against forged requests.

use axum::response::{IntoResponse, Response};
use domain::{Error, Timestamp};
use engine::people;
use http::{Method, header::SET_COOKIE};
use serde_json::{Value, json};

use super::{accounts::account, json::Json, problem::Failure, sessions::csrf};
use crate::{
    guard::{CameBy, SessionHolder},
    routes::Api,
};

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/auth/validate", validate).route(Method::POST, "/auth/refresh", refresh).route(
        Method::GET,
        "/auth/csrf-token",
        csrf_token,
    )
}

/// What a page needs to know to warn in time; times are seconds.
async fn validate(holder: SessionHolder) -> Result<Json<Value>, Failure> {
    let user = &holder.signed_in;
    let engine = user.app.engine();
    let now = engine.clock().now();
    let (auth, sessions) = (&engine.settings().auth, &engine.settings().people.sessions);
    let ends = holder.claims.exp.map(Timestamp::from_seconds);
    let source = if user.came_by == CameBy::Cookie { "cookie" } else { "header" };
    Ok(Json(json!({
        "valid": true,
        "expires_at": ends.map(|at| at.to_string()),
        "expires_in": ends.map(|at| at.since(now).as_secs()),
        "user": account(&people::myself(engine, &user.actor).await?, now),
        "session_source": source,
        "config": {
            "token_expiry": u64::from(auth.token_expiry) * 60,
            "idle_timeout": sessions.idle_minutes.saturating_mul(60),
            "max_lifetime": sessions.max_lifetime_minutes.saturating_mul(60),
            "warning_time": sessions.warning_seconds,
            "refresh_buffer": sessions.refresh_buffer_seconds,
            "activity_tracking": sessions.activity_tracking,
        },
    })))
}

async fn refresh(holder: SessionHolder) -> Result<Response, Failure> {
    let user = holder.signed_in;
    let session = people::refresh(user.app.engine(), &user.actor, &user.caller, holder.claims).await?;
    let (token, cookie) = csrf(&user.app, &session.user.email, &session.token_id);
    let reply = json!({
        "access_token": session.token.expose(),
        "token_type": "bearer",
        "expires_in": session.expires_in,
        "expires_at": session.expires_at.to_string(),
        "csrf_token": token,
    });
    let mut response = Json(reply).into_response();
    let cookies = &user.app.credential_rules().cookies;
    // The cookie is for those who came with one.
    let own = (user.came_by == CameBy::Cookie)
        .then(|| cookies.session(session.token.expose(), session.expires_in))
        .flatten();
    for cookie in [own, cookie].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn csrf_token(holder: SessionHolder) -> Result<Response, Failure> {
    let user = holder.signed_in;
    let session = holder.claims.jti.ok_or(Error::Unauthenticated("Missing session identifier"))?;
    let (token, cookie) = csrf(&user.app, &user.actor.email, &session);
    let rules = user.app.credential_rules();
    let reply = json!({
        "csrf_token": token,
        "header_name": rules.csrf.header().as_str(),
        "expires_in": user.app.engine().settings().people.sessions.csrf_seconds,
    });
    let mut response = Json(reply).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
