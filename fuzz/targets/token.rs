//! A token that the gateway did not sign is refused, however close it is to one that it did.
#![no_main]

use std::sync::LazyLock;

use domain::{Clock, Env, Timestamp};
use engine::{
    authn::token::{Claims, TokenKeys},
    settings::{AuthSettings, Environment},
};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

static KEYS: LazyLock<(TokenKeys, String)> = LazyLock::new(|| {
    let vars = [("JWT_SECRET_KEY", "Zk7-fuzz-signing-key_that-is-long_9Qx"), ("AUTH_ENCRYPTION_SECRET", "unused")];
    let mut env = Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let settings = AuthSettings::read(&mut env).expect("settings");
    let keys = TokenKeys::new(&settings, Environment::Development).expect("keys");
    let claims = Claims { sub: "a@example.com".to_owned(), exp: Some(NOW.seconds() + 60), ..Claims::default() };
    let token = keys.mint(claims, &Clock::manual(NOW)).expect("a token").expose().clone();
    (keys, token)
});

fuzz_target!(|input: (u16, Vec<u8>)| {
    let (keys, genuine) = &*KEYS;
    assert!(keys.verify(genuine, NOW).is_ok());
    let (at, bytes) = input;
    let text = String::from_utf8_lossy(&bytes);
    // As it is, and in the place of as many bytes of a genuine token.
    assert!(keys.verify(&text, NOW).is_err() || *text == **genuine, "{text}");
    let at = usize::from(at) % genuine.len();
    if text.is_ascii() {
        let after = genuine.get(at + text.len()..).unwrap_or_default();
        let changed = format!("{}{text}{after}", &genuine[..at]);
        assert!(keys.verify(&changed, NOW).is_err() || changed == *genuine, "{changed}");
    }
});
