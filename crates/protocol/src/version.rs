//! The protocol revisions the gateway speaks, and which one a handshake settles on.
//!
//! A revision is "modern" (no handshake, stateless) or "legacy" (`initialize` first). Revisions are dates, so text
//! order is age order.

/// The stateless revision.
pub const MODERN: &str = "2026-07-28";

/// The handshake revisions, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Every revision, newest first.
pub const SUPPORTED: [&str; 5] = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// What a legacy request without `MCP-Protocol-Version` is taken to speak.
pub const ASSUMED: &str = "2025-03-26";

/// The only revision in which JSON-RPC batches exist.
pub const BATCHES: &str = "2025-03-26";

/// The legacy revision answered to `initialize`: the requested one if it is known, else the newest.
///
/// The modern revision is never the answer, because it has no handshake.
pub fn negotiate(requested: &str) -> &'static str {
    legacy(requested).unwrap_or("2025-11-25")
}

/// The revision as a constant, if it is a legacy one.
pub fn legacy(version: &str) -> Option<&'static str> {
    LEGACY.into_iter().find(|known| *known == version)
}

/// The revision as a constant, if it is supported.
pub fn supported(version: &str) -> Option<&'static str> {
    SUPPORTED.into_iter().find(|known| *known == version)
}

/// Whether the text has the form of a revision and is the modern one or a later one.
pub fn is_modern_or_later(version: &str) -> bool {
    let dated = version.len() == MODERN.len()
        && version.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    dated && version >= MODERN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_never_settles_on_the_stateless_revision() {
        assert_eq!(negotiate(MODERN), "2025-11-25");
        assert_eq!(negotiate("2099-01-01"), "2025-11-25");
        assert_eq!(negotiate("2024-11-05"), "2024-11-05");
    }

    #[test]
    fn lists_agree_and_run_newest_first() {
        assert_eq!(SUPPORTED.first(), Some(&MODERN));
        assert_eq!(SUPPORTED[1..], LEGACY);
        assert!(SUPPORTED.is_sorted_by(|a, b| a > b));
        assert!(legacy(ASSUMED).is_some() && legacy(BATCHES).is_some() && legacy(MODERN).is_none());
    }

    #[test]
    fn only_dates_count_as_later() {
        assert!(is_modern_or_later(MODERN) && is_modern_or_later("2027-01-01"));
        assert!(
            !is_modern_or_later("2025-11-25") && !is_modern_or_later("banana") && !is_modern_or_later("9")
        );
    }
}
