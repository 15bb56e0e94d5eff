//! Limits that can be decided from the headers alone.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use domain::Error;
use http::{HeaderMap, StatusCode, header::CONTENT_LENGTH};
use serde_json::json;

use crate::{
    api::problem::{self, Failure},
    serve::watched::TwoLengths,
    settings::LimitSettings,
};

/// How large headers may be.
#[derive(Debug)]
pub(super) struct HeaderLimits {
    enabled: bool,
    total: usize,
    field: usize,
    count: usize,
}

impl HeaderLimits {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        Self {
            enabled: settings.header_limits_enabled,
            total: settings.max_header_total,
            field: settings.max_header_field,
            count: settings.max_header_count,
        }
    }

    #[expect(clippy::result_large_err, reason = "an answer on its way out, made once for a refused request")]
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Response> {
        match self.violation(headers).filter(|_| self.enabled) {
            None => Ok(()),
            Some(violation) => Err(self.refusal(violation)),
        }
    }

    fn violation(&self, headers: &HeaderMap) -> Option<&'static str> {
        if headers.len() > self.count {
            return Some("header_count");
        }
        let mut total = 0;
        for (name, value) in headers {
            // As on the wire: name, colon, blank, value, line end.
            let size = name.as_str().len() + value.len() + 4;
            if size > self.field {
                return Some("field_size");
            }
            total += size;
        }
        (total > self.total).then_some("total_size")
    }

    fn refusal(&self, violation: &str) -> Response {
        let message = match violation {
            "header_count" => format!("at most {} header fields are accepted", self.count),
            "field_size" => format!("a header field may have at most {} bytes", self.field),
            _ => format!("all header fields together may have at most {} bytes", self.total),
        };
        let text = json!({
            "error": "Request Header Fields Too Large",
            "message": message,
            "violation_type": violation,
            "limits": {
                "max_total_size_bytes": self.total,
                "max_field_size_bytes": self.field,
                "max_header_count": self.count,
            },
        });
        problem::body(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &text)
    }
}

/// Refuses a request with both `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.1): whoever stands in
/// front of the gateway may have believed the other one.
#[expect(clippy::result_large_err, reason = "an answer on its way out, made once for a refused request")]
pub(super) fn check_lengths(request: &Request) -> Result<(), Response> {
    if request.extensions().get::<TwoLengths>().is_none() {
        return Ok(());
    }
    let text = "a request has either Content-Length or Transfer-Encoding, not both";
    Err(problem::detail(StatusCode::BAD_REQUEST, text))
}

/// Refuses a body that says itself that it is too large, before a byte of it is read.
#[expect(clippy::result_large_err, reason = "an answer on its way out, made once for a refused request")]
pub(super) fn check_declared_length(headers: &HeaderMap, limit: u64) -> Result<(), Response> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(actual) if actual > limit => {
            Err(Failure(Error::TooLarge { what: "Request body", limit, actual }).into_response())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn each_limit_is_named() {
        let limits = HeaderLimits { enabled: true, total: 60, field: 20, count: 4 };
        let of = |fields: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
            }
            limits.violation(&headers)
        };
        assert_eq!(of(&[("a", "b")]), None);
        assert_eq!(of(&[("a", "b"), ("a", "c"), ("a", "d"), ("a", "e"), ("a", "f")]), Some("header_count"));
        assert_eq!(of(&[("a", "1234567890123456")]), Some("field_size"));
        let long = "123456789012345";
        assert_eq!(of(&[("a", long), ("b", long), ("c", long)]), None);
        assert_eq!(of(&[("a", long), ("b", long), ("c", long), ("d", "")]), Some("total_size"));
    }
}
