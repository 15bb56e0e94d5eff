//! Tokens against forged requests of pages, for sessions that live in a cookie.
//!
//! A token is an HMAC over the person, the session and a stretch of time: one of another person, of another session
//! of the same person or of long ago does not fit, and nothing is stored.

use aws_lc_rs::{constant_time, hmac};
use domain::Timestamp;

use crate::engine::Engine;

/// The token of a session for the present stretch of time.
pub fn csrf_token(engine: &Engine, email: &str, session: &str) -> String {
    let now = engine.clock().now();
    token(&key(engine), email, session, stretch(now, engine.settings().people.sessions.csrf_seconds))
}

/// Whether a token is the session's, of the present stretch of time or of the one before.
pub fn csrf_token_fits(engine: &Engine, email: &str, session: &str, given: &str) -> bool {
    let now = stretch(engine.clock().now(), engine.settings().people.sessions.csrf_seconds);
    let key = key(engine);
    [now, now - 1].into_iter().any(|stretch| {
        let wanted = token(&key, email, session, stretch);
        constant_time::verify_slices_are_equal(wanted.as_bytes(), given.as_bytes()).is_ok()
    })
}

fn key(engine: &Engine) -> hmac::Key {
    let configured = engine.settings().people.sessions.csrf_secret.as_ref();
    let bytes = configured.map_or(engine.keys().csrf().as_slice(), |secret| secret.expose().as_bytes());
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

fn stretch(now: Timestamp, seconds: u64) -> i64 {
    now.seconds().div_euclid(i64::try_from(seconds).unwrap_or(i64::MAX).max(1))
}

/// Hexadecimal, as ContextForge's. No part can hold the separator: addresses, ids and numbers have no line ends.
fn token(key: &hmac::Key, email: &str, session: &str, stretch: i64) -> String {
    super::hex(hmac::sign(key, format!("{email}\n{session}\n{stretch}").as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_sessions_of_one_person_at_one_time() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let mine = token(&key, "a@b.c", "one", 5);
        assert_eq!(mine.len(), 64);
        for other in [
            token(&key, "b@b.c", "one", 5),
            token(&key, "a@b.c", "two", 5),
            token(&key, "a@b.c", "one", 6),
            token(&hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]), "a@b.c", "one", 5),
        ] {
            assert_ne!(mine, other);
        }
        assert_eq!(stretch(Timestamp::from_seconds(3_599), 3_600), 0);
        assert_eq!(stretch(Timestamp::from_seconds(3_600), 3_600), 1);
    }
}
