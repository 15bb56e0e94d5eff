//! An envelope that is read is read as any other JSON reader would, and is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::jsonrpc::{self, MAX_BATCH, Message};
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    if let Ok(message) = jsonrpc::parse(text) {
        let value: Value = serde_json::from_slice(text).expect("it is JSON");
        assert_eq!(value["jsonrpc"], "2.0");
        assert_eq!(message.method(), value["method"].as_str());
        if let Message::Request { id, method, params } = &message {
            let written = jsonrpc::write_request(id, method, *params);
            let again: Value = serde_json::from_slice(&written).expect("what is written is JSON");
            assert_eq!((&again["id"], &again["method"]), (&value["id"], &value["method"]));
        }
    }
    if let Ok(messages) = jsonrpc::parse_batch(text) {
        assert!(!messages.is_empty() && messages.len() <= MAX_BATCH);
    }
});
