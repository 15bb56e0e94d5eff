//! What kind of network an address belongs to, seen through every notation that hides one address in another.
//!
//! Pure. A v6 address that carries a v4 address (mapped, compatible, translated, 6to4, Teredo, NAT64, ISATAP) is
//! as dangerous as the v4 address inside. Invariant: what is not known to be public is not [`Class::Public`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Reachable through the internet.
    Public,
    /// This machine.
    Loopback,
    /// A network of the organisation, or the link itself.
    Private,
    /// Documentation, multicast, "this network" and what is assigned to nobody.
    Reserved,
    /// A cloud's instance metadata service.
    Metadata,
}

/// Addresses at which clouds hand out credentials to whoever asks.
const METADATA: [IpAddr; 11] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 253)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 123)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// The class of one address, embedded addresses not considered.
pub(crate) fn class(address: IpAddr) -> Class {
    if METADATA.contains(&address) {
        return Class::Metadata;
    }
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        [127, ..] => Class::Loopback,
        [10, ..] | [192, 168, ..] | [169, 254, ..] => Class::Private,
        [172, second, ..] if (16..32).contains(&second) => Class::Private,
        [100, second, ..] if (64..128).contains(&second) => Class::Private,
        [0 | 224..=255, ..]
        | [198, 18 | 19, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Class::Reserved,
        _ => Class::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> Class {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        // Unique local, link-local, the old site-local, and the local-use NAT64 prefix.
        [first, ..] if first & 0xfe00 == 0xfc00 || first & 0xff80 == 0xfe80 => Class::Private,
        [0x64, 0xff9b, 1, ..] => Class::Private,
        // These only wrap v4 addresses, which are judged by themselves.
        _ if embedded_v4(address).is_some() => Class::Public,
        // IETF assignments but for Teredo, documentation.
        [0x2001, 0x0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Class::Reserved,
        // Only 2000::/3 is given to the internet.
        [first, ..] if first & 0xe000 == 0x2000 => Class::Public,
        _ => Class::Reserved,
    }
}

/// The v4 address that packets to this address may end up at.
pub(crate) fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        // Teredo hides the client's address by flipping its bits.
        [0x2001, 0, _, _, _, _, high, low] => (!high, !low),
        // Compatible and mapped, translated, NAT64, 6to4, ISATAP.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_has_its_class() {
        for (text, expected) in [
            ("8.8.8.8", Class::Public),
            ("172.15.0.1", Class::Public),
            ("172.32.0.1", Class::Public),
            ("100.63.0.1", Class::Public),
            ("100.128.0.1", Class::Public),
            ("198.20.0.1", Class::Public),
            ("2606:4700::1111", Class::Public),
            ("127.255.0.1", Class::Loopback),
            ("::1", Class::Loopback),
            ("10.1.2.3", Class::Private),
            ("172.16.0.1", Class::Private),
            ("172.31.255.255", Class::Private),
            ("192.168.0.1", Class::Private),
            ("100.64.0.1", Class::Private),
            ("169.254.1.1", Class::Private),
            ("fd12::1", Class::Private),
            ("fc00::1", Class::Private),
            ("fe80::1", Class::Private),
            ("fec0::1", Class::Private),
            ("64:ff9b:1::7f00:1", Class::Private),
            ("0.0.0.0", Class::Reserved),
            ("0.1.2.3", Class::Reserved),
            ("192.0.0.1", Class::Reserved),
            ("192.0.2.1", Class::Reserved),
            ("198.18.0.1", Class::Reserved),
            ("198.19.255.1", Class::Reserved),
            ("198.51.100.1", Class::Reserved),
            ("203.0.113.1", Class::Reserved),
            ("224.0.0.1", Class::Reserved),
            ("255.255.255.255", Class::Reserved),
            ("::", Class::Reserved),
            ("ff02::1", Class::Reserved),
            ("2001:db8::1", Class::Reserved),
            ("2001:2::1", Class::Reserved),
            ("3fff::1", Class::Reserved),
            ("100::1", Class::Reserved),
            ("4000::1", Class::Reserved),
            ("169.254.169.254", Class::Metadata),
            ("168.63.129.16", Class::Metadata),
            ("100.100.100.200", Class::Metadata),
            ("fd00:ec2::254", Class::Metadata),
        ] {
            assert_eq!(class(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn hidden_v4_addresses_are_found() {
        for text in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "2002:7f00:0001:dead::beef",
            "2001:0:4136:e378:8000:63bf:80ff:fffe",
            "fe80::5efe:127.0.0.1",
            "2606:4700::200:5efe:127.0.0.1",
        ] {
            let found = embedded_v4(text.parse().unwrap());
            assert_eq!(found, Some(Ipv4Addr::LOCALHOST), "{text}");
        }
        for text in ["::", "::1", "2606:4700::7f00:1", "64:ff9b:1::7f00:1"] {
            assert_eq!(embedded_v4(text.parse().unwrap()), None, "{text}");
        }
    }
}
