//! From `domain::Error` to an HTTP answer: the one place that knows both. (`mcp::reply` does the same for JSON-RPC.)
//!
//! Bodies have ContextForge's shapes. A wrong input is answered 422 and always names the field. The text of
//! `Internal` and `Unavailable` never leaves: it travels beside the answer as [`Cause`] to the access log, which has
//! the request id.

use axum::response::{IntoResponse, Response};
use domain::{Error, Problem};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

use crate::{
    decision::{self, Note},
    refused,
};
/// When it is worth trying again where a part of the gateway does not answer.
const RETRY_SECONDS: &str = "5";

/// Why a request failed, answered as `{"detail": …}`.
#[derive(Debug)]
pub struct Failure(pub Error);

/// The same for routes of `/gateways`, which answer `{"message": …}` where others say `detail`.
#[derive(Debug)]
pub struct MessageFailure(pub Error);

/// The text of an internal error, for the log only.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Error> for MessageFailure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        answer(self.0, "detail")
    }
}

impl IntoResponse for MessageFailure {
    fn into_response(self) -> Response {
        // Reading one, authentication and wrong input say `detail` there as well.
        let key = match &self.0 {
            Error::NotFound { .. } | Error::Unauthenticated(_) | Error::Invalid(_) => "detail",
            _ => "message",
        };
        answer(self.0, key)
    }
}

/// An answer `{"detail": text}`.
pub(crate) fn detail(status: StatusCode, text: &str) -> Response {
    if status == StatusCode::FORBIDDEN {
        return forbidden("detail", text, Note::at_the_edge());
    }
    body(status, &json!({ "detail": text }))
}

/// A JSON answer.
pub(crate) fn body(status: StatusCode, body: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body.to_string()).into_response()
}

fn answer(error: Error, key: &str) -> Response {
    let text = |status: StatusCode, text: String| body(status, &json!({ key: text }));
    match error {
        Error::NotFound { kind, name } if name.is_empty() => {
            text(StatusCode::NOT_FOUND, format!("{kind} not found"))
        }
        error @ Error::NotFound { .. } => text(StatusCode::NOT_FOUND, error.to_string()),
        error @ (Error::AlreadyExists { .. } | Error::Stale { .. } | Error::Conflict(_)) => {
            text(StatusCode::CONFLICT, error.to_string())
        }
        Error::Invalid(problems) => {
            let shown = problems.iter().take(Problem::SHOWN);
            let mut entries: Vec<Value> =
                shown.map(|problem| entry("value_error", &problem.field, &problem.message)).collect();
            entries.extend(Problem::more(problems.len()).map(|more| entry("value_error", "", &more)));
            body(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": entries }))
        }
        Error::Content(violations) => {
            body(StatusCode::BAD_REQUEST, &json!({ "detail": refused::content(&violations) }))
        }
        Error::Refused(reason) | Error::Blocked(reason) => text(StatusCode::BAD_REQUEST, reason),
        Error::Unauthenticated(reason) => {
            let mut response = text(StatusCode::UNAUTHORIZED, reason.to_owned());
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
        Error::Decided(denial) => forbidden(key, denial.text, Note::of(*denial)),
        Error::Denied(text) => forbidden(key, text, Note::of_rule(text)),
        Error::Forbidden { needs } => forbidden(key, "Access denied", Note::unexplained(needs)),
        Error::RateLimited { retry_after } => rate_limited(retry_after.as_secs().max(1)),
        error @ Error::TooLarge { what, limit, actual } => {
            let more = json!({
                "error": format!("{what} size limit exceeded"), "message": error.to_string(),
                "actual_size": actual, "max_size": limit,
            });
            body(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "detail": more }))
        }
        Error::Upstream { message, timeout } => {
            text(if timeout { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY }, message)
        }
        Error::Unavailable(cause) => {
            let mut answer =
                text(StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable".to_owned());
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            with_cause(answer, cause)
        }
        Error::Internal(cause) => with_cause(internal(key), cause),
    }
}

fn forbidden(key: &str, text: &str, note: Note) -> Response {
    let mut response = body(StatusCode::FORBIDDEN, &json!({ key: text, "decision_id": note.id }));
    decision::attach(&mut response, vec![note]);
    response
}

/// The answer to a bug.
pub(crate) fn internal(key: &str) -> Response {
    body(StatusCode::INTERNAL_SERVER_ERROR, &json!({ key: "An internal error occurred. Please try again." }))
}

/// One entry of a 422 answer. `field` is a dotted path into the body; `query:NAME` names a query parameter.
pub(crate) fn entry(kind: &str, field: &str, message: &str) -> Value {
    let (place, field) = field.split_once(':').map_or(("body", field), |(place, field)| (place, field));
    let mut loc = vec![Value::from(place)];
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        let index = part.strip_suffix(']').and_then(|index| index.parse::<u64>().ok());
        loc.push(index.map_or_else(|| Value::from(part), Value::from));
    }
    json!({ "type": kind, "loc": loc, "msg": message })
}

fn with_cause(mut response: Response, cause: String) -> Response {
    response.extensions_mut().insert(Cause(cause));
    response
}

fn rate_limited(seconds: u64) -> Response {
    let text = json!({
        "error": "Rate limit exceeded",
        "message": format!("Too many requests. Try again in {seconds} seconds."),
        "reset_in_seconds": seconds,
    });
    let mut response = body(StatusCode::TOO_MANY_REQUESTS, &text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_locations() {
        let loc = |field| entry("value_error", field, "m")["loc"].clone();
        assert_eq!(loc("server.associated_tools[2]"), json!(["body", "server", "associated_tools", 2]));
        assert_eq!(loc(""), json!(["body"]));
        assert_eq!(loc("query:limit"), json!(["query", "limit"]));
    }

    #[tokio::test]
    async fn many_problems_are_counted_and_a_few_are_named() {
        let problem = |at| Problem { field: format!("ids[{at}]"), message: "is wrong".to_owned() };
        let response = Failure(Error::Invalid((0..50_000).map(problem).collect())).into_response();
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        let detail = serde_json::from_slice::<Value>(&bytes).unwrap()["detail"].clone();
        assert_eq!(detail.as_array().unwrap().len(), 21);
        assert_eq!(detail[20]["msg"], "and 49980 more");
    }

    #[test]
    fn internal_texts_stay_inside() {
        let response = Failure(Error::internal("password of the database")).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.extensions().get::<Cause>().is_some_and(|cause| cause.0.contains("database")));
        assert!(!format!("{:?}", response.body()).contains("password"));
    }

    #[test]
    fn a_refused_credential_names_the_scheme() {
        let response = Failure(Error::Unauthenticated("Account disabled")).into_response();
        assert_eq!(response.headers().get(WWW_AUTHENTICATE).unwrap(), "Bearer");
    }
}
