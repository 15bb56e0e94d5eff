//! When which upstream is asked again. Pure: rows and the time in, ids out.
//!
//! One that answers is asked every interval after its last refresh, by whichever replica made that; a few percent
//! of jitter, fixed for each gateway, keep them from being asked all at once. One that does not answer is asked
//! again after the health check interval, and after twice as long each time, up to sixteen times.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use domain::{Timestamp, gateway::Gateway, id::GatewayId};

const LONGEST_DOUBLING: u32 = 4;

/// What is known of one gateway's attempts.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    last: Timestamp,
    failures: u32,
    running: bool,
}

/// The schedule of one process.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    pause: Duration,
    attempts: HashMap<GatewayId, Attempt>,
}

impl Schedule {
    pub(super) fn new(interval_seconds: u64, pause_seconds: u64) -> Self {
        Self {
            interval: Duration::from_secs(interval_seconds.max(1)),
            pause: Duration::from_secs(pause_seconds.max(1)),
            attempts: HashMap::new(),
        }
    }

    /// The gateways to ask now; they count as running until [`Schedule::ended`], or until they were given an
    /// interval's time to end.
    pub(super) fn due(&mut self, gateways: &[Gateway], now: Timestamp) -> Vec<GatewayId> {
        self.attempts.retain(|id, _| gateways.iter().any(|gateway| gateway.id == *id));
        let due: Vec<GatewayId> = gateways
            .iter()
            .filter(|gateway| gateway.enabled && self.next(gateway).is_none_or(|at| at <= now))
            .map(|gateway| gateway.id.clone())
            .collect();
        for id in &due {
            let attempt =
                self.attempts.entry(id.clone()).or_insert(Attempt { last: now, failures: 0, running: true });
            (attempt.last, attempt.running) = (now, true);
        }
        due
    }

    /// Notes how an attempt ended.
    pub(super) fn ended(&mut self, id: &GatewayId, answered: bool, now: Timestamp) {
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.failures = if answered { 0 } else { attempt.failures.saturating_add(1) };
            (attempt.last, attempt.running) = (now, false);
        }
    }

    /// When a gateway is asked next; `None` for at once.
    fn next(&self, gateway: &Gateway) -> Option<Timestamp> {
        let own = gateway.refresh_interval_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let interval = own.map_or(self.interval, Duration::from_secs);
        let attempt = self.attempts.get(&gateway.id);
        if let Some(running) = attempt.filter(|attempt| attempt.running) {
            return Some(running.last.plus(interval));
        }
        if gateway.reachable {
            let last = gateway.last_refresh_at.max(attempt.map(|attempt| attempt.last))?;
            return Some(last.plus(jittered(interval, &gateway.id)));
        }
        let attempt = attempt?;
        let doublings = attempt.failures.saturating_sub(1).min(LONGEST_DOUBLING);
        Some(attempt.last.plus(jittered(self.pause.saturating_mul(1 << doublings), &gateway.id)))
    }
}

/// Up to a tenth more, always the same for one gateway.
fn jittered(interval: Duration, id: &GatewayId) -> Duration {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let percent = u32::try_from(hasher.finish() % 11).unwrap_or(0);
    interval + interval / 100 * percent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::tests::gateway;

    fn minutes(minutes: u64) -> Timestamp {
        Timestamp(0).plus(Duration::from_secs(minutes * 60))
    }

    #[test]
    fn what_answers_is_asked_every_interval_after_its_last_refresh() {
        let mut schedule = Schedule::new(600, 60);
        let mut row = gateway();
        row.last_refresh_at = Some(minutes(0));
        assert!(schedule.due(std::slice::from_ref(&row), minutes(9)).is_empty());
        assert_eq!(schedule.due(std::slice::from_ref(&row), minutes(11)).len(), 1);
        assert!(schedule.due(std::slice::from_ref(&row), minutes(12)).is_empty(), "it is running");
        schedule.ended(&row.id, true, minutes(12));
        row.last_refresh_at = Some(minutes(12));
        assert!(schedule.due(std::slice::from_ref(&row), minutes(20)).is_empty());
        // Another replica's refresh counts as well.
        row.last_refresh_at = Some(minutes(20));
        assert!(schedule.due(std::slice::from_ref(&row), minutes(29)).is_empty());
    }

    #[test]
    fn what_does_not_answer_is_asked_with_growing_pauses() {
        let mut schedule = Schedule::new(60_000, 60);
        let mut row = gateway();
        (row.reachable, row.last_refresh_at) = (false, None);
        let mut asked = Vec::new();
        for minute in 0..70 {
            for id in schedule.due(std::slice::from_ref(&row), minutes(minute)) {
                asked.push(minute);
                schedule.ended(&id, false, minutes(minute));
            }
        }
        let pauses: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(asked[0], 0);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= 18), "{pauses:?}");
    }

    #[test]
    fn what_is_switched_off_is_not_asked() {
        let mut schedule = Schedule::new(60, 60);
        let row = Gateway { enabled: false, reachable: false, ..gateway() };
        assert!(schedule.due(&[row], minutes(5)).is_empty());
    }
}
