//! Reverse proxies in front of the gateway: whom to believe, and what.
//!
//! One configured header says where the client is, and only if the connected peer is a trusted proxy. The client
//! is the right-most address in it that is no trusted proxy itself; everything to the left was written by strangers.
//! Where a trusted proxy says something that is no address (`for=unknown`, an obfuscated name, nothing), the client's
//! address is not known: it is never the proxy's own, which tokens may be restricted to.

mod forwarded;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use self::forwarded::Element;
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

    /// The client's address, if it is known.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.trusts(peer) {
            return Some(peer);
        }
        let name = if self.standard_header { FORWARDED } else { X_FORWARDED_FOR };
        let mut client = peer;
        for hop in self.hops(headers, name) {
            client = if self.standard_header {
                Element::parse(hop).and_then(|element| address(&element.client?))?
            } else {
                std::str::from_utf8(hop).ok().and_then(|text| address(text.trim()))?
            };
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    /// Whether a trusted proxy says that the client came over https.
    pub(super) fn says_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trusts(peer) {
            return false;
        }
        let scheme = if self.standard_header {
            self.hops(headers, FORWARDED).next().and_then(|hop| Element::parse(hop)?.proto)
        } else {
            let hop = self.hops(headers, X_FORWARDED_PROTO).next();
            hop.and_then(|hop| std::str::from_utf8(hop).ok()).map(|text| text.trim().to_owned())
        };
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// What each proxy wrote, the last one first. Bytes, because what is to the left of them may be anything.
    fn hops<'a>(&self, headers: &'a HeaderMap, name: HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let quoting = self.standard_header;
        let lines: Vec<&[u8]> = headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
        lines.into_iter().rev().flat_map(move |line| {
            let mut left = Some(line);
            std::iter::from_fn(move || {
                let (before, hop) = forwarded::last(left?, quoting);
                left = before;
                Some(hop)
            })
        })
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
) -> Option<IpAddr> {
    Proxies { trusted, standard_header }.client(peer, headers)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; a port may be obfuscated.
fn address(text: &str) -> Option<IpAddr> {
    let ip = if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, port) = bracketed.split_once(']')?;
        let ip = ip.parse::<Ipv6Addr>().ok()?;
        (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(IpAddr::V6(ip))?
    } else if let Ok(ip) = text.parse::<IpAddr>() {
        ip
    } else {
        let (ip, port) = text.split_once(':')?;
        let ip = ip.parse::<Ipv4Addr>().ok()?;
        is_port(port).then_some(IpAddr::V4(ip))?
    };
    Some(ip.to_canonical())
}

/// A number, or a name that begins with `_` (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && name.bytes().all(named),
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(standard: bool, peer: &str, lines: &[&'static str]) -> String {
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        client_of(standard, peer, &bytes)
    }

    fn client_of(standard: bool, peer: &str, lines: &[&[u8]]) -> String {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let proxies = Proxies { trusted, standard_header: standard };
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = if standard { FORWARDED } else { X_FORWARDED_FOR };
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        client.map_or_else(|| "?".to_owned(), |ip| ip.to_string())
    }

    #[test]
    fn strangers_cannot_choose_their_address() {
        assert_eq!(client(false, "203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1, nonsense, 10.0.0.2"]), "?");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1", "nonsense"]), "?", "nor the proxy's");
        assert_eq!(client(false, "10.0.0.1", &["192.0.2.1, "]), "?");
        assert_eq!(client(false, "10.0.0.1", &["nonsense, \"203.0.113.9"]), "?", "no quotes in this one");
        assert_eq!(client(false, "10.0.0.1", &["\", 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(false, "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(false, "10.0.0.1", &["10.0.0.7, 10.0.0.2"]), "10.0.0.7", "somebody inside");
    }

    /// A line that is no text was once left out, and the line before it believed.
    #[test]
    fn bytes_that_are_no_text_are_nobodys_address() {
        for standard in [false, true] {
            let forged: &[u8] = if standard { b"for=192.0.2.1" } else { b"192.0.2.1" };
            let proxys: &[u8] = if standard { b"\xff, for=203.0.113.9" } else { b"\xff, 203.0.113.9" };
            assert_eq!(client_of(standard, "10.0.0.1", &[forged, proxys]), "203.0.113.9");
            assert_eq!(client_of(standard, "10.0.0.1", &[forged, b"\xff"]), "?");
        }
    }

    #[test]
    fn the_standard_header_is_read() {
        for (lines, expected) in [
            (&["for=192.0.2.1, For=\"[2001:db8::1]:80\";proto=https"][..], "2001:db8::1"),
            (&["for=192.0.2.1", "for=203.0.113.9;by=_proxy, for=\"[fd00::7]\""], "203.0.113.9"),
            (&["for=\"203.0.113.9:_port\""], "203.0.113.9"),
            (&["For=\"[::ffff:203.0.113.9]\" ; proto=http"], "203.0.113.9"),
            (&["for=203.0.113.9:4711"], "203.0.113.9"),
            (&["for=\"\\203.0.113.9\""], "203.0.113.9"),
            // What a stranger wrote is before the last comma that is not quoted, whatever it is.
            (&["for=\"192.0.2.1, for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"192.0.2.1", "for=203.0.113.9;host=\"x\""], "203.0.113.9"),
            // What a proxy repeats of the request, quoted.
            (&["for=203.0.113.9;host=\"evil,for=192.0.2.1\""], "203.0.113.9"),
            (&["for=203.0.113.9;host=\"a\\\",for=192.0.2.1\""], "203.0.113.9"),
            (&["host=\"evil;for=192.0.2.1\";for=203.0.113.9"], "203.0.113.9"),
        ] {
            assert_eq!(client(true, "10.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_client_that_is_not_named_is_not_known() {
        for line in [
            "for=_hidden",
            "for=unknown",
            "for=\"_hidden:80\"",
            "proto=https",
            "for=",
            "for",
            "",
            ",",
            "for=\"203.0.113.9",
            "for=203.0.113.9\"",
            "for=203.0.113.9;for=192.0.2.1",
            "for=\"203.0.113.9\"x",
            "for=\"[203.0.113.9]\"",
            "for=\"[2001:db8::1]x\"",
            "for=\"[2001:db8::1]:\"",
            "for=\"[fe80::1%eth0]\"",
            "for=203.0.113.9:99999",
            "for=203.0.113.09",
            "203.0.113.9",
        ] {
            let spoofed = format!("for=192.0.2.1, {line}");
            assert_eq!(client_of(true, "10.0.0.1", &[spoofed.as_bytes()]), "?", "{line}");
        }
    }

    /// Whatever a stranger writes, with every character that means something, what the proxy appends is what counts.
    #[test]
    fn nothing_before_the_proxys_own_element_changes_it() {
        let pieces: [&[u8]; 12] = [
            b"\"",
            b"\\",
            b",",
            b";",
            b"for=",
            b"192.0.2.1",
            b"host=\"",
            b" ",
            b"=",
            b"\xff",
            b"10.0.0.9",
            b"[::1]",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            let mut line = Vec::new();
            for _ in 0..8 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                line.extend_from_slice(pieces[usize::try_from(state % 12).unwrap()]);
            }
            for (standard, own) in [
                (true, &b",for=203.0.113.9;host=\"a,\\\";for=192.0.2.1\""[..]),
                (true, b", host=\"\";for=\"203.0.113.9:1\""),
                (false, b",203.0.113.9"),
            ] {
                let whole = [&line, own].concat();
                let text = String::from_utf8_lossy(&whole);
                assert_eq!(client_of(standard, "10.0.0.1", &[b"192.0.2.1", &whole]), "203.0.113.9", "{text}");
            }
        }
    }

    #[test]
    fn https_is_believed_of_trusted_proxies_only() {
        let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], standard_header: false };
        let headers = HeaderMap::from_iter([(X_FORWARDED_PROTO, HeaderValue::from_static("http, https"))]);
        assert!(proxies.says_https("10.0.0.1".parse().unwrap(), &headers));
        assert!(!proxies.says_https("203.0.113.9".parse().unwrap(), &headers));
        let proxies = Proxies { standard_header: true, ..proxies };
        for (line, expected) in [
            ("proto=http, for=203.0.113.9;Proto=\"https\"", true),
            ("proto=https, for=203.0.113.9;proto=http", false),
            ("for=203.0.113.9;host=\"a,proto=https\"", false),
        ] {
            let headers = HeaderMap::from_iter([(FORWARDED, HeaderValue::from_static(line))]);
            assert_eq!(proxies.says_https("10.0.0.1".parse().unwrap(), &headers), expected, "{line}");
        }
    }
}
