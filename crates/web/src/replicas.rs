//! Other processes of this gateway: handing a request over to the one that holds what it is about.
//!
//! A sealed id names its process and where that is reached, so there is no list of processes to keep, and nobody but the
//! processes themselves can write such an address. The request goes as it came, to the same path, with its credential:
//! the other process authenticates it anew and checks all that this one has checked. One header is added. It is sealed
//! with the key that the processes share, and says who the client is connected from, and that a request which was
//! handed over is not handed over again; it opens nothing. Invariant: a request that may have arrived is never served
//! here as well.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::{Result, Timestamp, id::UserId};
use engine::replicas::{Incoming, Peers};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts};
use protocol::{json::RawObject, ladder::Refusal};
use serde_json::json;

use crate::{
    app::App,
    layers::Peer,
    mcp::refuse,
    settings::{Settings, replica_origin},
};

/// The header of a request that was handed over.
const HANDED_OVER: HeaderName = HeaderName::from_static("x-contextforge-handed-over");
const PURPOSE: &str = "handed over";
/// How long that header counts; clocks of one deployment are not further apart.
const FRESH: Duration = Duration::from_secs(30);
/// How long a process that does not answer is left alone.
const RESTS: Duration = Duration::from_secs(5);
/// What concerns one connection only (RFC 9110, section 7.6.1).
const OF_A_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// This process among the others.
pub(crate) struct Replicas {
    owner: Arc<str>,
    others: Option<Others>,
}

struct Others {
    peers: Peers,
    resting: moka::sync::Cache<String, ()>,
}

/// A request as it arrived, where it could be handed over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Came(Option<Arc<Original>>);

#[derive(Debug)]
struct Original {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
}

impl Replicas {
    /// This process, under a name of its own.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let name = UserId::random();
        let url = settings.replicas.url.as_deref();
        let Some(url) = url.and_then(|url| replica_origin(url, settings.listen.port)) else {
            return Ok(Self { owner: name.as_str().into(), others: None });
        };
        let networks: Vec<String> = settings.replicas.networks.0.iter().map(ToString::to_string).collect();
        let peers = Peers::new(&networks.join(","))?;
        let resting = moka::sync::Cache::builder().max_capacity(1_000).time_to_live(RESTS).build();
        let owner = format!("{}@{}", name.as_str(), URL_SAFE_NO_PAD.encode(url)).into();
        Ok(Self { owner, others: Some(Others { peers, resting }) })
    }

    /// The name of this process in sealed ids.
    pub(crate) fn owner(&self) -> &Arc<str> {
        &self.owner
    }

    /// Takes the header off, believes it where it is ours, and keeps what is needed to hand the request over.
    pub(crate) fn arrived(&self, app: &App, request: &mut Request) {
        let handed_over = request.headers_mut().remove(&HANDED_OVER);
        if self.others.is_none() {
            return;
        }
        if let Some(peer) = handed_over.and_then(|text| opened(app, request, &text)) {
            match peer.parse() {
                Ok(peer) => drop(request.extensions_mut().insert(Peer(peer))),
                // The other process did not know it either.
                Err(_) => drop(request.extensions_mut().remove::<Peer>()),
            }
            return;
        }
        if speaks_mcp(request.uri().path()) {
            let original = Original {
                method: request.method().clone(),
                uri: request.uri().clone(),
                headers: request.headers().clone(),
                peer: request.extensions().get::<Peer>().map(|peer| peer.0),
            };
            request.extensions_mut().insert(Came(Some(Arc::new(original))));
        }
    }

    /// The answer of another process to this request. `None` where it is for this one after all: it is the owner, or
    /// the owner cannot be reached, and nothing was sent.
    #[expect(clippy::cognitive_complexity, reason = "it is the log macros that branch")]
    pub(crate) async fn hand_over(
        &self,
        app: &App,
        came: &Came,
        (owner, body): (&str, Bytes),
    ) -> Option<Response> {
        let (others, original) = (self.others.as_ref()?, came.0.as_ref()?);
        if *owner == *self.owner || others.resting.contains_key(owner) {
            return None;
        }
        let (_, address) = owner.split_once('@')?;
        let address = URL_SAFE_NO_PAD.decode(address).ok().and_then(|url| String::from_utf8(url).ok())?;
        let request = original.again(app, &address, body)?;
        match others.peers.send(request).await {
            Ok(Some(answer)) => Some(relayed(app, &original.method, answer)),
            Ok(None) => {
                tracing::warn!("the process that holds a session or call cannot be reached");
                others.resting.insert(owner.to_owned(), ());
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a request that was handed over got no answer");
                let text =
                    "The process that holds the session broke the connection; the request may have run";
                Some(refuse(Refusal::Internal(text.to_owned())))
            }
        }
    }
}

impl Original {
    fn again(&self, app: &App, address: &str, body: Bytes) -> Option<http::Request<Bytes>> {
        let path = self.uri.path_and_query()?;
        let ends = app.engine().clock().now().plus(FRESH).seconds();
        let peer = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let text = json!({ "p": peer, "exp": ends }).to_string();
        let about = about(&self.method, path.as_str());
        let mark = app.sealer().seal(PURPOSE, about.as_bytes(), text.as_bytes()).ok()?;
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = format!("{address}{path}").parse().ok()?;
        let mut headers = self.headers.clone();
        OF_A_CONNECTION.iter().chain([&header::CONTENT_LENGTH, &header::EXPECT]).for_each(|name| {
            headers.remove(name);
        });
        // Of HTTP/2, the name that the client asked for stands in the address.
        if let Some(authority) = self.uri.authority() {
            headers.insert(header::HOST, HeaderValue::from_str(authority.as_str()).ok()?);
        }
        headers.insert(HANDED_OVER, HeaderValue::from_str(&mark).ok()?);
        *request.headers_mut() = headers;
        Some(request)
    }
}

/// Whether a request for this path can be about a session. A root path may stand before it.
fn speaks_mcp(path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let last = path.rsplit('/').next().unwrap_or_default();
    matches!(last, "mcp" | "message" | "rpc" | "notifications" | "complete" | "initialize")
}

/// What the header is sealed to.
fn about(method: &Method, path: &str) -> String {
    format!("{method} {path}")
}

/// Who the client of a request that was handed over is connected from; empty where that is not known.
fn opened(app: &App, request: &Request, text: &HeaderValue) -> Option<String> {
    let path = request.uri().path_and_query()?;
    let about = about(request.method(), path.as_str());
    let text = app.sealer().open(PURPOSE, about.as_bytes(), text.to_str().ok()?).ok()?;
    let object = RawObject::parse(text.as_slice()).ok()?;
    let ends: i64 = object.get("exp")?.get().parse().ok()?;
    let fresh = Timestamp::from_seconds(ends) > app.engine().clock().now();
    object.text("p").filter(|_| fresh).map(std::borrow::Cow::into_owned)
}

fn relayed(app: &App, method: &Method, answer: http::Response<Incoming>) -> Response {
    let (mut parts, body) = answer.into_parts();
    for name in &OF_A_CONNECTION {
        parts.headers.remove(name);
    }
    // The layers of this process put theirs on every answer.
    parts.headers.remove(header::VARY);
    let body = if *method == Method::GET {
        // A stream without end of its own ends when this process stops.
        let draining = app.engine().draining().clone().cancelled_owned();
        Body::from_stream(Body::new(body).into_data_stream().take_until(draining))
    } else {
        Body::new(body)
    };
    Response::from_parts(parts, body).into_response()
}

impl Came {
    /// Whether there is anything to hand over.
    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Takes it from a request that is being read.
    pub(crate) fn take(parts: &mut Parts) -> Self {
        parts.extensions.remove::<Self>().unwrap_or_default()
    }
}

impl FromRequestParts<App> for Came {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::take(parts))
    }
}
