//! A sealed text opens for its own purpose and owner, and no other text opens at all.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use protocol::seal::Sealer;

static SEALER: LazyLock<(Sealer, String)> = LazyLock::new(|| {
    let sealer = Sealer::new(&[("a", [7; 32])]).expect("keys");
    let genuine = sealer.seal("session", b"owner", b"payload").expect("sealed");
    (sealer, genuine)
});

fuzz_target!(|input: (u16, String)| {
    let (sealer, genuine) = &*SEALER;
    assert_eq!(sealer.open("session", b"owner", genuine).as_deref(), Ok(&b"payload"[..]));
    assert!(sealer.open("cursor", b"owner", genuine).is_err() && sealer.open("session", b"other", genuine).is_err());
    let (at, text) = input;
    assert!(text == *genuine || sealer.open("session", b"owner", &text).is_err());
    let at = usize::from(at) % genuine.len();
    let changed = format!("{}{text}{}", &genuine[..at], genuine.get(at + text.len()..).unwrap_or_default());
    assert!(changed == *genuine || sealer.open("session", b"owner", &changed).is_err(), "{changed}");
});
