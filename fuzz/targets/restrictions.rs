//! Addresses, hours and limits of a token: whatever is written there, a token is never let in from nowhere.
#![no_main]

use engine::fuzzing::{allows, is_network};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<String>, String, String, [u8; 16])| {
    let (networks, times, usage, address) = input;
    let address = std::net::IpAddr::from(address);
    let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let (times, usage) = (read(&times), read(&usage));
    let somewhere = allows(&networks, &times, &usage, Some(address));
    if !networks.is_empty() {
        assert!(!allows(&networks, &times, &usage, None), "an unknown address is in no network");
        assert!(!somewhere || networks.iter().any(|text| is_network(text)));
    }
});
