//! Sessions with one legacy upstream, one per principal, opened when first needed and kept while used.
//!
//! A session is never shared between principals: what a server remembers of one must not reach another. The
//! gateway's own session (the empty principal) is kept until it is lost. Concurrent first calls wait for one
//! handshake.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::OnceCell,
    time::{Duration, Instant},
};

/// How long an unused session is kept.
const IDLE: Duration = Duration::from_mins(5);

/// How many sessions one upstream may have at a time; the longest unused one makes room.
const MOST: usize = 1000;

/// The sessions of one upstream.
#[derive(Debug)]
pub(crate) struct Sessions<S> {
    slots: Mutex<HashMap<Arc<str>, Slot<S>>>,
}

/// The session of one principal, or the handshake that leads to it.
pub(crate) type Cell<S> = Arc<OnceCell<Arc<S>>>;

#[derive(Debug)]
struct Slot<S> {
    cell: Cell<S>,
    used: Instant,
}

impl<S> Sessions<S> {
    pub(crate) fn new() -> Self {
        Self { slots: Mutex::new(HashMap::new()) }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Arc<str>, Slot<S>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a principal's session, and a session that had to make room for it.
    pub(crate) fn cell(&self, principal: &Arc<str>, now: Instant) -> (Cell<S>, Option<Arc<S>>) {
        let mut slots = self.slots();
        if let Some(slot) = slots.get_mut(principal) {
            slot.used = now;
            return (Arc::clone(&slot.cell), None);
        }
        let evicted = if slots.len() >= MOST { evict(&mut slots) } else { None };
        let cell = Cell::default();
        slots.insert(Arc::clone(principal), Slot { cell: Arc::clone(&cell), used: now });
        (cell, evicted)
    }

    /// Forgets a session that is lost, unless another one took its place already.
    pub(crate) fn forget(&self, principal: &str, session: &Arc<S>) {
        let mut slots = self.slots();
        let same = |slot: &Slot<S>| slot.cell.get().is_some_and(|current| Arc::ptr_eq(current, session));
        if slots.get(principal).is_some_and(same) {
            slots.remove(principal);
        }
    }

    /// Takes out what was not used for a while, and handshakes that came to nothing.
    pub(crate) fn sweep(&self, now: Instant) -> Vec<Arc<S>> {
        let mut slots = self.slots();
        let old: Vec<_> = slots
            .iter()
            .filter(|(principal, slot)| !principal.is_empty() && !slot.busy() && now - slot.used > IDLE)
            .map(|(principal, _)| Arc::clone(principal))
            .collect();
        old.iter().filter_map(|principal| slots.remove(principal)?.cell.get().cloned()).collect()
    }

    /// The sessions that are open.
    pub(crate) fn open(&self) -> Vec<Arc<S>> {
        self.slots().values().filter_map(|slot| slot.cell.get().cloned()).collect()
    }

    /// Takes out all sessions.
    pub(crate) fn drain(&self) -> Vec<Arc<S>> {
        self.slots().drain().filter_map(|(_, slot)| slot.cell.get().cloned()).collect()
    }
}

impl<S> Slot<S> {
    /// Whether a handshake or a call is under way.
    fn busy(&self) -> bool {
        Arc::strong_count(&self.cell) > 1
            || self.cell.get().is_some_and(|session| Arc::strong_count(session) > 1)
    }
}

fn evict<S>(slots: &mut HashMap<Arc<str>, Slot<S>>) -> Option<Arc<S>> {
    let candidates = slots.iter().filter(|(principal, slot)| !principal.is_empty() && !slot.busy());
    let oldest = candidates.min_by_key(|(_, slot)| slot.used).map(|(principal, _)| Arc::clone(principal))?;
    slots.remove(&oldest)?.cell.get().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(sessions: &Sessions<u32>, principal: &str, session: u32, now: Instant) -> Arc<u32> {
        let (cell, _) = sessions.cell(&Arc::from(principal), now);
        let session = Arc::new(session);
        cell.set(Arc::clone(&session)).unwrap();
        session
    }

    #[test]
    fn principals_have_their_own_sessions_until_these_are_idle() {
        let (sessions, start) = (Sessions::new(), Instant::now());
        drop(open(&sessions, "", 0, start));
        drop(open(&sessions, "ann", 1, start));
        let busy = open(&sessions, "bob", 2, start);
        assert_eq!(sessions.cell(&Arc::from("ann"), start).0.get().map(|session| **session), Some(1));
        drop(open(&sessions, "cid", 3, start + IDLE / 2));
        let later = start + IDLE + Duration::from_secs(1);
        assert_eq!(sessions.sweep(later), [Arc::new(1)], "not the gateway's own, the busy and the young one");
        drop(busy);
        assert_eq!(sessions.sweep(later), [Arc::new(2)]);
        assert_eq!(sessions.drain().len(), 2);
    }

    #[test]
    fn only_the_lost_session_is_forgotten() {
        let (sessions, now) = (Sessions::new(), Instant::now());
        let first = open(&sessions, "ann", 1, now);
        sessions.forget("ann", &first);
        let second = open(&sessions, "ann", 2, now);
        sessions.forget("ann", &first);
        assert_eq!(sessions.cell(&Arc::from("ann"), now).0.get(), Some(&second));
    }

    #[test]
    fn the_longest_unused_session_makes_room() {
        let (sessions, start) = (Sessions::new(), Instant::now());
        drop(open(&sessions, "", 0, start));
        for number in 1..u32::try_from(MOST).unwrap() {
            drop(open(&sessions, &number.to_string(), number, start + Duration::from_millis(number.into())));
        }
        let (_, evicted) = sessions.cell(&Arc::from("new"), start + IDLE);
        assert_eq!(evicted, Some(Arc::new(1)));
    }
}
