//! What the fuzz targets in `fuzz/` may call of this crate. Exists under `--cfg fuzzing` only.

use std::net::IpAddr;

use http::{HeaderMap, header::AUTHORIZATION};

/// The credential in the header, none, or a refusal.
pub fn credential(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    crate::guard::credential(headers, &AUTHORIZATION).map_err(|_| ())
}

/// The client's address if it is known, where one network of proxies is trusted.
pub fn client(standard_header: bool, trusted: &str, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    crate::layers::client(standard_header, trusted.parse().into_iter().collect(), peer, headers)
}
