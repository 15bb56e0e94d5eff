//! The `Authorization` header is nothing, one credential, or refused; never more and never something in between.
#![no_main]

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: Vec<Vec<u8>>| {
    let mut headers = HeaderMap::new();
    for line in &lines {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let count = headers.get_all(AUTHORIZATION).iter().count();
    match web::fuzzing::credential(&headers) {
        Ok(None) => assert_eq!(count, 0),
        Ok(Some(credential)) => {
            assert_eq!(count, 1);
            assert!(!credential.is_empty() && credential.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        Err(()) => assert!(count > 0),
    }
});
