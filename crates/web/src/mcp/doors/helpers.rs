//! `/initialize`, `/ping`, `/notifications` and their forms under `/protocol`: single methods with plain JSON bodies.
//!
//! They serve everything that is visible and no virtual server, so a token that is limited to one has no business here.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{Error, permission::grant::ServersUse};
use engine::resolve;
use http::{HeaderName, StatusCode};
use protocol::{
    json::RawObject,
    jsonrpc::{self, Id, Message},
    params::Params,
};
use serde_json::value::RawValue;

use crate::{
    api::{body::Posted, problem},
    guard::Authorized,
    mcp::{
        dispatch, elsewhere,
        endpoint::{self, Request},
        reply::{Reply, json},
    },
};

/// `POST /initialize`: the parameters in, the result out. The session is in `Mcp-Session-Id`.
pub(crate) async fn initialize(auth: Authorized<ServersUse>, posted: Posted) -> Response {
    method(auth, posted, "initialize").await
}

/// `POST /protocol/completion/complete`.
pub(crate) async fn complete(auth: Authorized<ServersUse>, posted: Posted) -> Response {
    method(auth, posted, "completion/complete").await
}

/// `POST /protocol/sampling/createMessage`: servers ask clients for this, and it goes to the client of their call. A client
/// that asks the gateway finds no model here; an invented answer would be worse than none.
pub(crate) async fn sample(_auth: Authorized<ServersUse>, posted: Posted) -> Response {
    if object(&posted.body).is_none() {
        return malformed("must be a JSON object");
    }
    let text =
        "The gateway has no model of its own: servers ask clients for completions, not the other way round";
    problem::detail(StatusCode::NOT_IMPLEMENTED, text)
}

/// `POST /ping`: a whole message in and out.
pub(crate) async fn ping(_auth: Authorized<ServersUse>, posted: Posted) -> Response {
    match jsonrpc::parse(&posted.body) {
        Ok(Message::Request { id, method, .. }) if method == "ping" => {
            Reply::done(id, Ok(RawObject::new().to_raw())).into_response()
        }
        Ok(_) => problem::detail(StatusCode::BAD_REQUEST, "Invalid method"),
        Err(refusal) => endpoint::refuse(refusal),
    }
}

/// `POST /notifications`: `method` and `params`. Those with an effect belong to the session in `Mcp-Session-Id`.
pub(crate) async fn notifications(auth: Authorized<ServersUse>, posted: Posted) -> Response {
    let Posted { headers, body, came } = posted;
    let Ok(object) = RawObject::parse(&*body) else { return malformed("must be a JSON object") };
    let Some(method) = object.text("method") else { return malformed("method must be a string") };
    let Ok(params) = Params::parse(object.borrowed("params")) else {
        return malformed("params must be a JSON object");
    };
    match request(auth, headers).await {
        Ok(request) => {
            if let Some(answer) = elsewhere::batch(&request, &came, &body).await {
                return answer;
            }
            dispatch::notification(&request, &method, &params);
        }
        Err(refused) => return *refused,
    }
    json(StatusCode::OK, b"null".to_vec())
}

async fn method(auth: Authorized<ServersUse>, posted: Posted, method: &'static str) -> Response {
    let Posted { headers, body, came } = posted;
    let Some(params) = object(&body) else { return malformed("must be a JSON object") };
    let request = match request(auth, headers).await {
        Ok(request) => request,
        Err(refused) => return *refused,
    };
    if let Some(answer) = elsewhere::batch(&request, &came, &body).await {
        return answer;
    }
    let message = Message::Request { id: Id::from(1), method: method.into(), params: Some(&params) };
    bare(endpoint::one(&request, message).await)
}

fn object(body: &Bytes) -> Option<Box<RawValue>> {
    RawObject::parse(&**body).ok().map(|object| object.to_raw())
}

/// A request for everything that is visible, in the session that its headers name.
async fn request(auth: Authorized<ServersUse>, headers: http::HeaderMap) -> Result<Request, Box<Response>> {
    let place = resolve::place(auth.app.engine(), &auth, None);
    let place = place.map_err(|error| Box::new(problem::Failure(error).into_response()))?;
    let mut request = Request { auth, place, at: String::new(), headers, session: None, streams: false };
    match endpoint::find_session(&mut request).await {
        Ok(()) => Ok(request),
        Err(refusal) => Err(Box::new(endpoint::refuse(refusal))),
    }
}

fn malformed(what: &'static str) -> Response {
    problem::Failure(Error::invalid("body", what)).into_response()
}

/// The result without its envelope; an error in the words of REST.
fn bare(reply: Reply) -> Response {
    match reply {
        Reply::Answer { outcome: Ok(result), status, session, .. } => {
            let mut response = json(status, result.get().as_bytes().to_vec());
            if let Some(session) = session {
                response.headers_mut().insert(HeaderName::from_static("mcp-session-id"), session);
            }
            response
        }
        Reply::Answer { outcome: Err(error), status, .. } => {
            let status = if status == StatusCode::OK { StatusCode::BAD_REQUEST } else { status };
            problem::detail(status, &error.message)
        }
        other => other.into_response(),
    }
}
