//! JSON bodies in and out. What is wrong with a body is said with the path of the field.
//!
//! Nesting is limited by the parser (128 levels), so that a deep body is refused quickly. A field given twice is
//! refused; unknown fields are ignored, as ContextForge does, unless the type says otherwise. Types accept
//! `camelCase` and `snake_case` by `#[serde(alias)]`.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE, request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    api::{
        body,
        problem::{self, Cause, Failure},
    },
    app::App,
};

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            let text = "the body must be JSON, with Content-Type: application/json";
            return Err(problem::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let limit = app.settings().limits.max_body_bytes;
        let bytes =
            body::read(request.into_body(), limit).await.map_err(|error| Failure(error).into_response())?;
        let parsed = check_object(&bytes).and_then(|()| parse(&bytes));
        parsed.map(Self).map_err(IntoResponse::into_response)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response()
            }
            Err(error) => {
                let mut response = problem::internal("detail");
                response.extensions_mut().insert(Cause(format!("an answer could not be written: {error}")));
                response
            }
        }
    }
}

/// What is wrong with a body.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    kind: &'static str,
    field: String,
    message: String,
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let entry = problem::entry(self.kind, &self.field, &self.message);
        problem::body(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "detail": [entry] }))
    }
}

/// Bodies are objects. Said here, because the parser would take a list as an object's values in their order.
fn check_object(bytes: &[u8]) -> Result<(), Wrong> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            let message = "must be a JSON object".to_owned();
            Err(Wrong { kind: "value_error", field: String::new(), message })
        }
        _ => Ok(()),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // A `null` where one of several words is wanted is reported as a text that breaks off, although it is good JSON.
    let is_data = |error: &serde_json::Error| {
        error.is_data() || serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
    };
    let wrong = |error: &serde_json::Error, field: String| {
        let kind = if is_data(error) { "value_error" } else { "json_invalid" };
        Wrong { kind, field, message: error.to_string() }
    };
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        // Where the text ends or breaks there is no field; the path says `?` or `.` then.
        let path = error.path().to_string();
        let known = is_data(error.inner()) && path != ".";
        wrong(error.inner(), if known { path } else { String::new() })
    })?;
    reader.end().map_err(|error| wrong(&error, String::new()))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Query parameters, read to a type.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Response> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let (field, message) = text.split_once(": ").unwrap_or(("", text));
            Wrong { kind: "value_error", field: format!("query:{field}"), message: message.to_owned() }
                .into_response()
        })
    }
}

/// A parameter of the path.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        // What cannot be an id is the id of nothing.
        axum::extract::Path::<T>::from_request_parts(parts, app)
            .await
            .map(|path| Self(path.0))
            .map_err(|_| problem::detail(StatusCode::NOT_FOUND, "Not Found"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(alias = "inputSchema")]
        input_schema: Vec<u8>,
    }

    #[derive(Debug, Deserialize)]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        One,
    }

    #[derive(Debug, Deserialize)]
    struct Chosen {
        word: Word,
    }

    fn wrong(text: &str) -> Wrong {
        parse::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_wrong_field_is_named() {
        let good = parse::<Outer>(br#"{"inner":{"inputSchema":[1]},"more":1}"#).unwrap();
        assert_eq!(good.inner.input_schema, [1]);
        assert_eq!(wrong(r#"{"inner":{"input_schema":[1,"x"]}}"#).field, "inner.input_schema[1]");
        assert!(wrong(r#"{"inner":{}}"#).message.contains("input_schema"));
        assert!(
            wrong(r#"{"inner":{"input_schema":[],"inputSchema":[]}}"#).message.contains("duplicate field")
        );
    }

    #[test]
    fn a_null_in_the_place_of_a_word_is_named() {
        assert!(matches!(parse::<Chosen>(br#"{"word":"one"}"#).unwrap().word, Word::One));
        for wrong in [r#"{"word":null}"#, r#"{"word":"two"}"#, r#"{"word":7}"#] {
            let wrong = parse::<Chosen>(wrong.as_bytes()).unwrap_err();
            assert_eq!((wrong.kind, &*wrong.field), ("value_error", "word"), "{}", wrong.message);
        }
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        for text in ["", "{", "{}x", "\u{feff}{}", "[1,]"] {
            let wrong = parse::<serde_json::Value>(text.as_bytes()).unwrap_err();
            assert_eq!(wrong.kind, "json_invalid", "{text:?}");
        }
        assert_eq!(wrong(r#"{"inner":{"input_schema":"#).field, "");
        assert!(check_object(b" {}").is_ok() && check_object(b"[\"a\"]").is_err());
        let deep = "[".repeat(100_000);
        assert!(parse::<serde_json::Value>(deep.as_bytes()).unwrap_err().message.contains("recursion"));
    }

    #[test]
    fn only_json_media_types_count() {
        let of = |text: &'static str| {
            is_json(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]))
        };
        assert!(
            of("application/json") && of("Application/JSON; charset=utf-8") && of("application/problem+json")
        );
        assert!(!of("text/plain") && !of("application/x-www-form-urlencoded") && !of("text/json"));
        assert!(!is_json(&HeaderMap::new()));
    }
}
