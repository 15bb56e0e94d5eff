//! Which `Host` and `Origin` a request may have, and the CORS headers of the answer.
//!
//! A web page that makes a browser send requests to the gateway is caught twice: by the `Host` it had to use (DNS
//! rebinding) and by the `Origin` that the browser adds (everything else). Programs that are no browsers send no
//! `Origin` and are not concerned.

use axum::{extract::Request, response::Response};
use engine::settings::Environment;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
    },
};

use crate::{api::problem, settings::Settings};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Content-Length, X-Request-ID, X-Correlation-ID, X-Decision-ID, X-Password-Change-Required, Mcp-Session-Id, WWW-Authenticate",
);

/// The allow-lists.
#[derive(Debug)]
pub(super) struct Origins {
    /// `None` where the operator lets any in.
    hosts: Option<Vec<String>>,
    listed: Vec<String>,
    /// Outside production: pages on this machine are let in, whatever their port, and http is as good as https.
    lenient: bool,
    cors: bool,
    credentials: bool,
}

impl Origins {
    pub(super) fn new(settings: &Settings) -> Self {
        let production = settings.environment == Environment::Production;
        let mut hosts = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        hosts.extend(settings.app_host());
        let bound = settings.listen.host;
        if !bound.is_unspecified() {
            hosts.push(if bound.is_ipv6() { format!("[{bound}]") } else { bound.to_string() });
        }
        let named = &settings.listen.allowed_hosts.0;
        hosts.extend(named.iter().map(|host| host.to_ascii_lowercase()));
        let listed = &settings.origins.allowed_origins.0;
        let mut allowed: Vec<String> =
            listed.iter().filter_map(|text| crate::settings::origin_of(text)).collect();
        if listed.is_empty() {
            allowed.extend(settings.app_origin());
        }
        Self {
            hosts: hosts.iter().all(|host| host != "*").then_some(hosts),
            listed: allowed,
            lenient: !production,
            cors: settings.origins.cors_enabled,
            credentials: settings.origins.cors_allow_credentials,
        }
    }

    /// Refuses a request for a name that is not ours.
    #[expect(clippy::result_large_err, reason = "an answer on its way out, made once for a refused request")]
    pub(super) fn check_host(&self, request: &Request) -> Result<(), Response> {
        let Some(host) = host_of(request) else {
            return Err(problem::detail(StatusCode::BAD_REQUEST, "The request must have one valid Host"));
        };
        let name = without_port(host);
        let Some(hosts) = &self.hosts else { return Ok(()) };
        if hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(problem::detail(
            StatusCode::FORBIDDEN,
            "This Host is not allowed; the operator can add it to ALLOWED_HOSTS",
        ))
    }

    /// Refuses a request that a page on a foreign origin made a browser send.
    #[expect(clippy::result_large_err, reason = "an answer on its way out, made once for a refused request")]
    pub(super) fn check_origin(&self, request: &Request) -> Result<(), Response> {
        if request.headers().contains_key(ORIGIN) && self.answer_to(request).is_none() {
            let text = "This Origin is not allowed; the operator can add it to ALLOWED_ORIGINS";
            return Err(problem::detail(StatusCode::FORBIDDEN, text));
        }
        Ok(())
    }

    /// The request's `Origin`, if it is an allowed one.
    pub(super) fn answer_to(&self, request: &Request) -> Option<HeaderValue> {
        let origin = single(request.headers(), &ORIGIN)?;
        let text = origin.to_str().ok()?;
        (self.listed.iter().any(|allowed| allowed == text)
            || (self.lenient && is_loopback(text))
            || host_of(request).is_some_and(|host| self.is_same(text, host)))
        .then(|| origin.clone())
    }

    fn is_same(&self, origin: &str, host: &str) -> bool {
        let https = origin.strip_prefix("https://");
        let authority = https.or_else(|| origin.strip_prefix("http://").filter(|_| self.lenient));
        authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
    }

    /// The answer to a preflight request. Which headers may be sent is up to the page: its origin is allowed.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let asks = self.cors
            && request.method() == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            let out = response.headers_mut();
            out.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            out.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
            if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                out.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
            response
        })
    }

    /// Lets the page read the answer.
    pub(super) fn mark(&self, origin: Option<HeaderValue>, response: &mut Response) {
        if !self.cors {
            return;
        }
        let Some(origin) = origin else { return };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("Origin"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The one host that the request is for: of the URI (HTTP/2, or the absolute form) and of the header, which have to
/// agree where both are there.
fn host_of(request: &Request) -> Option<&str> {
    let header = if request.headers().contains_key(HOST) {
        Some(single(request.headers(), &HOST)?.to_str().ok()?)
    } else {
        None
    };
    let host = match (request.uri().authority(), header) {
        (Some(authority), Some(header)) => authority.as_str().eq_ignore_ascii_case(header).then_some(header),
        (Some(authority), None) => Some(authority.as_str()),
        (None, header) => header,
    }?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An address in brackets without a port ends with the bracket.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_loopback(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| matches!(without_port(authority), "localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests;
