//! `WebSockets` (RFC 6455) on the server's side: the handshake, and a connection with the limits of every request.
//!
//! Whoever is behind a guard gets an [`Upgrade`]; what was checked before (Host, Origin, credential) was checked as for
//! any request. A credential in the address is refused, whether it is good or not: addresses end up in logs. Only
//! HTTP/1.1 is upgraded.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::{api::problem, app::App, serve::Held};

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// Names under which clients put tokens into addresses.
const TOKENS: [&str; 4] = ["token", "access_token", "jwt", "authorization"];

/// A request for a WebSocket that may be granted.
pub(crate) struct Upgrade {
    upgrading: OnUpgrade,
    accept: HeaderValue,
    /// The first of the protocols offered that is ours.
    protocol: Option<HeaderValue>,
    held: Option<Held>,
    largest: usize,
}

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    _held: Option<Held>,
}

/// Why the gateway ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The program stops.
    Stopping,
    /// It is not allowed any more.
    Policy,
    /// What came was no text.
    NoText,
}

/// What comes in.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message.
    Text(String),
    /// A sign of life.
    Alive,
    /// Bytes that are no text.
    Binary,
    /// The end.
    Over,
}

impl FromRequestParts<App> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if carries_token(parts.uri.query()) {
            let text = "A token does not belong into the address; send it in the Authorization header";
            return Err(problem::detail(StatusCode::BAD_REQUEST, text));
        }
        let held = parts.extensions.get::<Held>().cloned();
        let upgrading = parts.extensions.remove::<OnUpgrade>();
        let (Some(key), Some(upgrading)) = (key(&parts.method, &parts.headers), upgrading) else {
            return Err(not_a_handshake());
        };
        let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
        let accept = accept.map_err(|_| not_a_handshake())?;
        let largest = usize::try_from(app.settings().limits.max_body_bytes).unwrap_or(usize::MAX);
        let protocol = offers_mcp(&parts.headers).then(|| HeaderValue::from_static("mcp"));
        Ok(Self { upgrading, accept, protocol, held, largest })
    }
}

impl Upgrade {
    /// The same for messages of another size.
    pub(crate) fn at_most(mut self, largest: usize) -> Self {
        self.largest = largest;
        self
    }

    /// Answers the handshake; `run` gets the connection when the client has read the answer.
    pub(crate) fn then<F>(self, run: impl FnOnce(Socket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { upgrading, accept, protocol, held, largest } = self;
        let config = WebSocketConfig::default()
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest))
            .max_write_buffer_size(usize::MAX);
        tokio::spawn(async move {
            let Ok(upgraded) = upgrading.await else { return };
            let stream = TokioIo::new(upgraded);
            let stream = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            run(Socket { stream, _held: held }).await;
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

impl Socket {
    /// Sends a message; `false` where nobody is there to read it.
    pub(crate) async fn say(&mut self, text: String) -> bool {
        self.stream.send(Message::text(text)).await.is_ok()
    }

    /// Asks for a sign of life.
    pub(crate) async fn ping(&mut self) -> bool {
        self.stream.send(Message::Ping(bytes::Bytes::new())).await.is_ok()
    }

    /// What comes next. Loses nothing when it is dropped.
    pub(crate) async fn hear(&mut self) -> Heard {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
            Some(Ok(Message::Binary(_))) => Heard::Binary,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Alive,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Heard::Over,
        }
    }

    /// Says why it ends, and ends it.
    pub(crate) async fn end(mut self, why: End) {
        let (code, reason) = match why {
            End::Stopping => (CloseCode::Away, "the gateway stops"),
            End::Policy => (CloseCode::Policy, "the credential or the session has ended"),
            End::NoText => (CloseCode::Unsupported, "messages are text"),
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // Whoever does not read loses the connection without a word.
        drop(timeout(FAREWELL, self.stream.close(Some(frame))).await);
    }
}

fn not_a_handshake() -> Response {
    let mut response = problem::detail(StatusCode::UPGRADE_REQUIRED, "This path speaks WebSocket (RFC 6455)");
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// The key of a handshake, where a request is one.
fn key<'h>(method: &Method, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
    let upgrades = has_word(headers, &header::CONNECTION, "upgrade")
        && has_word(headers, &header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| upgrades && method == Method::GET)
}

fn offers_mcp(headers: &HeaderMap) -> bool {
    has_word(headers, &header::SEC_WEBSOCKET_PROTOCOL, "mcp")
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|given| given.trim().eq_ignore_ascii_case(word))
}

fn carries_token(query: Option<&str>) -> bool {
    let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.any(|(name, _)| TOKENS.iter().any(|token| name.eq_ignore_ascii_case(token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_handshake_counts() {
        let lines = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "a"),
        ];
        let of = |without: Option<&str>| {
            let kept = lines.iter().filter(|(name, _)| Some(*name) != without);
            kept.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect()
        };
        let whole: HeaderMap = of(None);
        assert!(key(&Method::GET, &whole).is_some() && key(&Method::POST, &whole).is_none());
        for (name, _) in lines {
            let part: HeaderMap = of(Some(name));
            assert!(key(&Method::GET, &part).is_none(), "{name}");
        }
    }

    #[test]
    fn tokens_in_addresses_are_seen() {
        assert!(carries_token(Some("a=1&Token=x")) && carries_token(Some("access%5Ftoken=x")));
        assert!(!carries_token(Some("tokens=x")) && !carries_token(None));
    }
}
