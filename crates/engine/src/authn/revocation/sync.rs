//! Keeps the memory of [`Revocations`](super::Revocations) up to date, and says when it cannot.

use std::time::{Duration, Instant};

use domain::{Caller, Error, Result, Timestamp};
use serde_json::json;

use super::standing::FailMode;
use crate::{
    audit::{self, Deed},
    engine::Engine,
};

/// How long the database may take. One that is slower counts as one that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a revoked token is remembered after it ended by itself: clocks differ.
const SLACK: Duration = Duration::from_hours(1);
/// How often a long outage is told of.
const REMINDER: Duration = Duration::from_mins(1);

/// Reads what the process begins with.
pub(crate) async fn load(engine: &Engine) -> Result<()> {
    let asked = Instant::now();
    // The number before the rows: what comes in between is read once more.
    let seq = store::sequences::read(engine.db(), store::tokens::SEQUENCE).await?;
    let ended = store::tokens::ended(engine.db(), earliest(engine.clock().now())).await?;
    engine.revocations().learn(seq, ended);
    engine.revocations().standing.synced(asked);
    Ok(())
}

/// The end of a token that is still of interest.
fn earliest(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_sub(Timestamp(0).plus(SLACK).0))
}

/// Reads what is new.
pub(crate) async fn sync(engine: &Engine) -> Result<()> {
    let asked = Instant::now();
    let late = |_| Error::Unavailable("database: it took too long to say what was revoked".to_owned());
    let outcome = tokio::time::timeout(PATIENCE, read(engine)).await.map_err(late).flatten();
    match &outcome {
        Ok(()) => engine.revocations().standing.synced(asked),
        Err(_) => engine.revocations().standing.failed(),
    }
    outcome
}

async fn read(engine: &Engine) -> Result<()> {
    // All numbers at once, before the rows.
    let sequences = store::sequences::all(engine.db()).await?;
    let number =
        |wanted: &str| sequences.iter().find(|(name, _)| name == wanted).map_or(0, |(_, value)| *value);
    let (ended, identity) = (number(store::tokens::SEQUENCE), number("identity"));
    let known = engine.revocations().seq();
    if ended > known {
        let changes = store::tokens::changes(engine.db(), known, earliest(engine.clock().now())).await?;
        engine.revocations().learn(ended, changes);
    }
    engine.identities_changed(identity);
    Ok(())
}

/// Commits a change that ends or changes credentials: it counts here when this returns, and is told to the others.
pub(crate) async fn commit(engine: &Engine, tx: store::Tx) -> Result<()> {
    tx.commit().await?;
    let outcome = committed(engine).await;
    engine.bus().publish("identity", "").await;
    outcome
}

/// Reads back what this process has just committed. Where that fails nobody is let in on what it knew before; with
/// `AUTH_REVOCATION_FAIL_MODE=open` they are, so that the change does not count here yet, and is not said to.
pub(crate) async fn committed(engine: &Engine) -> Result<()> {
    let standing = &engine.revocations().standing;
    let Err(error) = sync(engine).await else { return Ok(()) };
    standing.distrust();
    tracing::error!(%error, "a change of credentials is committed and could not be read back");
    if standing.mode() == FailMode::Open { Err(error) } else { Ok(()) }
}

/// Follows what others change, for as long as the program runs.
pub(crate) async fn follow(engine: Engine) {
    let mut bus = engine.bus().subscribe("identity").await;
    let interval = Duration::from_secs(engine.settings().auth.revocation_sync_interval.clamp(1, 3600));
    let mut tick = tokio::time::interval(interval / 2);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut outage = Outage::default();
    loop {
        // What the bus says is not read: it only says that it is worth looking now.
        tokio::select! {
            _ = tick.tick() => {}
            heard = bus.recv() => if heard.is_err() { tick.tick().await; },
        }
        // Before: a success makes it young again.
        outage.overdue |= engine.revocations().standing.overdue();
        let outcome = sync(&engine).await;
        outage.note(&engine, outcome).await;
    }
}

/// Forgets revoked tokens that have ended by themselves, in memory and in the database.
pub(crate) async fn forget(engine: &Engine) -> Result<()> {
    let earliest = earliest(engine.clock().now());
    engine.revocations().forget_ended(earliest);
    let mut tx = engine.db().begin().await?;
    let count = store::tokens::forget_expired(&mut tx, earliest).await?;
    tx.commit().await?;
    tracing::debug!(count, "revocations of tokens that have ended were removed");
    Ok(())
}

/// A time in which the database could not be asked.
#[derive(Default)]
struct Outage {
    since: Option<Instant>,
    reminded: Option<Instant>,
    overdue: bool,
}

impl Outage {
    async fn note(&mut self, engine: &Engine, outcome: Result<()>) {
        let standing = &engine.revocations().standing;
        engine.stats().revocation_age(standing.age());
        match outcome {
            Ok(()) => self.end(engine).await,
            Err(error) => {
                self.since.get_or_insert_with(Instant::now);
                if self.reminded.is_none_or(|at| at.elapsed() >= REMINDER) {
                    self.reminded = Some(Instant::now());
                    remind(&error, standing.overdue(), standing.mode());
                }
            }
        }
    }

    /// What was accepted in an outage that lasted longer than allowed is a gap in the record, and is recorded as one.
    async fn end(&mut self, engine: &Engine) {
        let overdue = std::mem::take(&mut self.overdue);
        let Some(since) = self.since.take() else { return };
        let seconds = since.elapsed().as_secs();
        tracing::warn!(seconds, "revocations are followed again");
        self.reminded = None;
        if overdue {
            record_gap(engine, seconds).await;
        }
    }
}

#[expect(clippy::cognitive_complexity, reason = "it is the log macros that branch")]
fn remind(error: &Error, overdue: bool, mode: FailMode) {
    match (overdue, mode) {
        (false, _) => tracing::warn!(%error, "revocations cannot be followed"),
        (true, FailMode::Open) => tracing::error!(
            %error,
            "revocations cannot be followed; credentials are accepted all the same (AUTH_REVOCATION_FAIL_MODE=open)"
        ),
        (true, _) => tracing::error!(%error, "revocations cannot be followed; credentials are refused"),
    }
}

async fn record_gap(engine: &Engine, seconds: u64) {
    if let Err(error) = try_record_gap(engine, seconds).await {
        tracing::error!(%error, seconds, "the gap in following revocations could not be recorded");
    }
}

async fn try_record_gap(engine: &Engine, seconds: u64) -> Result<()> {
    let mode = format!("{:?}", engine.revocations().standing.mode()).to_lowercase();
    let details = json!({ "seconds": seconds, "mode": mode });
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("revocation.gap", "token", "").with(details);
    audit::record(engine, &mut tx, "system:revocations", &Caller::default(), deed).await?;
    tx.commit().await
}
