//! Reverse proxies in front of the gateway: whom to believe, and what.
//!
//! One configured header says where the client is, and only if the connected peer is a trusted proxy. The client
//! is the right-most address in it that is no trusted proxy itself; everything to the left was written by strangers.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::settings::ListenSettings;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The trusted reverse proxies.
#[derive(Debug)]
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    standard_header: bool,
}

impl Proxies {
    pub(super) fn new(settings: &ListenSettings) -> Self {
        Self {
            trusted: settings.trusted_proxies.0.clone(),
            standard_header: settings.trusted_proxy_header.eq_ignore_ascii_case("forwarded"),
        }
    }

    /// The client's address.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let name = if self.standard_header { FORWARDED } else { X_FORWARDED_FOR };
        let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut client = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            // An address that cannot be read ends the chain: what is left of it proves nothing.
            let text = if self.standard_header { parameter(hop, "for") } else { Some(hop.trim()) };
            let Some(ip) = text.and_then(address) else { break };
            client = ip;
            if !self.trusts(ip) {
                break;
            }
        }
        client
    }

    /// Whether a trusted proxy says that the client came over https.
    pub(super) fn says_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trusts(peer) {
            return false;
        }
        let last = |name| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
        let scheme = if self.standard_header {
            last(FORWARDED).and_then(|line| line.rsplit(',').next()).and_then(|hop| parameter(hop, "proto"))
        } else {
            last(X_FORWARDED_PROTO).and_then(|line| line.rsplit(',').next()).map(str::trim)
        };
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    pub(super) fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&ip))
    }
}

/// The client's address where these proxies are trusted, for the fuzz targets.
#[cfg(fuzzing)]
pub(crate) fn client(
    standard_header: bool,
    trusted: Vec<IpNet>,
    peer: IpAddr,
    headers: &HeaderMap,
) -> IpAddr {
    Proxies { trusted, standard_header }.client(peer, headers)
}

/// A parameter of one element of `Forwarded` (RFC 7239, section 4).
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip =
        bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(standard: bool, peer: &str, lines: &[&'static str]) -> String {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let proxies = Proxies { trusted, standard_header: standard };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers
                .append(if standard { FORWARDED } else { X_FORWARDED_FOR }, HeaderValue::from_static(line));
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn strangers_cannot_choose_their_address() {
        assert_eq!(client(false, "203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1, nonsense, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client(false, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read() {
        assert_eq!(
            client(true, "10.0.0.1", &["for=192.0.2.1, For=\"[2001:db8::1]:80\";proto=https"]),
            "2001:db8::1"
        );
        assert_eq!(client(true, "10.0.0.1", &["for=_hidden"]), "10.0.0.1");
    }

    #[test]
    fn https_is_believed_of_trusted_proxies_only() {
        let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], standard_header: false };
        let headers = HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static("http, https"))]);
        assert!(proxies.says_https("10.0.0.1".parse().unwrap(), &headers));
        assert!(!proxies.says_https("203.0.113.9".parse().unwrap(), &headers));
    }
}
