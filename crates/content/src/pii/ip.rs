//! IP addresses, as the standard library parses them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Value;
use crate::text::seek;

pub(super) fn find(text: &str) -> Vec<Value> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let of_run = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    let mut at = 0;
    // Every address has a dot or a colon, and few words have one within.
    while let Some(mark) = seek(bytes, at, |b| matches!(b, b':' | b'.')) {
        let before = bytes.get(at..mark).unwrap_or_default().iter().rev().take_while(|b| of_run(b)).count();
        let start = mark - before;
        let length = bytes.iter().skip(start).take_while(|b| of_run(b)).count();
        if length >= 3 && !glued(text, start) {
            found.extend(address(text, start, length));
        }
        // A run is over where another kind of byte stands; letters of words are passed with it.
        at = start + length;
    }
    found
}

/// Whether the run is the end of a longer word or version.
fn glued(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|part| part.chars().next_back());
    before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'))
}

fn address(text: &str, at: usize, length: usize) -> Option<Value> {
    let run = text.get(at..at + length)?.trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    // `10.0.0.1:8080` is an address with a port.
    let run = match run.split_once(':') {
        Some((host, port)) if host.contains('.') && !port.contains(':') => host,
        _ => run,
    };
    let after = text.get(at + run.len()..).unwrap_or_default();
    let zone = after
        .strip_prefix('%')
        .map_or(0, |zone| 1 + zone.bytes().take_while(u8::is_ascii_alphanumeric).count());
    if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let address: IpAddr = run.parse().ok()?;
    let reserved = match address {
        IpAddr::V4(v4) => reserved_v4(v4) || version(text, at),
        IpAddr::V6(v6) => {
            // Paths of programs (`a::b`) parse too; addresses have digits.
            if !run.bytes().any(|b| b.is_ascii_digit()) || run.len() < 3 {
                return None;
            }
            reserved_v6(v6)
        }
    };
    Some(Value { span: at..at + run.len() + zone, reserved })
}

fn reserved_v4(ip: Ipv4Addr) -> bool {
    let octets = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || octets[0] == 0
        || octets[0] >= 240
        || (octets[0] == 100 && (64..128).contains(&octets[1]))
        || (octets[0] == 198 && (18..20).contains(&octets[1]))
}

fn reserved_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return reserved_v4(v4);
    }
    let segments = ip.segments();
    let documentation = (segments[0] == 0x2001 && segments[1] == 0xdb8) || segments[0] == 0x3fff;
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || documentation
}

/// Four numbers after "version" are no address.
fn version(text: &str, at: usize) -> bool {
    let before = text
        .get(super::ssn::floor(text, at.saturating_sub(12))..at)
        .unwrap_or_default()
        .trim_end_matches([' ', ':', '=', '"', '`']);
    ["version", "ver.", "ver", "release", "build", " v"].iter().any(|word| before.ends_with(word))
}
