//! The only outbound HTTP client of the program.
//!
//! Redirects are never followed, proxy variables never read, compressed answers never asked for. Names of the
//! settings and their defaults are ContextForge's. Invariant: no connection goes to an address that [`Policy`] did
//! not allow, and no error holds a credential or an address that a name resolved to.

mod address;
mod body;
mod connect;
mod policy;
mod resolve;
mod upgrade;

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::{Error, Result, settings::List};
use http::{Request, Response};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use ipnet::IpNet;
use tokio::time::timeout;
use url::Url;

use self::connect::{ConnectError, Connector};

/// The body of an answer as it arrives.
pub use hyper::body::Incoming;

pub(crate) use self::body::{BodyError, collect};
pub use self::{
    policy::{Denial, Policy},
    resolve::{Resolve, Resolver},
    upgrade::{Opened, Switched},
};

domain::settings! {
    /// Where the gateway may connect to, and how much it reads.
    EgressSettings {
        /// Whether addresses are checked at all. `false` lets every registered URL reach every host that the gateway reaches.
        enabled: bool = "SSRF_PROTECTION_ENABLED", default "true";
        /// Networks that are never connected to, whatever is allowed below.
        blocked_networks: List<Network> = "SSRF_BLOCKED_NETWORKS", default "169.254.169.254/32,169.254.169.123/32,fd00::1/128,169.254.0.0/16,fe80::/10,100.64.0.0/10";
        /// Host names that are never connected to.
        blocked_hosts: List<String> = "SSRF_BLOCKED_HOSTS", default "metadata.google.internal,metadata.internal";
        /// Whether this machine may be connected to.
        allow_localhost: bool = "SSRF_ALLOW_LOCALHOST", default "false";
        /// Whether private networks may be connected to.
        allow_private_networks: bool = "SSRF_ALLOW_PRIVATE_NETWORKS", default "false";
        /// Private or reserved networks that may be connected to all the same.
        allowed_networks: List<Network> = "SSRF_ALLOWED_NETWORKS";
        /// Whether a URL whose name does not resolve is refused when it is registered.
        dns_fail_closed: bool = "SSRF_DNS_FAIL_CLOSED", default "true";
        /// Seconds within which a connection must be open.
        connect_timeout: u64 = "UPSTREAM_CONNECT_TIMEOUT", default "5";
        /// Largest answer and largest streamed message of an upstream, in bytes.
        max_response_bytes: u64 = "UPSTREAM_MAX_RESPONSE_BYTES", default "16777216";
    }
}

/// A network in a setting; a bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = || text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address));
        let network = text.parse().ok().or_else(host);
        network.map(Self).ok_or_else(|| "must be a network such as 10.0.0.0/8".to_owned())
    }
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum SendError {
    /// It was never sent.
    Unreachable {
        /// What happened; reads on after the upstream's name.
        message: String,
        /// Whether time ran out.
        timeout: bool,
    },
    /// It was sent, or may have been.
    Broken,
}

type Http = legacy::Client<HttpsConnector<Connector>, Full<Bytes>>;

/// Pools of idle connections; more threads than that share some.
const POOLS: usize = 32;

/// The outbound client. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    /// Each thread has idle connections of its own, so that a request wakes no other thread.
    http: Arc<[Http; POOLS]>,
    connector: Connector,
    policy: Policy,
    dns_fail_closed: bool,
    /// The largest answer.
    pub(crate) max_response: u64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for the settings.
    pub fn new(settings: &EgressSettings, resolver: Resolver) -> Result<Self> {
        let policy = Policy::new(settings);
        let patience = Duration::from_secs(settings.connect_timeout.max(1));
        let connector = Connector::new(policy.clone(), resolver, patience);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(Error::internal)?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector.clone());
        let http = || {
            legacy::Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_mins(1))
                .pool_max_idle_per_host(1024)
                .build(tls.clone())
        };
        let http = Arc::new(std::array::from_fn(|_| http()));
        let (dns_fail_closed, max_response) = (settings.dns_fail_closed, settings.max_response_bytes);
        Ok(Self { http, connector, policy, dns_fail_closed, max_response })
    }

    fn http(&self) -> &Http {
        thread_local! { static TURN: usize = NEXT.fetch_add(1, Ordering::Relaxed); }
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let [first, ..] = &*self.http;
        self.http.get(TURN.with(|turn| turn % POOLS)).unwrap_or(first)
    }

    /// Checks a URL that somebody wants to register, its name resolved.
    #[crate::boxed]
    pub async fn check_url(&self, text: &str) -> Result<Url> {
        let url = self.policy.url(text).map_err(|denial| Error::invalid("url", denial.to_string()))?;
        match self.connector.resolve(url.host_str().unwrap_or_default()).await {
            Ok(_) => Ok(url),
            Err(ConnectError::Unresolved(_)) if !self.dns_fail_closed => Ok(url),
            Err(error) => Err(Error::invalid("url", error.to_string())),
        }
    }

    /// Parses a URL that is about to be used; addresses are checked when a connection is opened.
    pub(crate) fn parse_url(&self, text: &str) -> Result<Url, Denial> {
        self.policy.url(text)
    }

    /// Sends a request and waits for the head of the answer.
    #[crate::boxed]
    pub async fn send(&self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Response<Incoming>> {
        match timeout(limit, self.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(SendError::Unreachable { message, timeout })) => Err(Error::Upstream { message, timeout }),
            Ok(Err(SendError::Broken)) => Err(Error::upstream("the connection broke before the answer")),
            Err(_) => Err(Error::Upstream { message: "no answer in time".to_owned(), timeout: true }),
        }
    }

    /// As [`Client::send`], and `None` where nobody could be connected to: then nothing was sent.
    #[crate::boxed]
    pub async fn send_if_reached(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Option<Response<Incoming>>> {
        match timeout(limit, self.request(request.map(Full::new))).await {
            Ok(Ok(response)) => Ok(Some(response)),
            Ok(Err(SendError::Unreachable { .. })) => Ok(None),
            Ok(Err(SendError::Broken)) => Err(Error::upstream("the connection broke before the answer")),
            Err(_) => Err(Error::Upstream { message: "no answer in time".to_owned(), timeout: true }),
        }
    }

    /// As [`Client::send`], without a limit of its own.
    pub(crate) async fn request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        self.http()
            .request(request)
            .await
            .map_err(|error| if error.is_connect() { unreachable_because(&error) } else { SendError::Broken })
    }
}

/// Finds our own reason in the chain; what other layers say may hold addresses.
fn unreachable_because(error: &legacy::Error) -> SendError {
    let mut cause = std::error::Error::source(error);
    while let Some(current) = cause {
        if let Some(ours) = current.downcast_ref::<ConnectError>() {
            let timeout = matches!(ours, ConnectError::TimedOut(_));
            return SendError::Unreachable { message: ours.to_string(), timeout };
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return SendError::Unreachable { message: format!("TLS failed: {tls}"), timeout: false };
        }
        // An IO error leaves out what it wraps from `source`.
        let wrapped = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => current.source(),
        };
    }
    SendError::Unreachable { message: "the connection could not be opened".to_owned(), timeout: false }
}
