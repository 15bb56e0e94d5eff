//! Answers: JSON or an event stream, and the one place where [`domain::Error`] becomes a JSON-RPC error.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Error, Problem};
use http::{HeaderName, HeaderValue, StatusCode, header};
use protocol::{
    era::Era,
    json::RawObject,
    jsonrpc::{self, Id, Outcome, RpcError},
    ladder::{self, Refusal},
};

use crate::decision::{self, Note};

/// ContextForge's code for "access denied".
const ACCESS_DENIED: i64 = -32003;

/// The code of a request that its client cancelled, as stock servers use it.
pub(crate) const CANCELLED: i64 = -32800;

/// A complete answer to one message.
pub(crate) enum Reply {
    /// The answer to a request.
    Answer {
        /// The request's.
        id: Id,
        /// How it ended.
        outcome: Outcome,
        /// The HTTP status.
        status: StatusCode,
        /// `Mcp-Session-Id` of a session that was just opened.
        session: Option<HeaderValue>,
    },
    /// The answer to a request that the policy refused.
    Denied {
        /// The request's.
        id: Id,
        /// The error, with the number of the refusal.
        error: RpcError,
        /// The refusal.
        note: Note,
    },
    /// A message that was not served.
    Refused {
        /// The request's, where it is known.
        id: Option<Id>,
        /// Why.
        refusal: Refusal,
        /// The era of the client, where it is known.
        era: Option<Era>,
    },
    /// A notification or response that was taken.
    Accepted,
    /// An event stream.
    Stream(Body),
}

impl Reply {
    /// A request that was served.
    pub(crate) fn done(id: Id, outcome: Outcome) -> Self {
        Self::Answer { id, outcome, status: StatusCode::OK, session: None }
    }

    /// A request that the engine refused or that failed.
    pub(crate) fn failed(id: Id, error: Error, era: Era) -> Self {
        let error = match error {
            Error::Decided(denial) => return Self::denied(id, denial.text, Note::of(*denial)),
            Error::Denied(text) => return Self::denied(id, text, Note::of_rule(text)),
            Error::Forbidden { needs } => return Self::denied(id, "Access denied", Note::unexplained(needs)),
            other => other,
        };
        let (status, error) = rpc_error(error, era);
        Self::Answer { id, outcome: Err(error), status, session: None }
    }

    fn denied(id: Id, text: &'static str, note: Note) -> Self {
        let mut data = RawObject::new();
        data.set_text("decision_id", &note.id);
        let error = RpcError::new(ACCESS_DENIED, text).with_data(data.to_raw());
        Self::Denied { id, error, note }
    }

    /// The refusal that the answer tells of, taken out for the outermost layer.
    pub(crate) fn note(&self) -> Option<Note> {
        match self {
            Self::Denied { note, .. } => Some(note.clone()),
            _ => None,
        }
    }

    /// The message alone, as an element of a batch. Notifications have none.
    pub(crate) fn into_message(self) -> Option<Vec<u8>> {
        match self {
            Self::Answer { id, outcome, .. } => Some(message(&id, &outcome)),
            Self::Denied { id, error, .. } => Some(jsonrpc::write_error(Some(&id), &error)),
            Self::Refused { id, refusal, .. } => {
                let error = refusal
                    .rpc()
                    .unwrap_or_else(|| RpcError::new(ladder::INVALID_REQUEST, refusal.message()));
                Some(jsonrpc::write_error(id.as_ref().or(refusal.id()), &error))
            }
            Self::Accepted | Self::Stream(_) => None,
        }
    }
}

/// The message that answers a request.
pub(crate) fn message(id: &Id, outcome: &Outcome) -> Vec<u8> {
    match outcome {
        Ok(result) => jsonrpc::write_result(id, result),
        Err(error) => jsonrpc::write_error(Some(id), error),
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Answer { id, outcome, status, session } => {
                let mut response = json(status, message(&id, &outcome));
                if let Some(session) = session {
                    response.headers_mut().insert(HeaderName::from_static("mcp-session-id"), session);
                }
                response
            }
            Self::Denied { id, error, note } => {
                let mut response = json(StatusCode::FORBIDDEN, jsonrpc::write_error(Some(&id), &error));
                let challenge = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                decision::attach(&mut response, vec![note]);
                response
            }
            Self::Refused { id, refusal, era } => refused(id.as_ref(), &refusal, era),
            Self::Accepted => StatusCode::ACCEPTED.into_response(),
            Self::Stream(body) => {
                let mut response = Response::new(body);
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
                headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
                response
            }
        }
    }
}

fn refused(id: Option<&Id>, refusal: &Refusal, era: Option<Era>) -> Response {
    let status = era.map_or_else(|| refusal.status(), |era| refusal.status_in(era));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let id = id.or(refusal.id());
    let error = refusal.rpc().unwrap_or_else(|| RpcError::new(ladder::INVALID_REQUEST, refusal.message()));
    json(status, jsonrpc::write_error(id, &error))
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Status and error for a request that the engine refused or that failed. Exhaustive on purpose: a new kind of
/// error has to be placed here.
fn rpc_error(error: Error, era: Era) -> (StatusCode, RpcError) {
    let ok = StatusCode::OK;
    match error {
        Error::NotFound { kind: "Resource", name } if !era.is_modern() => {
            (ok, RpcError::new(ladder::LEGACY_RESOURCE_NOT_FOUND, format!("Resource not found: {name}")))
        }
        Error::NotFound { .. }
        | Error::Refused(_)
        | Error::AlreadyExists { .. }
        | Error::Stale { .. }
        | Error::Conflict(_)
        | Error::Blocked(_) => (ok, RpcError::new(ladder::INVALID_PARAMS, error.to_string())),
        Error::Invalid(problems) => (
            ok,
            RpcError::new(ladder::INVALID_PARAMS, format!("Invalid params: {}", Problem::join(&problems))),
        ),
        Error::Content(violations) => {
            let data = serde_json::value::to_raw_value(&crate::refused::content(&violations));
            let error =
                RpcError::new(ladder::INVALID_PARAMS, domain::violation::Violation::join(&violations));
            (ok, data.map_or_else(|_| error.clone(), |data| error.clone().with_data(data)))
        }
        Error::TooLarge { .. } => {
            (StatusCode::PAYLOAD_TOO_LARGE, RpcError::new(ladder::INVALID_PARAMS, error.to_string()))
        }
        Error::Unauthenticated(text) => (StatusCode::UNAUTHORIZED, RpcError::new(ACCESS_DENIED, text)),
        Error::Forbidden { .. } => (StatusCode::FORBIDDEN, RpcError::new(ACCESS_DENIED, "Access denied")),
        Error::Denied(text) => (StatusCode::FORBIDDEN, RpcError::new(ACCESS_DENIED, text)),
        Error::Decided(denial) => (StatusCode::FORBIDDEN, RpcError::new(ACCESS_DENIED, denial.text)),
        Error::RateLimited { .. } => {
            (StatusCode::TOO_MANY_REQUESTS, RpcError::new(ladder::INTERNAL_ERROR, error.to_string()))
        }
        Error::Upstream { message, .. } => (ok, RpcError::new(ladder::INTERNAL_ERROR, message)),
        Error::Unavailable(cause) => {
            let text = logged(&cause, "The gateway is not available at the moment");
            (StatusCode::SERVICE_UNAVAILABLE, RpcError::new(ladder::INTERNAL_ERROR, text))
        }
        Error::Internal(cause) => {
            (ok, RpcError::new(ladder::INTERNAL_ERROR, logged(&cause, "Internal error")))
        }
    }
}

/// Logs what happened, once, and gives what is said of it.
fn logged(cause: &str, text: &'static str) -> &'static str {
    tracing::error!(cause, "{text}");
    text
}
