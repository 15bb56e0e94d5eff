//! What the fuzz targets in `fuzz/` may call of this crate. Exists under `--cfg fuzzing` only.

use std::net::IpAddr;

use domain::Timestamp;
use serde_json::{Map, Value};

use crate::authn::restrictions::{self, Restrictions};

/// Whether a token with these restrictions may be used from an address, in the year 2027.
pub fn allows(
    networks: &[String],
    times: &Map<String, Value>,
    usage: &Map<String, Value>,
    from: Option<IpAddr>,
) -> bool {
    let mut read = Restrictions::default();
    read.add(networks, times, usage).is_ok() && read.check(from, Timestamp(1_800_000_000_000_000)).is_ok()
}

/// Whether a text is a network that a token can be restricted to.
pub fn is_network(text: &str) -> bool {
    restrictions::network(text).is_some()
}
