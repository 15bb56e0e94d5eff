//! Counts how tokens are used: for limits, at once, and for statistics, in batches.
//!
//! A request changes numbers in memory. Every other second one task adds what is new to the rows that all replicas
//! add to, and reads back what limits are counted with; a process that dies loses that much, and replicas that count
//! the same limit overshoot by that much. Limits go by clock hours and days (UTC).

mod writing;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Error, Result, Timestamp, api_token::TokenUsage};

pub(crate) use self::writing::write;
use super::restrictions::UsageLimits;

/// Routes that are told apart in one batch; there are not that many.
const ENDPOINTS: usize = 256;

/// The counts of one token.
#[derive(Debug)]
pub struct Meter {
    /// The `jti`.
    token: Box<str>,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    hour: i64,
    in_hour: u64,
    in_day: u64,
    /// Whether the counts are compared with limits.
    limited: bool,
    /// What is not written yet.
    new: Batch,
    /// The last use that was written.
    noted: Option<Timestamp>,
}

/// What a token did and nobody has written down.
#[derive(Debug, Default)]
struct Batch {
    hours: BTreeMap<i64, TokenUsage>,
    /// By day, and then by route.
    endpoints: BTreeMap<i64, HashMap<Box<str>, i64>>,
    last: Option<Timestamp>,
}

/// Hours since 1970.
pub(crate) fn hour_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(3600)
}

impl Meter {
    fn new(token: &str, hour: i64, (in_hour, in_day): (u64, u64)) -> Self {
        Self {
            token: token.into(),
            counts: Mutex::new(Counts { hour, in_hour, in_day, ..Counts::default() }),
        }
    }

    /// Counts a request, unless that is more than the limits allow.
    pub(crate) fn admit(&self, limits: UsageLimits, now: Timestamp) -> Result<()> {
        let mut counts = self.counts();
        let hour = hour_of(now);
        counts.turn(hour);
        counts.limited = limits.any();
        let over = |limit: Option<u64>, count| limit.is_some_and(|limit| count >= limit);
        let until = if over(limits.daily, counts.in_day) {
            Some((hour.div_euclid(24) + 1) * 24)
        } else {
            over(limits.hourly, counts.in_hour).then_some(hour + 1)
        };
        counts.new.last = Some(now);
        let usage = counts.new.hours.entry(hour).or_default();
        if let Some(until) = until {
            usage.blocked += 1;
            let retry_after = Timestamp::from_seconds(until * 3600).since(now) + Duration::from_secs(1);
            return Err(Error::RateLimited { retry_after });
        }
        usage.served += 1;
        counts.in_hour += 1;
        counts.in_day += 1;
        Ok(())
    }

    /// Counts a request that the token's own restrictions refused.
    pub(crate) fn refused(&self, now: Timestamp) {
        let mut counts = self.counts();
        counts.new.last = Some(now);
        counts.new.hours.entry(hour_of(now)).or_default().blocked += 1;
    }

    /// Notes how a request that was admitted was answered, and by which route.
    pub fn answered(&self, endpoint: &str, denied: bool, took: Duration, now: Timestamp) {
        let mut counts = self.counts();
        let hour = hour_of(now);
        let usage = counts.new.hours.entry(hour).or_default();
        if denied {
            usage.served -= 1;
            usage.blocked += 1;
        } else {
            usage.micros = usage.micros.saturating_add(i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
        }
        let routes = counts.new.endpoints.entry(hour.div_euclid(24)).or_default();
        if let Some(count) = routes.get_mut(endpoint) {
            *count += 1;
        } else if routes.len() < ENDPOINTS {
            routes.insert(endpoint.into(), 1);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Begins to count anew in a new hour or day.
    fn turn(&mut self, hour: i64) {
        if hour.div_euclid(24) != self.hour.div_euclid(24) {
            self.in_day = 0;
        }
        if hour != self.hour {
            (self.hour, self.in_hour) = (hour, 0);
        }
    }
}

/// The meters of the tokens that are in use.
#[derive(Debug, Default)]
pub(crate) struct Meters(Mutex<HashMap<Box<str>, Arc<Meter>>>);

impl Meters {
    /// The meter of a token, which goes on counting where the database has got to.
    pub(crate) async fn of(&self, db: &store::Db, token: &str, now: Timestamp) -> Result<Arc<Meter>> {
        if let Some(meter) = self.table().get(token) {
            return Ok(Arc::clone(meter));
        }
        let hour = hour_of(now);
        let counts = totals(db, token, hour).await?;
        let mut table = self.table();
        let meter = table.entry(token.into()).or_insert_with(|| Arc::new(Meter::new(token, hour, counts)));
        Ok(Arc::clone(meter))
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Meter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often a token was served in an hour and in its day.
async fn totals(db: &store::Db, token: &str, hour: i64) -> Result<(u64, u64)> {
    let count = |usage: TokenUsage| u64::try_from(usage.served).unwrap_or(0);
    let in_hour = store::token_usage::since(db, token, hour).await?;
    let in_day = store::token_usage::since(db, token, hour.div_euclid(24) * 24).await?;
    Ok((count(in_hour), count(in_day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(hourly: u64, daily: u64) -> UsageLimits {
        UsageLimits { hourly: Some(hourly), daily: Some(daily) }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_hour_and_a_day_have_an_end() {
        let meter = Meter::new("t", 0, (0, 0));
        for second in 0..2 {
            assert!(meter.admit(limits(2, 3), at(second)).is_ok());
        }
        let Err(Error::RateLimited { retry_after }) = meter.admit(limits(2, 3), at(3590)) else { panic!() };
        assert_eq!(retry_after.as_secs(), 11, "the next hour, and a second for clocks that differ");
        assert!(meter.admit(limits(2, 3), at(3600)).is_ok(), "a new hour");
        let Err(Error::RateLimited { retry_after }) = meter.admit(limits(2, 3), at(3601)) else { panic!() };
        assert_eq!(retry_after.as_secs(), 86_400 - 3600, "the next day");
        assert!(meter.admit(limits(2, 3), at(86_400)).is_ok(), "a new day");
    }

    #[test]
    fn counting_goes_on_where_the_database_has_got_to() {
        let meter = Meter::new("t", 0, (4, 4));
        assert!(meter.admit(limits(5, 9), at(1)).is_ok() && meter.admit(limits(5, 9), at(2)).is_err());
    }

    #[test]
    fn answers_are_sorted_into_served_and_blocked() {
        let meter = Meter::new("t", 0, (0, 0));
        for _ in 0..3 {
            meter.admit(UsageLimits::default(), at(1)).unwrap();
        }
        meter.answered("GET /a", false, Duration::from_micros(5), at(2));
        meter.answered("GET /a", false, Duration::from_micros(7), at(2));
        meter.answered("GET /b", true, Duration::from_micros(9), at(2));
        meter.refused(at(3));
        let batch = std::mem::take(&mut meter.counts().new);
        assert_eq!(batch.hours[&0], TokenUsage { served: 2, blocked: 2, micros: 12 });
        assert_eq!((batch.endpoints[&0]["GET /a"], batch.endpoints[&0]["GET /b"]), (2, 1));
        assert_eq!(batch.last, Some(at(3)));
    }
}
