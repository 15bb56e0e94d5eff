//! `POST /rpc`: one JSON-RPC message, one JSON answer, never a stream.
//!
//! `params.server_id` names a virtual server, as it does in ContextForge. It is no parameter of MCP, so it is taken out.

use axum::response::{IntoResponse, Response};
use domain::{Error, Result, permission::grant::ServersUse};
use engine::resolve::{self, Place};
use protocol::{
    era::Era,
    json::RawObject,
    jsonrpc::{self, Message},
    version,
};
use serde_json::value::RawValue;

use crate::{
    api::{body::Posted, problem::Failure},
    guard::Authorized,
    mcp::{
        elsewhere,
        endpoint::{self, Request},
        reply::Reply,
        tolerances,
    },
};

const SERVER: &str = "server_id";

/// `POST /rpc`.
pub(crate) async fn post(auth: Authorized<ServersUse>, posted: Posted) -> Response {
    let Posted { headers, body, came } = posted;
    if let Err(refusal) = tolerances::accepted(&headers) {
        return endpoint::refuse(refusal);
    }
    let message = match jsonrpc::parse(&body) {
        Ok(message) => message,
        Err(refusal) => return endpoint::refuse(refusal),
    };
    let (server, params) = match split(&message) {
        Ok(split) => split,
        Err(error) => return refused(&message, error),
    };
    let place = match place(&auth, server.as_deref()) {
        Ok(place) => place,
        // Without a name in the message, it is the place itself that is not there.
        Err(error) if server.is_none() => return Failure(error).into_response(),
        Err(error) => return refused(&message, error),
    };
    let at = server.unwrap_or_default();
    let mut request = Request { auth, place, at, headers, session: None, streams: false };
    if let Err(refusal) = endpoint::find_session(&mut request).await {
        return endpoint::refuse(refusal);
    }
    if let Some(answer) = elsewhere::message(&request, &came, (&body, &message)).await {
        return answer;
    }
    endpoint::one(&request, with(message, params.as_deref())).await.into_response()
}

fn place(auth: &Authorized<ServersUse>, server: Option<&str>) -> Result<Place> {
    resolve::place(auth.app.engine(), auth, server)
}

fn refused(message: &Message<'_>, error: Error) -> Response {
    match message.id() {
        Some(id) => {
            Reply::failed(id.clone(), error, Era::Legacy { version: version::ASSUMED }).into_response()
        }
        None => Failure(error).into_response(),
    }
}

/// A virtual server, and parameters that do not name it.
type Split = (Option<String>, Option<Box<RawValue>>);

/// The virtual server that the parameters name, and the parameters without it, where they name one.
fn split(message: &Message<'_>) -> Result<Split> {
    let (Message::Request { params, .. } | Message::Notification { params, .. }) = message else {
        return Ok((None, None));
    };
    let Some(params) = params else { return Ok((None, None)) };
    let malformed = |error: protocol::json::JsonError| Error::invalid("params", error.to_string());
    let mut object = RawObject::parse_exact(*params, &[SERVER]).map_err(malformed)?;
    if !object.contains(SERVER) {
        return Ok((None, None));
    }
    let named = object.text(SERVER).map(std::borrow::Cow::into_owned);
    let named = named.ok_or_else(|| Error::invalid(SERVER, "must be a string"))?;
    object.remove(SERVER);
    Ok((Some(named), Some(object.to_raw())))
}

/// The message with other parameters, where there are others.
fn with<'a>(message: Message<'a>, others: Option<&'a RawValue>) -> Message<'a> {
    match message {
        Message::Request { id, method, params } => Message::Request { id, method, params: others.or(params) },
        Message::Notification { method, params } => {
            Message::Notification { method, params: others.or(params) }
        }
        response @ Message::Response { .. } => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(params: &str) -> Result<(Option<String>, Option<String>)> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
        let message = jsonrpc::parse(text.as_bytes()).unwrap();
        split(&message).map(|(server, params)| (server, params.map(|params| params.get().to_owned())))
    }

    #[test]
    fn the_server_is_taken_out_and_the_rest_keeps_its_bytes() {
        assert_eq!(of(r#"{"name":"a"}"#).unwrap(), (None, None));
        let named = of(r#"{"name":"a","server_id":"s","arguments":{"x":1e400}}"#).unwrap();
        assert_eq!(named, (Some("s".to_owned()), Some(r#"{"name":"a","arguments":{"x":1e400}}"#.to_owned())));
        for wrong in [r#"{"server_id":7}"#, r#"{"server_id":null}"#, r#"{"server_id":"a","Server_Id":"b"}"#] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
