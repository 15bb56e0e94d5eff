//! When a child that ended may be started again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::time::Instant;

use super::Supervision;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Notes that a child ended that had worked for `lived`; zero for one that never came to work.
    pub(crate) fn ended(&mut self, now: Instant, lived: Duration, supervision: &Supervision) {
        if lived >= supervision.healthy_after {
            self.failures = 0;
        }
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let full = supervision.first_delay.saturating_mul(doubled).min(supervision.longest_delay);
        self.failures = (self.failures + 1).min(31);
        self.not_before = Some(now + full.mul_f64(jitter()));
    }

    /// How long to wait from `now` on.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        self.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }
}

/// A factor between a half and one, so that servers that fell together do not rise together. The keys of the
/// standard hasher are random, which is random enough for this.
fn jitter() -> f64 {
    let random = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or(0);
    0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_start_again_after_health() {
        let supervision = Supervision::default();
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.remaining(now), Duration::ZERO);
        for full in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            backoff.ended(now, Duration::ZERO, &supervision);
            let delay = backoff.remaining(now).as_secs_f64();
            assert!((full / 2.0..=full).contains(&delay), "{delay} for {full}");
        }
        backoff.ended(now, supervision.healthy_after, &supervision);
        assert!(backoff.remaining(now) <= supervision.first_delay);
        assert_eq!(backoff.remaining(now + supervision.first_delay), Duration::ZERO);
    }
}
