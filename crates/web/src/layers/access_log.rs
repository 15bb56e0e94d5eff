//! One line for each request, without query strings and credentials.
//!
//! Successful MCP and monitoring requests are logged at debug level: they come by the thousand.

use std::time::Duration;

use axum::response::Response;
use http::HeaderValue;

use super::arrival::Arrival;
use crate::{api::problem::Cause, guard::is_mcp};

#[expect(clippy::cognitive_complexity, reason = "it is the log macros that branch")]
pub(super) fn write(arrival: &Arrival, response: &Response, took: Duration) {
    let status = response.status().as_u16();
    let id = &*arrival.caller.request_id;
    if let Some(Cause(cause)) = response.extensions().get::<Cause>() {
        tracing::error!(request_id = id, method = %arrival.method, path = %arrival.path, cause, "request failed");
    }
    let quiet = status < 400 && (is_mcp(&arrival.path) || matches!(&*arrival.path, "/health" | "/ready"));
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let correlation_id = arrival.correlation_id.as_ref().and_then(|id: &HeaderValue| id.to_str().ok());
    macro_rules! line { ($level:ident) => {
        tracing::$level!(
            target: "access", request_id = id, correlation_id, ip = arrival.caller.ip.map(tracing::field::display),
            method = %arrival.method, path = %arrival.path, status, micros
        )
    } }
    if quiet {
        line!(debug);
    } else {
        line!(info);
    }
}
