//! Writes what tokens did, in batches.

use std::{sync::Arc, time::Duration};

use domain::{Error, Result, Timestamp};

use super::{Batch, Meter, hour_of, totals};
use crate::engine::Engine;

/// How much a process that dies may lose.
const PAUSE: Duration = Duration::from_secs(2);
/// Tokens in one transaction.
const TOGETHER: usize = 200;
/// How long the database may take for them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes until the program stops, and what is left then.
pub(crate) async fn write(engine: Engine) {
    let mut tick = tokio::time::interval(PAUSE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let stopping = tokio::select! {
            _ = tick.tick() => false,
            () = engine.stopping().cancelled() => true,
        };
        if let Err(error) = flush(&engine).await {
            tracing::warn!(%error, "the use of tokens could not be written; it is kept for the next time");
        }
        if stopping {
            return;
        }
    }
}

/// Writes everything, and reads back how often limited tokens were used everywhere.
async fn flush(engine: &Engine) -> Result<()> {
    let mut batches: Vec<(Arc<Meter>, Batch)> = Vec::new();
    engine.meters().table().retain(|_, meter| {
        let mut counts = meter.counts();
        let idle = counts.new.hours.is_empty();
        if !idle {
            batches.push((Arc::clone(meter), std::mem::take(&mut counts.new)));
        }
        drop(counts);
        // Nobody remembers a token that is held here alone.
        !idle || Arc::strong_count(meter) > 1
    });
    let mut outcome = Ok(());
    while !batches.is_empty() {
        let rest = batches.split_off(batches.len().min(TOGETHER));
        if outcome.is_ok() {
            let late =
                |_| Error::Unavailable("database: it took too long to write the use of tokens".to_owned());
            outcome = tokio::time::timeout(PATIENCE, append(engine, &batches)).await.map_err(late).flatten();
        }
        if outcome.is_ok() {
            follow(engine, &batches).await;
        } else {
            batches.drain(..).for_each(|(meter, batch)| meter.counts().new.add(batch));
        }
        batches = rest;
    }
    outcome
}

async fn append(engine: &Engine, batches: &[(Arc<Meter>, Batch)]) -> Result<()> {
    let auth = &engine.settings().auth;
    // What is left at the end of the program is written, however soon it comes.
    let minutes = if engine.stopping().is_cancelled() { 0 } else { auth.last_used_minutes };
    let (statistics, pause) = (auth.token_usage, Duration::from_secs(minutes.saturating_mul(60)));
    let mut noted = Vec::new();
    let mut tx = engine.db().begin().await?;
    for (meter, batch) in batches {
        // Limits are counted with the same rows, whether statistics are kept or not.
        if statistics || meter.counts().limited {
            for (hour, usage) in &batch.hours {
                store::token_usage::add(&mut tx, &meter.token, *hour, *usage).await?;
            }
        }
        for (day, endpoints) in batch.endpoints.iter().filter(|_| statistics) {
            for (endpoint, count) in endpoints {
                store::token_usage::add_endpoint(&mut tx, &meter.token, *day, (endpoint, *count)).await?;
            }
        }
        if let Some(at) = batch.last.filter(|at| meter.is_due(*at, pause)) {
            store::api_tokens::note_used(&mut tx, &meter.token, at).await?;
            noted.push((meter, at));
        }
    }
    tx.commit().await?;
    for (meter, at) in noted {
        meter.counts().noted = Some(at);
    }
    Ok(())
}

/// Reads back how often limited tokens were used everywhere. What fails here is read the next time.
async fn follow(engine: &Engine, batches: &[(Arc<Meter>, Batch)]) {
    for (meter, _) in batches {
        if meter.counts().limited
            && let Err(error) = meter.follow(engine).await
        {
            tracing::warn!(%error, "how often a token was used elsewhere could not be read");
        }
    }
}

impl Meter {
    /// Whether it is time to write again when the token was last used.
    fn is_due(&self, at: Timestamp, pause: Duration) -> bool {
        self.counts().noted.is_none_or(|noted| noted.plus(pause) <= at)
    }

    /// Takes in what other replicas counted.
    async fn follow(&self, engine: &Engine) -> Result<()> {
        let hour = hour_of(engine.clock().now());
        let (in_hour, in_day) = totals(engine.db(), &self.token, hour).await?;
        let mut counts = self.counts();
        counts.turn(hour);
        let new = |from: i64| -> u64 {
            let served: i64 = counts.new.hours.range(from..).map(|(_, usage)| usage.served).sum();
            u64::try_from(served).unwrap_or(0)
        };
        let (more_in_hour, more_in_day) = (new(hour), new(hour.div_euclid(24) * 24));
        (counts.in_hour, counts.in_day) = (in_hour + more_in_hour, in_day + more_in_day);
        Ok(())
    }
}

impl Batch {
    /// Takes back what could not be written.
    fn add(&mut self, other: Self) {
        for (hour, more) in other.hours {
            let usage = self.hours.entry(hour).or_default();
            usage.served += more.served;
            usage.blocked += more.blocked;
            usage.micros = usage.micros.saturating_add(more.micros);
        }
        for (day, endpoints) in other.endpoints {
            let all = self.endpoints.entry(day).or_default();
            for (endpoint, more) in endpoints {
                *all.entry(endpoint).or_default() += more;
            }
        }
        self.last = self.last.max(other.last);
    }
}
