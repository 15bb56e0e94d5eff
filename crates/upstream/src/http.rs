//! MCP over HTTP: one request and its answer, as every revision does it.
//!
//! Nothing here knows eras; it sends what it is given and sorts the answers. Credentials are turned into headers
//! once per upstream, marked sensitive. Invariant: no answer is read beyond the size limit or the deadline.

pub(crate) mod answer;
pub(crate) mod herald;
pub(crate) mod legacy;
pub(crate) mod messages;
pub(crate) mod modern;
pub(crate) mod sessions;
pub(crate) mod sse;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::{Error, gateway::UpstreamAuth};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::Full;
use hyper::body::Incoming;
use protocol::jsonrpc::Outcome;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::messages::Messages;
use crate::{
    call::{CallContext, Target},
    egress::{self, Client},
    fault::Fault,
    hear::{Ear, Heard},
};

/// What a client passes on must not change how the message is framed or what protocol it is.
const NEVER_PASSED_ON: [&str; 13] = [
    "accept",
    "accept-encoding",
    "host",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "last-event-id",
    "user-agent",
    "forwarded",
];
const NEVER_PASSED_ON_PREFIXES: [&str; 3] = ["mcp-", "content-", "proxy-"];

/// One upstream over HTTP: where it is and how it is told who we are.
#[derive(Debug)]
pub(crate) struct Origin {
    /// The name of the upstream, for messages.
    pub(crate) name: String,
    /// Its URL.
    pub(crate) url: Url,
    /// Where requests go.
    pub(crate) uri: Uri,
    /// The client.
    pub(crate) client: Client,
    headers: HeaderMap,
}

/// An answer, sorted by what can be done with it.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its content.
    pub(crate) content: Content,
}

/// The content of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    /// JSON, read to the end.
    Json(Bytes),
    /// An event stream, not read yet.
    Events(Incoming),
    /// Something else; the beginning of a text, in lower case.
    Other(String),
}

impl Origin {
    /// The origin of a target.
    pub(crate) fn new(target: &Target, client: &Client) -> domain::Result<Self> {
        let url = client
            .parse_url(&target.url)
            .map_err(|denial| Error::upstream(format!("The URL of the server {} {denial}", target.name)))?;
        let uri = url.as_str().parse().map_err(Error::internal)?;
        let headers = standing_headers(&target.auth)
            .map_err(|why| Error::upstream(format!("The credentials of the server {} {why}", target.name)))?;
        Ok(Self { name: target.name.clone(), url, uri, client: client.clone(), headers })
    }

    /// The headers of a request on somebody's behalf: ours, then what is passed on. Passed-on headers replace
    /// stored credentials, because whoever passes them on decided so.
    pub(crate) fn headers(&self, context: &CallContext) -> HeaderMap {
        let mut headers = self.headers.clone();
        for (name, value) in &context.headers {
            let text = name.as_str();
            let framing = NEVER_PASSED_ON.contains(&text)
                || NEVER_PASSED_ON_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
            if !framing {
                headers.insert(name, value.clone());
            }
        }
        if let Some(parent) = &context.traceparent
            && let Ok(parent) = HeaderValue::from_str(parent)
        {
            headers.insert(HeaderName::from_static("traceparent"), parent);
        }
        headers
    }

    /// A POST of one message.
    pub(crate) fn post(uri: &Uri, headers: HeaderMap, body: Vec<u8>) -> Request<Full<Bytes>> {
        request(Method::POST, uri, headers, body)
    }

    /// A request without a body.
    pub(crate) fn bare(method: Method, uri: &Uri, mut headers: HeaderMap) -> Request<Full<Bytes>> {
        headers.remove(CONTENT_TYPE);
        if method == Method::GET {
            headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        }
        request(method, uri, headers, Vec::new())
    }

    /// Sends a request and sorts the answer; JSON is read to its end.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Reply, Fault> {
        let work = async { self.sort(self.client.request(request).await?).await };
        timeout_at(deadline, work).await.unwrap_or(Err(Fault::TimedOut))
    }

    /// The reply in an answer whose notifications nobody wants; `None` if there is none.
    pub(crate) async fn outcome(
        &self,
        content: Content,
        ear: &Ear,
        deadline: Instant,
    ) -> Result<Option<Outcome>, Fault> {
        let done = |text: &[u8]| match ear.hear(text) {
            Ok(Heard::Done(outcome)) => Some(outcome),
            _ => None,
        };
        match content {
            Content::Json(body) => Ok(done(&body)),
            Content::Other(_) => Ok(None),
            Content::Events(body) => {
                let mut messages = Messages::new(body, self.client.max_response, Some(deadline));
                while let Some(event) = messages.next().await? {
                    if let Some(outcome) = done(event.data.as_bytes()) {
                        return Ok(Some(outcome));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn sort(&self, response: Response<Incoming>) -> Result<Reply, Fault> {
        let status = response.status();
        if let Some(fault) = useless(status) {
            return Err(fault);
        }
        if response.headers().get("content-encoding").is_some_and(|encoding| encoding != "identity") {
            return Err(Fault::Useless("sent a compressed answer, which was not asked for".to_owned()));
        }
        let (parts, body) = response.into_parts();
        let headers = parts.headers;
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim();
        let content = if media.eq_ignore_ascii_case("text/event-stream") {
            Content::Events(body)
        } else if media.eq_ignore_ascii_case("application/json") {
            Content::Json(egress::collect(body, self.client.max_response).await?)
        } else if status.is_success() {
            // Not read: nothing that a server can say in another form is of use.
            Content::Other(String::new())
        } else {
            let text = egress::collect(body, EXCERPT).await.unwrap_or_default();
            Content::Other(String::from_utf8_lossy(&text).to_ascii_lowercase())
        };
        Ok(Reply { status, headers, content })
    }
}

/// The notification that there are other roots now.
pub(crate) const ROOTS_CHANGED: &str = "notifications/roots/list_changed";

/// Answers that are no reply: what a server of another era says, and what is of no use.
pub(crate) fn unexpected(status: StatusCode) -> Fault {
    match status.as_u16() {
        status @ (400 | 404 | 405) => Fault::Contradiction { reply: None, status },
        200..=299 => Fault::Useless("answered with neither JSON nor an event stream".to_owned()),
        status => Fault::Useless(format!("failed (HTTP {status})")),
    }
}

/// How much of an error page is looked at.
const EXCERPT: u64 = 64 << 10;

/// Answers that mean the same in every era.
fn useless(status: StatusCode) -> Option<Fault> {
    let message = match status.as_u16() {
        code @ 300..=399 => format!("answered with a redirect (HTTP {code}), which is never followed"),
        code @ (401 | 403) => format!("refused the gateway's credentials (HTTP {code})"),
        407 => "wants to be reached through a proxy (HTTP 407)".to_owned(),
        code @ (429 | 502..=504) => return Some(Fault::Unavailable(code)),
        _ => return None,
    };
    Some(Fault::Useless(message))
}

fn request(method: Method, uri: &Uri, headers: HeaderMap, body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// The headers that every request has. The reason of a failure never repeats a value.
fn standing_headers(auth: &UpstreamAuth) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("contextforge/", env!("CARGO_PKG_VERSION"))));
    let secret = |text: &str| {
        let mut value =
            HeaderValue::from_str(text).map_err(|_| "hold characters that no header can have".to_owned())?;
        value.set_sensitive(true);
        Ok::<_, String>(value)
    };
    match auth {
        UpstreamAuth::None => {}
        UpstreamAuth::Basic { username, password } => {
            let pair = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
            headers.insert(AUTHORIZATION, secret(&format!("Basic {pair}"))?);
        }
        UpstreamAuth::Bearer { token } => {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", token.expose()))?);
        }
        UpstreamAuth::Headers(given) => {
            for (name, value) in given {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| "have a header name that is not valid".to_owned())?;
                headers.insert(name, secret(value.expose())?);
            }
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use domain::Secret;

    use super::*;

    #[test]
    fn credentials_become_headers_that_do_not_print_themselves() {
        let password = Secret::new("s3cret".to_owned());
        let headers = standing_headers(&UpstreamAuth::Basic { username: "me".to_owned(), password }).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Basic bWU6czNjcmV0");
        assert!(!format!("{headers:?}").contains("bWU6"), "{headers:?}");
        let broken = UpstreamAuth::Bearer { token: Secret::new("s3cret\n".to_owned()) };
        assert!(!standing_headers(&broken).unwrap_err().contains("s3cret"));
    }

    #[test]
    fn statuses_that_help_nobody_are_named() {
        for status in [301, 302, 307, 308, 401, 403, 407, 429, 502, 503, 504] {
            assert!(useless(StatusCode::from_u16(status).unwrap()).is_some(), "{status}");
        }
        for status in [200, 202, 400, 404, 405, 406, 500] {
            assert!(useless(StatusCode::from_u16(status).unwrap()).is_none(), "{status}");
        }
    }
}
