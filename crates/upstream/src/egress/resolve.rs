//! From a host name to addresses that may be connected to.
//!
//! A name is resolved once per connection, and the connection goes to one of the addresses that were checked, so
//! an answer that changes between check and use (DNS rebinding) gains nothing.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

/// Gives every address of a host.
pub type Resolve = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Where addresses come from.
#[derive(Clone, Default)]
pub enum Resolver {
    /// The operating system.
    #[default]
    System,
    /// A function, for a resolver of one's own and for tests of hostile answers.
    Custom(Arc<Resolve>),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Custom(_) => "Custom",
        })
    }
}

impl Resolver {
    /// Every address of a host; empty when it has none or the answer takes too long.
    pub(crate) async fn addresses(&self, host: &str, patience: Duration) -> Vec<IpAddr> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return vec![address];
        }
        match self {
            Self::Custom(resolve) => resolve(host),
            Self::System => {
                let answer = tokio::time::timeout(patience, tokio::net::lookup_host((host, 0))).await;
                let Ok(Ok(found)) = answer else { return Vec::new() };
                found.map(|address| address.ip()).collect()
            }
        }
    }
}
