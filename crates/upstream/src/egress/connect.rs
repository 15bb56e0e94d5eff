//! Opens connections: resolve once, check all, connect to a checked address.
//!
//! It sits below TLS and the pool, so no request can reach an address that was not checked; name and port of the
//! URL stay what TLS (SNI) and HTTP (Host) see.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

use super::{Denial, Policy, Resolver};

/// How long one of several addresses is tried before the next one.
const PATIENCE_PER_ADDRESS: Duration = Duration::from_secs(2);

/// Why there is no connection. Never names an address that a name resolved to.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The policy forbids it.
    #[error("{host} {denial}")]
    Denied {
        /// The host of the URL.
        host: String,
        /// Why.
        denial: Denial,
    },
    /// The name has no address.
    #[error("{0} has no address")]
    Unresolved(String),
    /// Nobody listens, or the network is down.
    #[error("{0}")]
    Failed(String),
    /// No answer in time.
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
}

/// The connector below TLS.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    policy: Policy,
    resolver: Resolver,
    patience: Duration,
}

impl Connector {
    pub(crate) fn new(policy: Policy, resolver: Resolver, patience: Duration) -> Self {
        Self { inner: Arc::new(Inner { policy, resolver, patience }) }
    }

    /// Resolves a host and checks every address.
    pub(crate) async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        let Inner { policy, resolver, patience } = &*self.inner;
        let denied = |denial| ConnectError::Denied { host: host.to_owned(), denial };
        policy.name(host).map_err(denied)?;
        let addresses = resolver.addresses(host, *patience).await;
        if addresses.is_empty() {
            return Err(ConnectError::Unresolved(host.to_owned()));
        }
        policy.addresses(&addresses).map_err(denied)?;
        Ok(addresses)
    }

    async fn connect(&self, uri: &Uri) -> Result<TcpStream, ConnectError> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let addresses = self.resolve(host).await?;
        let last = addresses.len() - 1;
        let mut failure = ConnectError::Unresolved(host.to_owned());
        for (at, address) in addresses.into_iter().enumerate() {
            let patience = if at == last { self.inner.patience } else { PATIENCE_PER_ADDRESS };
            match timeout(patience, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => {
                    // Requests are small and wait for nothing else.
                    drop(stream.set_nodelay(true));
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = ConnectError::Failed(error.kind().to_string()),
                Err(_) => failure = ConnectError::TimedOut(patience),
            }
        }
        Err(failure)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let patience = connector.inner.patience;
            let connected = timeout(patience, connector.connect(&uri)).await;
            connected.unwrap_or(Err(ConnectError::TimedOut(patience))).map(TokioIo::new)
        })
    }
}
