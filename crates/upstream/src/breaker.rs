//! Fails fast while an upstream cannot be reached, so that callers do not all wait for the same dead host.
//!
//! Only failed connections count: an upstream that answers, whatever it answers, is there. After a rest one call
//! is let through to try; it decides for the others.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;

/// How long it stays open.
const REST: Duration = Duration::from_secs(10);

/// The circuit of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be tried now; else how long the rest still lasts.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.rests_until else { return Ok(()) };
        if now < until {
            return Err(until - now);
        }
        // This call tries; the others go on resting until it is known how it went.
        state.rests_until = Some(now + REST);
        Ok(())
    }

    /// The upstream was reached. Says whether that is news.
    pub(crate) fn reached(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let news = state.failures > 0;
        if news {
            *state = State::default();
        }
        news
    }

    /// The upstream was not reached. Says whether that is news.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        if state.failures >= FAILURES {
            state.rests_until = Some(now + REST);
        }
        state.failures == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_upstream_rests_and_is_tried_by_one() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(start), Ok(()));
            breaker.failed(start);
        }
        assert_eq!(breaker.admit(start), Err(REST));
        let later = start + REST;
        assert_eq!(breaker.admit(later), Ok(()), "one tries");
        assert_eq!(breaker.admit(later), Err(REST), "the others rest");
        breaker.failed(later);
        assert_eq!(breaker.admit(later), Err(REST));
        let latest = later + REST;
        assert_eq!(breaker.admit(latest), Ok(()));
        breaker.reached();
        assert_eq!((breaker.admit(latest), breaker.admit(latest)), (Ok(()), Ok(())));
    }

    #[test]
    fn failures_must_follow_each_other() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES * 2 {
            assert!(breaker.failed(now), "news");
            assert!(!breaker.failed(now), "known");
            assert!(breaker.reached(), "news");
            assert!(!breaker.reached(), "known");
        }
        assert_eq!(breaker.admit(now), Ok(()));
    }
}
