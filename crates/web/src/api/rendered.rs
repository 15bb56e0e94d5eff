//! Reading a resource and rendering a prompt over REST: the same calls that MCP clients make, answered whole.

use axum::{body::Body, response::Response};
use domain::{Caller, Grant, Result, id::ResourceId};
use engine::{
    Engine, Permit,
    invoke::{Event, Outcome, Request, Running},
    resolve::{self, Place},
    rounds::Asking,
};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, header};
use protocol::json::RawObject;

/// Everything that is registered, as `/mcp` offers it.
pub(crate) fn everywhere<P: Grant>(engine: &Engine, permit: &Permit<P>) -> Result<Place> {
    resolve::place(engine, permit, None)
}

/// A request that wants nothing but the answer. Client headers are not passed on from REST.
pub(crate) fn request<'a>(params: RawObject<'a>, headers: &'a HeaderMap, caller: &'a Caller) -> Request<'a> {
    let asking = Asking::default();
    Request {
        params,
        headers,
        progress: false,
        log_level: None,
        client_info: None,
        asking,
        tasks: None,
        caller,
    }
}

/// The end of a call.
pub(crate) async fn end(running: Running) -> Result<Outcome> {
    match running {
        Running::Done(outcome) => Ok(outcome),
        Running::Stream(mut events) => {
            while let Some(event) = events.next().await {
                if let Event::Done(outcome) = event {
                    return Ok(outcome);
                }
            }
            Err(domain::Error::upstream("the upstream closed the stream before it answered"))
        }
    }
}

/// A download that no browser shows, whatever is in it.
pub(crate) fn attachment(id: &ResourceId, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(engine::content_security::SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Ids are hexadecimal digits; names of resources are not trusted in a header.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"resource-{id}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
