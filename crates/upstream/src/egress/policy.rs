//! Which URLs and addresses the gateway may connect to. Pure: resolving is done elsewhere.
//!
//! Order: form of the URL, name block-list, metadata addresses, blocked networks, allowed networks, class of the
//! address. Blocked always wins over allowed. Invariant: a [`Denial`] names the setting that would allow the
//! address, and never an address that a name resolved to.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::{
    EgressSettings,
    address::{Class, class, embedded_v4},
};

/// Why a URL or an address is refused; reads on after the host's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// Not an URL with a host.
    #[error("is not a valid http or https URL")]
    Malformed,
    /// Another scheme.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// `user:password@`.
    #[error("must not contain a user name or password; give credentials as authentication")]
    UserInfo,
    /// A name on the block-list.
    #[error("is blocked by SSRF_BLOCKED_HOSTS")]
    BlockedHost,
    /// A network on the block-list.
    #[error("is in a network blocked by SSRF_BLOCKED_NETWORKS")]
    BlockedNetwork,
    /// A metadata service.
    #[error("is a cloud metadata service, which is never allowed")]
    Metadata,
    /// This machine.
    #[error("is this machine; SSRF_ALLOW_LOCALHOST=true allows it")]
    Loopback,
    /// An internal network.
    #[error("is in a private network; SSRF_ALLOW_PRIVATE_NETWORKS=true or SSRF_ALLOWED_NETWORKS allows it")]
    Private,
    /// An address that is no host's.
    #[error("is in a reserved network; SSRF_ALLOWED_NETWORKS allows it")]
    Reserved,
}

/// The decision over URLs and addresses.
#[derive(Debug, Clone)]
pub struct Policy {
    enabled: bool,
    blocked_networks: Vec<IpNet>,
    blocked_hosts: Vec<String>,
    allow_localhost: bool,
    allow_private: bool,
    allowed_networks: Vec<IpNet>,
}

impl Policy {
    /// The policy of the settings.
    pub fn new(settings: &EgressSettings) -> Self {
        let networks = |list: &[super::Network]| list.iter().map(|network| network.0).collect();
        Self {
            enabled: settings.enabled,
            blocked_networks: networks(&settings.blocked_networks.0),
            blocked_hosts: settings.blocked_hosts.0.iter().map(|host| canonical(host)).collect(),
            allow_localhost: settings.allow_localhost,
            allow_private: settings.allow_private_networks,
            allowed_networks: networks(&settings.allowed_networks.0),
        }
    }

    /// Parses a URL and checks all that can be known without resolving its name.
    pub fn url(&self, text: &str) -> Result<Url, Denial> {
        // URL parsers drop or turn round these, each in its own way; no real URL needs them.
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(Denial::Malformed);
        }
        let mut url = Url::parse(text).map_err(|_| Denial::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Denial::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(Denial::UserInfo);
        }
        if url.port() == Some(0) {
            return Err(Denial::Malformed);
        }
        match url.host().ok_or(Denial::Malformed)? {
            Host::Ipv4(address) => self.address(address.into())?,
            Host::Ipv6(address) => self.address(address.into())?,
            Host::Domain(name) => self.name(name)?,
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// Decides over a host name.
    pub fn name(&self, name: &str) -> Result<(), Denial> {
        let name = canonical(name);
        if name.is_empty() {
            return Err(Denial::Malformed);
        }
        if !self.enabled {
            return Ok(());
        }
        if self.blocked_hosts.contains(&name) {
            return Err(Denial::BlockedHost);
        }
        let local = name == "localhost" || name.ends_with(".localhost");
        if local && !self.allow_localhost { Err(Denial::Loopback) } else { Ok(()) }
    }

    /// Decides over an address, and over the v4 address that it may stand for.
    pub fn address(&self, address: IpAddr) -> Result<(), Denial> {
        if !self.enabled {
            return Ok(());
        }
        if let IpAddr::V6(outer) = address
            && let Some(inner) = embedded_v4(outer)
        {
            self.plain(inner.into())?;
        }
        self.plain(address)
    }

    /// Decides over every address of a name: one that is forbidden forbids the name.
    pub fn addresses(&self, addresses: &[IpAddr]) -> Result<(), Denial> {
        addresses.iter().try_for_each(|address| self.address(*address))
    }

    fn plain(&self, address: IpAddr) -> Result<(), Denial> {
        let class = class(address);
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        if class == Class::Metadata {
            return Err(Denial::Metadata);
        }
        if within(&self.blocked_networks) {
            return Err(Denial::BlockedNetwork);
        }
        match class {
            Class::Public => Ok(()),
            _ if within(&self.allowed_networks) => Ok(()),
            Class::Loopback if self.allow_localhost => Ok(()),
            Class::Private if self.allow_private => Ok(()),
            Class::Loopback => Err(Denial::Loopback),
            Class::Private => Err(Denial::Private),
            Class::Reserved | Class::Metadata => Err(Denial::Reserved),
        }
    }
}

/// A name as the block-list is compared with: one trailing dot means the same host.
fn canonical(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// The part of the text between `//` and the path; an empty user name leaves an `@` that the parser forgets.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest).trim_start_matches('/');
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests;
