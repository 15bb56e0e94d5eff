//! Every layer that a request passes, outermost first. This list is the whole of it; there is no other middleware
//! than the deprecation headers of unversioned routes (`routes`).
//!
//! |  # | Layer              | Why here                                                                            |
//! |---:|--------------------|-------------------------------------------------------------------------------------|
//! |  1 | request id         | everything after it, every answer and every log line carries it                     |
//! |  2 | access log         | sees the final status of every answer, panics and refusals included                 |
//! |  3 | security headers   | on every answer, those of the layers below included                                 |
//! |  4 | CORS headers       | likewise, so that a browser can read an error                                       |
//! |  5 | panic catch        | a bug in one request is a 500 for that request                                      |
//! |  6 | header limits      | before anything looks at the headers (431); two contradicting lengths are 400      |
//! |  7 | Host allow-list    | before routing, so that a rebound name reaches nothing (403)                        |
//! |  8 | Origin check       | before routing and authentication, for every method and endpoint (403)              |
//! |  9 | CORS preflight     | answered here, because it carries no credentials                                    |
//! | 10 | body limit         | a declared length above the limit is refused unread (413); `api::body` counts the rest |
//! | 11 | root path          | the prefix that a reverse proxy adds is taken off                                   |
//! | 12 | deadline           | for everything but MCP, whose calls have their own (504)                            |
//! | 13 | routes and guards  | 404 and 405, then authentication and authorization in the handler's first argument  |
//!
//! The layers are one function over plain checks and not a stack of services: this is the path of every tool call.
//! What the HTTP parser itself refuses (malformed request lines, more than 200 header fields, more than 64 KiB of
//! headers) never gets here; `serve` has it answered by [`unreadable`], and the connection is closed.

mod access_log;
mod answer;
mod arrival;
mod limits;
mod origin;
mod path;
mod proxy;

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{Router, extract::Request, response::Response};
use futures_util::FutureExt;
use http::{StatusCode, Uri};
use tower_service::Service;

#[cfg(fuzzing)]
pub(crate) use self::proxy::client;
use self::{answer::AnswerHeaders, arrival::Arrival, limits::HeaderLimits, origin::Origins, proxy::Proxies};
pub(crate) use self::{answer::frame_ancestors, path::without_secret};
use crate::{
    api::{
        body,
        problem::{self, Cause},
    },
    app::App,
    decision::{self, Refused},
    guard::{UsedToken, answers_calls},
    settings::Settings,
};

/// The address of the connected peer, put into the request's extensions by `serve`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What the layers compare requests with, worked out once.
#[derive(Debug)]
pub(crate) struct Edge {
    answers: AnswerHeaders,
    limits: HeaderLimits,
    max_body_bytes: u64,
    origins: Origins,
    proxies: Proxies,
    root_path: Option<String>,
    deadline: Duration,
}

impl Edge {
    pub(crate) fn new(settings: &Settings) -> Self {
        let root = settings.listen.root_path.as_deref().map(|path| path.trim_end_matches('/'));
        Self {
            answers: AnswerHeaders::new(&settings.answers),
            limits: HeaderLimits::new(&settings.limits),
            max_body_bytes: settings.limits.max_body_bytes,
            origins: Origins::new(settings),
            proxies: Proxies::new(&settings.listen),
            root_path: root.filter(|path| !path.is_empty()).map(str::to_owned),
            deadline: Duration::from_secs(settings.limits.request_timeout_seconds),
        }
    }

    /// Whether an address is that of a trusted reverse proxy.
    pub(crate) fn trusts(&self, ip: std::net::IpAddr) -> bool {
        self.proxies.trusts(ip)
    }
}

/// The whole answer to a request that is no HTTP, or too much of it, as it goes over the wire: with the headers of every
/// answer, and the end of its connection.
pub(crate) fn unreadable(app: &App, status: StatusCode) -> Vec<u8> {
    let why = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The headers of the request are too many or too large",
        StatusCode::URI_TOO_LONG => "The path of the request is too long",
        _ => "The request is not valid HTTP/1.1",
    };
    let text = serde_json::json!({ "detail": why }).to_string();
    let mut response = problem::detail(status, why);
    arrival::name(&mut response);
    app.edge().answers.mark(&mut response, false);
    tracing::info!(status = status.as_u16(), why, "a request could not be read");
    let mut head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n", text.len()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    [&head, &b"\r\n"[..], text.as_bytes()].concat()
}

/// The layers around the routes.
#[derive(Clone)]
pub(crate) struct Stack {
    app: App,
    routes: Router,
}

impl Stack {
    pub(crate) fn new(app: App, routes: Router) -> Self {
        Self { app, routes }
    }

    /// Layers 1 to 5.
    pub(crate) async fn answer(self, mut request: Request) -> Response {
        let started = Instant::now();
        let app = self.app.clone();
        let edge = app.edge();
        app.replicas().arrived(&app, &mut request);
        let arrival = Arrival::of(&request, &edge.proxies);
        arrival.attach(&mut request);
        let used = UsedToken::default();
        request.extensions_mut().insert(used.clone());
        let origin = edge.origins.answer_to(&request);
        let guarded = AssertUnwindSafe(self.admit(request)).catch_unwind().await;
        let mut response = guarded.unwrap_or_else(|_| {
            let mut response = problem::internal("detail");
            response.extensions_mut().insert(Cause("a request handler panicked".to_owned()));
            response
        });
        let refused = Refused { caller: &arrival.caller, method: &arrival.method, path: &arrival.path };
        decision::keep(app.engine(), refused, &mut response);
        arrival.mark(&mut response);
        edge.origins.mark(origin, &mut response);
        edge.answers.mark(&mut response, arrival.https);
        let took = started.elapsed();
        used.answered(&arrival.method, response.status(), took, app.engine().clock().now());
        access_log::write(&arrival, &response, took);
        response
    }

    /// Layers 6 to 13.
    async fn admit(mut self, mut request: Request) -> Response {
        let app = self.app.clone();
        let edge = app.edge();
        if let Err(refusal) = edge.limits.check(request.headers()) {
            return refusal;
        }
        if let Err(refusal) = limits::check_lengths(&request) {
            return refusal;
        }
        if let Err(refusal) = edge.origins.check_host(&request) {
            return refusal;
        }
        if let Err(refusal) = edge.origins.check_origin(&request) {
            return refusal;
        }
        if let Some(answer) = edge.origins.preflight(&request) {
            return answer;
        }
        if let Err(refusal) = limits::check_declared_length(request.headers(), edge.max_body_bytes) {
            body::discard(request.into_body());
            return refusal;
        }
        if let Some(root) = &edge.root_path {
            strip_root(&mut request, root);
        }
        let free_of_deadline = answers_calls(request.uri().path());
        let answering = self.routes.call(request);
        let answer = if free_of_deadline {
            answering.await
        } else {
            match tokio::time::timeout(edge.deadline, answering).await {
                Ok(answer) => answer,
                Err(_) => Ok(problem::detail(StatusCode::GATEWAY_TIMEOUT, "The request took too long")),
            }
        };
        answer.unwrap_or_else(|never| match never {})
    }
}

/// Takes the root path off. A path without it is taken as it is, as when the proxy has already taken it off.
fn strip_root(request: &mut Request, root: &str) {
    let Some(rest) =
        request.uri().path().strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return;
    };
    let path = if rest.is_empty() { "/" } else { rest };
    let whole = request.uri().query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    if let Ok(uri) = Uri::try_from(whole) {
        *request.uri_mut() = uri;
    }
}

impl Service<Request> for Stack {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(self.clone().answer(request).map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_root_path_is_taken_off_once() {
        let stripped = |uri: &str| {
            let mut request = Request::builder().uri(uri).body(Body::empty()).unwrap();
            strip_root(&mut request, "/gw");
            request.uri().to_string()
        };
        assert_eq!(stripped("/gw/tools?limit=1"), "/tools?limit=1");
        assert_eq!(stripped("/gw"), "/");
        assert_eq!(stripped("/gwx/tools"), "/gwx/tools");
        assert_eq!(stripped("/tools"), "/tools");
    }
}
