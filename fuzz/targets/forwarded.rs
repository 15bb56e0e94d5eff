//! Only trusted proxies say where a client is, and what they say is an address that stands in their header.
#![no_main]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, bool, Vec<Vec<u8>>)| {
    let (trusted, standard, lines) = input;
    let name = HeaderName::from_static(if standard { "forwarded" } else { "x-forwarded-for" });
    let mut headers = HeaderMap::new();
    for line in &lines {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name.clone(), value);
        }
    }
    let peer: IpAddr = if trusted { [10, 0, 0, 1].into() } else { [203, 0, 113, 9].into() };
    let client = web::fuzzing::client(standard, "10.0.0.0/8", peer, &headers);
    if !trusted || headers.is_empty() {
        assert_eq!(client, Some(peer));
    }
    assert_eq!(client, client.map(|client| client.to_canonical()));
    // Whatever a stranger writes, what the proxy appends is what counts.
    let proxys = if standard { ", for=203.0.113.7" } else { ", 203.0.113.7" };
    let last =
        lines.last().map(|line| HeaderValue::from_bytes(&[line.as_slice(), proxys.as_bytes()].concat()));
    if let Some(Ok(value)) = last {
        headers.append(name, value);
        let expected: IpAddr = if trusted { [203, 0, 113, 7].into() } else { peer };
        assert_eq!(web::fuzzing::client(standard, "10.0.0.0/8", peer, &headers), Some(expected));
    }
});
