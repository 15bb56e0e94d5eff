//! Leaving HTTP: a connection of its own that both sides go on to use for something else (RFC 9110, section 7.8).

use std::time::Duration;

use bytes::Bytes;
use domain::{Error, Result};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, upgrade::Upgraded};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo},
};
use tokio::time::timeout;

use super::{Client, SendError, unreachable_because};

/// A connection that has left HTTP.
pub type Opened = TokioIo<Upgraded>;

/// What became of the wish to leave HTTP.
#[derive(Debug)]
pub enum Switched {
    /// The other side took it.
    Opened(Box<Response<()>>, Opened),
    /// It answered in HTTP.
    Refused(Box<Response<Incoming>>),
}

impl Client {
    /// Asks to leave HTTP, with a request that says for what. Always HTTP/1.1: later versions have no such thing.
    #[crate::boxed]
    pub async fn switch(&self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Switched> {
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(Error::internal)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(self.connector.clone());
        let http = legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(tls);
        let late = || Error::Upstream { message: "no answer in time".to_owned(), timeout: true };
        let answered = timeout(limit, http.request(request)).await.map_err(|_| late())?;
        let response = answered.map_err(|error| match unreachable_because(&error) {
            SendError::Unreachable { message, timeout } if error.is_connect() => {
                Error::Upstream { message, timeout }
            }
            _ => Error::upstream("the connection broke before the answer"),
        })?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Switched::Refused(Box::new(response)));
        }
        let (parts, body) = response.into_parts();
        let response = Response::from_parts(parts.clone(), body);
        let upgraded = timeout(limit, hyper::upgrade::on(response)).await.map_err(|_| late())?;
        let upgraded = upgraded.map_err(|_| Error::upstream("the connection broke after the answer"))?;
        Ok(Switched::Opened(Box::new(Response::from_parts(parts, ())), TokioIo::new(upgraded)))
    }
}
