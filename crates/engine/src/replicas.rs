//! The way from one process of the gateway to another: through the one outbound client, with a policy of its own.
//!
//! Whom to ask and what is up to the front door; here stands only where it may go. Invariant: nothing is sent to an
//! address in a private network that the operator did not name.

use std::time::Duration;

use bytes::Bytes;
use domain::{Env, Error, Result};
use http::{Request, Response};
use upstream::egress::{Client, EgressSettings, Resolver};

pub use upstream::egress::Incoming;

/// Longer than anything that the other process allows; it has limits of its own.
const PATIENCE: Duration = Duration::from_hours(2);

/// The other processes of this gateway.
#[derive(Debug, Clone)]
pub struct Peers(Client);

impl Peers {
    /// Processes in these networks, written as in `SSRF_ALLOWED_NETWORKS`.
    pub fn new(networks: &str) -> Result<Self> {
        let local = networks.split(',').any(|network| network.trim().starts_with("127."));
        let vars = [
            ("SSRF_ALLOWED_NETWORKS", networks.to_owned()),
            ("SSRF_ALLOW_LOCALHOST", local.to_string()),
            ("UPSTREAM_CONNECT_TIMEOUT", "2".to_owned()),
        ];
        let mut env = Env::new(vars.map(|(name, value)| (name.to_owned(), value)));
        let settings = EgressSettings::read(&mut env);
        let settings = settings.ok_or_else(|| Error::invalid("REPLICA_NETWORKS", "must be networks"))?;
        Client::new(&settings, Resolver::System).map(Self)
    }

    /// Sends a request once. `None` where nobody answers there: then nothing was sent.
    #[crate::boxed]
    pub async fn send(&self, request: Request<Bytes>) -> Result<Option<Response<Incoming>>> {
        self.0.send_if_reached(request, PATIENCE).await
    }
}
