//! How often somebody may try: the moments of the last tries, for each key, in memory.
//!
//! A try is taken before it is made, so that many at the same moment are all counted, and given back where it turns
//! out to be none that matters. Replicas count on their own. The number of keys is bounded.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Error, Result, Timestamp};

/// Keys that are remembered at most.
const KEYS: u64 = 100_000;

type Tries = Arc<Mutex<VecDeque<Timestamp>>>;

/// Counts tries.
pub(crate) struct Limiter {
    most: usize,
    window: Duration,
    tries: moka::sync::Cache<String, Tries>,
}

impl Limiter {
    /// Lets `most` tries pass within `window`; any number where that is 0.
    pub(crate) fn new(most: u32, window: Duration) -> Self {
        let tries = moka::sync::Cache::builder().max_capacity(KEYS).time_to_idle(window).build();
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), window, tries }
    }

    /// Takes a try, or says how long to wait for the next.
    pub(crate) fn take(&self, key: &str, now: Timestamp) -> Result<()> {
        if self.most == 0 {
            return Ok(());
        }
        let tries = self.tries.get_with_by_ref(key, Tries::default);
        let mut tries = tries.lock().unwrap_or_else(PoisonError::into_inner);
        while tries.front().is_some_and(|first| first.plus(self.window) <= now) {
            tries.pop_front();
        }
        if let Some(first) = tries.front().filter(|_| tries.len() >= self.most) {
            return Err(Error::RateLimited { retry_after: first.plus(self.window).since(now) });
        }
        tries.push_back(now);
        Ok(())
    }

    /// Gives a try back that was taken last.
    pub(crate) fn give_back(&self, key: &str) {
        if let Some(tries) = self.tries.get(key) {
            tries.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    #[test]
    fn tries_come_back_when_the_window_has_passed() {
        let limiter = Limiter::new(2, Duration::from_mins(1));
        assert!(limiter.take("a", at(0)).is_ok() && limiter.take("a", at(10)).is_ok());
        let Err(Error::RateLimited { retry_after }) = limiter.take("a", at(20)) else { panic!("it passed") };
        assert_eq!(retry_after, Duration::from_secs(40));
        assert!(limiter.take("b", at(20)).is_ok(), "another key");
        assert!(limiter.take("a", at(60)).is_ok() && limiter.take("a", at(61)).is_err());
    }

    #[test]
    fn what_is_given_back_counts_for_nothing() {
        let limiter = Limiter::new(1, Duration::from_mins(1));
        for _ in 0..5 {
            limiter.take("a", at(0)).unwrap();
            limiter.give_back("a");
        }
        let unlimited = Limiter::new(0, Duration::from_mins(1));
        assert!((0..100).all(|_| unlimited.take("a", at(0)).is_ok()));
    }
}
