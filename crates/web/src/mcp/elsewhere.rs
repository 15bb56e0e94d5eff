//! Requests about what another process holds: sessions, parked calls and open questions name their process.
//!
//! A session's requests are all served by the process that opened it: its calls can be cancelled there, its log level and
//! subscriptions are there, and there it is known that it has ended. Where that process is gone, any other serves them
//! without what it remembered. Whatever belongs to no session and waits for nothing is served where it comes in.

use axum::response::Response;
use bytes::Bytes;
use protocol::{json, jsonrpc::Message, params::Params};

use super::{endpoint::Request, parking, questions::Questions, session::Session};
use crate::{app::App, replicas::Came};

/// The answer of the process that holds what a message is about, where that is another one.
pub(crate) async fn message(
    request: &Request,
    came: &Came,
    (body, message): (&Bytes, &Message<'_>),
) -> Option<Response> {
    if !came.is_known() {
        return None;
    }
    if let Some(owner) = waiting(request, message)
        && let Some(answer) = hand_over(&request.auth.app, came, (&owner, body)).await
    {
        return Some(answer);
    }
    batch(request, came, body).await
}

/// The same for everything else in the session of a request.
pub(crate) async fn batch(request: &Request, came: &Came, body: &Bytes) -> Option<Response> {
    let session = request.session.as_ref()?;
    self::session(&request.auth.app, session, came, body.clone()).await
}

/// The answer of the process that holds a session, where that is another one.
pub(crate) async fn session(app: &App, session: &Session, came: &Came, body: Bytes) -> Option<Response> {
    let owner = session.owner.as_ref()?;
    hand_over(app, came, (owner, &body)).await
}

async fn hand_over(app: &App, came: &Came, (owner, body): (&str, &Bytes)) -> Option<Response> {
    app.replicas().hand_over(app, came, (owner, body.clone())).await
}

/// The process that waits for this very message.
fn waiting(request: &Request, message: &Message<'_>) -> Option<String> {
    match message {
        Message::Response { id, .. } => {
            Questions::owner(request.auth.app.sealer(), &request.binding(), id.as_ref()?)
        }
        Message::Request { params, .. } => {
            let params = Params::parse(*params).ok()?;
            let state = params.object().get("requestState").and_then(json::as_text)?;
            parking::owner(request, &state)
        }
        Message::Notification { .. } => None,
    }
}
