//! Opening the connection: the handshake of a WebSocket over the one outbound client.

use std::time::Duration;

use anyhow::Context;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use upstream::egress::{Client, EgressSettings, Incoming, Opened, Resolver, Switched};

use super::{Ended, door};
use crate::cli::ReverseProxy;

/// How long the gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the largest message.
const LARGEST: usize = 16 << 20;
/// Bytes of an explanation that are read.
const EXPLANATION: usize = 64 << 10;

/// An open connection.
pub(super) type Line = WebSocketStream<Opened>;

/// What became of an attempt.
pub(super) enum Dialed {
    /// It is open.
    Open(Box<Line>),
    /// It is not.
    Ended(Ended),
}

/// Opens a connection. An error is one that no other attempt would mend.
pub(super) async fn dial(options: &ReverseProxy) -> anyhow::Result<Dialed> {
    // Whoever runs this named the address; on this machine that may be loopback or a private network.
    let vars = [("SSRF_ALLOW_LOCALHOST", "true"), ("SSRF_ALLOW_PRIVATE_NETWORKS", "true")];
    let mut env = domain::Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = EgressSettings::read(&mut env).context("outbound settings")?;
    let client = Client::new(&settings, Resolver::System)?;
    let mut nonce = [0_u8; 16];
    getrandom::fill(&mut nonce).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let key = STANDARD.encode(nonce);
    let url = door(&options.gateway)?;
    let mut request = Request::get(&url)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key)
        .body(Full::new(Bytes::new()))
        .context("--gateway is no URL")?;
    if let Some(token) = &options.token {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", token.trim())).context("--token is no token")?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    match client.switch(request, PATIENCE).await {
        Err(error) => Ok(Dialed::Ended(Ended::Lost(format!(
            "the gateway at {} cannot be reached: {error}",
            options.gateway
        )))),
        Ok(Switched::Refused(answer)) => Ok(Dialed::Ended(refused(*answer).await)),
        Ok(Switched::Opened(answer, opened)) => {
            let accept = answer.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
            anyhow::ensure!(
                accept == Some(derive_accept_key(key.as_bytes()).as_bytes()),
                "what answers at {url} is no WebSocket server"
            );
            let config =
                WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
            let line = WebSocketStream::from_raw_socket(opened, Role::Client, Some(config)).await;
            Ok(Dialed::Open(Box::new(line)))
        }
    }
}

/// An answer in HTTP: what the gateway says about it, and whether another attempt could help.
async fn refused(answer: http::Response<Incoming>) -> Ended {
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), EXPLANATION).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let value: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let detail = value.as_ref().and_then(|value| value.get("detail")).and_then(serde_json::Value::as_str);
    let said = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    match status {
        401 | 403 => {
            Ended::Refused(format!("the gateway refused the token (HTTP {status}{said}); see --token"))
        }
        404 => Ended::Refused(format!(
            "the gateway has no such door (HTTP 404{said}); MCPGATEWAY_REVERSE_PROXY_ENABLED=true opens it"
        )),
        400 | 405 | 426 => {
            Ended::Refused(format!("the gateway refused the connection (HTTP {status}{said})"))
        }
        _ => Ended::Lost(format!("the gateway answered with HTTP {status}{said}")),
    }
}
