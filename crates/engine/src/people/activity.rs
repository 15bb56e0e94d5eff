//! Sessions that end because nobody uses them.
//!
//! Only where that can happen, which is where `TOKEN_IDLE_TIMEOUT` is shorter than a session lasts. Each replica
//! remembers when it saw a session last and writes that down now and then; before it ends one, it looks at what the
//! others wrote. API tokens are for programs, which may rest as long as they like.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{Actor, Error, Result, Timestamp};

use crate::{engine::Engine, settings::SessionSettings};

/// The longest time between two notes of one session.
const NOTE_EVERY: Duration = Duration::from_mins(1);
/// Sessions that are remembered at most; others are read again.
const SESSIONS: u64 = 100_000;

/// When one session was seen and when that was last written down.
struct Seen {
    session: bool,
    last: AtomicI64,
    written: AtomicI64,
}

/// What this process saw.
pub(crate) struct Activity {
    limit: Option<Duration>,
    seen: moka::sync::Cache<String, Arc<Seen>>,
}

impl Activity {
    pub(super) fn new(settings: &SessionSettings, token_minutes: u32) -> Self {
        let minutes = settings.idle_minutes;
        let matters = settings.activity_tracking && minutes > 0 && minutes < u64::from(token_minutes);
        Self {
            limit: matters.then(|| Duration::from_secs(minutes * 60)),
            seen: moka::sync::Cache::builder().max_capacity(SESSIONS).build(),
        }
    }
}

/// Notes that a token was used, or says that its session has ended. `bearer` is the token, already accepted.
#[crate::boxed]
pub async fn used(engine: &Engine, actor: &Actor, bearer: &str) -> Result<()> {
    let activity = &engine.people().activity;
    let (Some(limit), Some(jti)) = (activity.limit, actor.token_id.as_deref()) else { return Ok(()) };
    let now = engine.clock().now();
    let seen = match activity.seen.get(jti) {
        Some(seen) => seen,
        None => first_sight(engine, jti, bearer).await?,
    };
    if !seen.session {
        return Ok(());
    }
    if is_idle(&seen, limit, now) {
        if let Some(elsewhere) = store::sessions::last_seen(engine.db(), jti).await? {
            seen.last.fetch_max(elsewhere.0, Ordering::AcqRel);
        }
        if is_idle(&seen, limit, now) {
            return Err(Error::Unauthenticated("Session expired due to inactivity"));
        }
    }
    seen.last.fetch_max(now.0, Ordering::AcqRel);
    note(engine, jti, &seen, limit.div_f64(4.0).min(NOTE_EVERY));
    Ok(())
}

fn is_idle(seen: &Seen, limit: Duration, now: Timestamp) -> bool {
    Timestamp(seen.last.load(Ordering::Acquire)).plus(limit) <= now
}

async fn first_sight(engine: &Engine, jti: &str, bearer: &str) -> Result<Arc<Seen>> {
    let claims = engine.token_keys().verify(bearer, engine.clock().now())?;
    let session = claims.token_use.as_deref() == Some("session");
    let issued = Timestamp::from_seconds(claims.last_activity.or(claims.iat).unwrap_or_default());
    let written = if session { store::sessions::last_seen(engine.db(), jti).await? } else { None };
    let seen = Arc::new(Seen {
        session,
        last: AtomicI64::new(written.unwrap_or(issued).max(issued).0),
        written: AtomicI64::new(written.unwrap_or(issued).0),
    });
    engine.people().activity.seen.insert(jti.to_owned(), Arc::clone(&seen));
    Ok(seen)
}

/// Writes it down beside the request: the answer does not wait for it.
fn note(engine: &Engine, jti: &str, seen: &Seen, every: Duration) {
    let last = seen.last.load(Ordering::Acquire);
    let written = seen.written.load(Ordering::Acquire);
    if Timestamp(last).since(Timestamp(written)) < every
        || seen.written.compare_exchange(written, last, Ordering::AcqRel, Ordering::Acquire).is_err()
    {
        return;
    }
    let (engine, jti) = (engine.clone(), jti.to_owned());
    let tasks = engine.tasks().clone();
    tasks.spawn(async move {
        if let Err(error) = write(&engine, &jti, Timestamp(last)).await {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
    });
}

async fn write(engine: &Engine, jti: &str, at: Timestamp) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::sessions::seen(&mut tx, jti, at).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matters(vars: &[(&str, &str)], token_minutes: u32) -> bool {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = SessionSettings::read(&mut domain::Env::new(vars)).unwrap();
        Activity::new(&settings, token_minutes).limit.is_some()
    }

    #[test]
    fn it_matters_only_where_a_session_outlasts_it() {
        assert!(!matters(&[], 20), "the defaults");
        assert!(matters(&[("TOKEN_IDLE_TIMEOUT", "10")], 20));
        assert!(!matters(&[("TOKEN_IDLE_TIMEOUT", "0")], 20));
        let off = [("TOKEN_IDLE_TIMEOUT", "10"), ("SESSION_ACTIVITY_TRACKING", "false")];
        assert!(!matters(&off, 20));
    }

    #[test]
    fn idle_is_as_long_as_the_limit() {
        let start = Timestamp::from_seconds(100);
        let seen = Seen { session: true, last: AtomicI64::new(start.0), written: AtomicI64::new(0) };
        let limit = Duration::from_mins(1);
        assert!(!is_idle(&seen, limit, Timestamp::from_seconds(159)));
        assert!(is_idle(&seen, limit, Timestamp::from_seconds(160)));
    }
}
