//! The header codec gives back what it was given, and never writes what a header may not hold.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use protocol::headers::{decode, encode};

fuzz_target!(|text: &str| {
    let written = encode(text);
    assert!(HeaderValue::from_str(&written).is_ok(), "{written:?}");
    assert_eq!(decode(&written).as_deref(), Ok(text));
    if let Ok(read) = decode(text) {
        assert_eq!(decode(&encode(&read)).as_deref(), Ok(&*read));
    }
});
