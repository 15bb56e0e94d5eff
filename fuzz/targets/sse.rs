//! Events do not depend on how their bytes were cut, and what is written is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::sse::{Decoder, Event, encode_event};

const LIMIT: usize = 4096;

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (cut, bytes) = input;
    let whole = Decoder::new(LIMIT).push(&bytes);
    let mut decoder = Decoder::new(LIMIT);
    let mut pieces = Vec::new();
    let mut failed = false;
    for piece in bytes.chunks(usize::from(cut).max(1)) {
        match decoder.push(piece) {
            Ok(events) => pieces.extend(events),
            Err(_) => failed = true,
        }
    }
    assert_eq!(whole.is_err(), failed);
    if let Ok(events) = whole {
        assert_eq!(events, pieces);
        for event in events.iter().filter(|event| !event.data.contains('\r')) {
            let read = Decoder::new(4 * LIMIT).push(&encode_event(event)).expect("our own events");
            let data: Vec<&Event> = read.iter().collect();
            assert!(matches!(data[..], [read] if read.data == event.data), "{event:?} was read as {read:?}");
        }
    }
});
