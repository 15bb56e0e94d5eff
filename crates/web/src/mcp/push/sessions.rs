//! What a legacy session asked for: its log level, its subscriptions, and the one stream that tells it things.
//!
//! Kept in the process that took the request, for sessions that asked for something; it goes with the session.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::Error;
use engine::push::updates::{Inbox, Subscription};
use protocol::{json::RawObject, meta::LOG_LEVELS};
use tokio_util::sync::CancellationToken;

use super::UNSET;
use crate::mcp::{dispatch::Incoming, endpoint::Request, reply::Reply};

/// Sessions that are remembered, and how long; no session lasts longer.
const MOST: u64 = 100_000;
const LIFETIME: Duration = Duration::from_hours(24);

/// What sessions asked for.
pub(crate) struct States(moka::sync::Cache<Arc<str>, Arc<State>>);

/// What one session asked for.
pub(crate) struct State {
    level: AtomicUsize,
    pub(crate) inbox: Arc<Inbox>,
    subscriptions: Mutex<HashMap<Arc<str>, Subscription>>,
    /// Ends the stream that is open.
    stream: Mutex<CancellationToken>,
    /// Cancelled with the session.
    pub(crate) ended: CancellationToken,
}

impl Default for States {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(MOST).time_to_live(LIFETIME).build())
    }
}

impl States {
    /// What is kept of a session, from now on.
    pub(crate) fn of(&self, session: &Arc<str>) -> Arc<State> {
        self.0.get_with_by_ref(session, || Arc::new(State::new()))
    }

    /// What is kept of a session, if anything is.
    pub(crate) fn known(&self, session: &Arc<str>) -> Option<Arc<State>> {
        self.0.get(session)
    }

    /// How many sessions asked for something.
    pub(crate) fn count(&self) -> usize {
        self.0.run_pending_tasks();
        usize::try_from(self.0.entry_count()).unwrap_or(usize::MAX)
    }

    pub(super) fn end(&self, session: &Arc<str>) {
        if let Some(state) = self.0.remove(session) {
            state.ended.cancel();
            state.subscriptions().clear();
        }
    }
}

impl State {
    fn new() -> Self {
        let unset = LOG_LEVELS.iter().position(|level| *level == UNSET).unwrap_or_default();
        Self {
            level: AtomicUsize::new(unset),
            inbox: Arc::default(),
            subscriptions: Mutex::default(),
            stream: Mutex::default(),
            ended: CancellationToken::new(),
        }
    }

    /// The least severe log message that the client wants.
    pub(crate) fn level(&self) -> &'static str {
        LOG_LEVELS.get(self.level.load(Ordering::Relaxed)).copied().unwrap_or(UNSET)
    }

    /// Makes room for a stream: the one before it ends, because a client that opens another has usually lost the first
    /// without the gateway having noticed. Gives what ends the new one.
    pub(crate) fn take_stream(&self) -> CancellationToken {
        let token = CancellationToken::new();
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *stream, token.clone()).cancel();
        token
    }

    pub(super) fn add(&self, subscription: Subscription) {
        self.subscriptions().insert(Arc::clone(&subscription.uri), subscription);
    }

    pub(super) fn has(&self, uri: &str) -> bool {
        self.subscriptions().contains_key(uri)
    }

    pub(super) fn remove(&self, uri: &str) {
        self.subscriptions().remove(uri);
    }

    fn subscriptions(&self) -> MutexGuard<'_, HashMap<Arc<str>, Subscription>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `logging/setLevel`. It counts for the calls of the session from then on; without a session there is nothing that it
/// could count for.
pub(crate) fn set_level(request: &Request, incoming: Incoming<'_>) -> Reply {
    let level = incoming.params.text("level");
    let place = level.as_ref().and_then(|level| LOG_LEVELS.iter().position(|known| known == level));
    let Some(place) = place else {
        let error = Error::invalid("level", format!("must be one of {}", LOG_LEVELS.join(", ")));
        return Reply::failed(incoming.id, error, incoming.era);
    };
    if let Some(session) = &request.session {
        request.auth.app.push().states().of(&session.key).level.store(place, Ordering::Relaxed);
    }
    Reply::done(incoming.id, Ok(RawObject::new().to_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_stream_ends_the_first_and_the_session_ends_all() {
        let (states, key) = (States::default(), Arc::from("s"));
        assert!(states.known(&key).is_none());
        let state = states.of(&key);
        assert_eq!(state.level(), "info");
        let (first, second) = (state.take_stream(), state.take_stream());
        assert!(first.is_cancelled() && !second.is_cancelled());
        states.end(&key);
        assert!(state.ended.is_cancelled() && states.known(&key).is_none());
    }
}
