//! The gateway as the wrapper sees it: one URL, one credential, and the session that the handshake opened.

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use protocol::{headers, jsonrpc::Message, params::Params, version};
use upstream::egress::{Client, EgressSettings, Incoming, Resolver};

use crate::cli::Wrapper;

/// A gateway.
pub(super) struct Far {
    client: Client,
    uri: Uri,
    auth: Option<HeaderValue>,
    /// Session and revision, after the handshake.
    session: RwLock<HeaderMap>,
    pub(super) patience: Duration,
}

impl Far {
    pub(super) fn new(options: &Wrapper) -> anyhow::Result<Self> {
        let (client, auth) = outbound(options)?;
        let uri: Uri = options.url.trim().parse().context("MCP_SERVER_URL is no URL")?;
        anyhow::ensure!(uri.host().is_some(), "MCP_SERVER_URL needs a scheme and a host");
        let patience = Duration::from_secs(options.timeout.clamp(1, 86_400));
        Ok(Self { client, uri, auth, session: RwLock::default(), patience })
    }

    /// Sends a message.
    pub(super) async fn post(
        &self,
        message: &Message<'_>,
        body: Bytes,
    ) -> domain::Result<Response<Incoming>> {
        let mut lines = self.lines();
        lines.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        lines.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        lines.extend(standard(message));
        self.send(Method::POST, lines, body).await
    }

    /// Opens the stream of the session; `None` where there is no session.
    pub(super) async fn listen(&self) -> Option<domain::Result<Response<Incoming>>> {
        let mut lines = self.lines();
        if !lines.contains_key(&headers::SESSION_ID) {
            return None;
        }
        lines.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        Some(self.send(Method::GET, lines, Bytes::new()).await)
    }

    /// Ends the session, if there is one.
    pub(super) async fn close(&self) {
        let lines = self.lines();
        if lines.contains_key(&headers::SESSION_ID) {
            // It ends by itself, later, where this does not arrive.
            drop(self.send(Method::DELETE, lines, Bytes::new()).await);
        }
    }

    /// Notes the session that an answer to `initialize` opened.
    pub(super) fn opened(&self, answer: &HeaderMap, settled: Option<&str>) {
        let mut session = HeaderMap::new();
        if let Some(id) = answer.get(&headers::SESSION_ID) {
            session.insert(headers::SESSION_ID.clone(), id.clone());
        }
        if let Some(version) = settled.and_then(|version| HeaderValue::from_str(version).ok()) {
            session.insert(headers::PROTOCOL_VERSION.clone(), version);
        }
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = session;
    }

    fn lines(&self) -> HeaderMap {
        let mut lines = self.session.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(auth) = &self.auth {
            lines.insert(header::AUTHORIZATION, auth.clone());
        }
        lines
    }

    async fn send(
        &self,
        method: Method,
        lines: HeaderMap,
        body: Bytes,
    ) -> domain::Result<Response<Incoming>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = lines;
        self.client.send(request, self.patience).await
    }
}

/// The client for the address that somebody named, and the credential to show there.
pub(in crate::command) fn outbound(options: &Wrapper) -> anyhow::Result<(Client, Option<HeaderValue>)> {
    // Whoever runs this named the address; on this machine that may be loopback or a private network.
    let vars = [("SSRF_ALLOW_LOCALHOST", "true"), ("SSRF_ALLOW_PRIVATE_NETWORKS", "true")];
    let mut env = domain::Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = EgressSettings::read(&mut env).context("outbound settings")?;
    let auth = options.auth.as_deref().map(str::trim).filter(|auth| !auth.is_empty());
    let auth = auth.map(authorization).transpose()?;
    Ok((Client::new(&settings, Resolver::System)?, auth))
}

/// The header for what the user gave: a whole header value, or a token alone.
fn authorization(given: &str) -> anyhow::Result<HeaderValue> {
    let text = if given.contains(' ') { given.to_owned() } else { format!("Bearer {given}") };
    let mut value =
        HeaderValue::from_str(&text).context("MCP_AUTH holds characters that no header can have")?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a message of the stateless era repeats in headers. On standard input there are none, so they are made here.
fn standard(message: &Message<'_>) -> Vec<(http::HeaderName, HeaderValue)> {
    let Message::Request { method, params, .. } = message else { return Vec::new() };
    let Ok(params) = Params::parse(*params) else { return Vec::new() };
    match params.version() {
        Some(named) if version::is_modern_or_later(&named) => {
            headers::standard(&named, method, params.target(method).as_deref())
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_alone_is_a_bearer_token() {
        assert_eq!(authorization("abc").unwrap(), "Bearer abc");
        assert_eq!(authorization("Basic eDp5").unwrap(), "Basic eDp5");
        assert!(!format!("{:?}", authorization("abc").unwrap()).contains("abc"));
        assert!(authorization("a\nb").is_err());
    }

    #[test]
    fn modern_messages_get_their_headers() {
        let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let lines = standard(&protocol::jsonrpc::parse(text).unwrap());
        let line = |name: &str| lines.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(line("mcp-method").unwrap(), "tools/call");
        assert_eq!(line("mcp-name").unwrap(), "a");
        assert_eq!(line("mcp-protocol-version").unwrap(), "2026-07-28");
        let legacy = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        assert!(standard(&protocol::jsonrpc::parse(legacy).unwrap()).is_empty());
    }
}
