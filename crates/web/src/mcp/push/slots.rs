//! How many streams each principal has open; one too many is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Error, Result};

use crate::app::App;

/// When a client that has too many streams may try again.
const LATER: Duration = Duration::from_secs(30);

/// Open streams by principal.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    most: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

/// The place of one stream; free again when dropped.
pub(crate) struct Slot {
    slots: Slots,
    app: App,
    kind: &'static str,
    email: String,
}

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place for a stream of `email`.
    pub(crate) fn take(&self, app: &App, kind: &'static str, email: &str) -> Result<Slot> {
        if !self.enter(email) {
            app.engine().stats().stream_ended("limit");
            return Err(Error::RateLimited { retry_after: LATER });
        }
        app.engine().stats().stream(kind, 1);
        Ok(Slot { slots: self.clone(), app: app.clone(), kind, email: email.to_owned() })
    }

    fn enter(&self, email: &str) -> bool {
        let mut open = self.open();
        if let Some(count) = open.get_mut(email) {
            let room = *count < self.most;
            *count += usize::from(room);
            return room;
        }
        open.insert(email.to_owned(), 1);
        true
    }

    fn leave(&self, email: &str) {
        let mut open = self.open();
        let Some(count) = open.get_mut(email) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(email);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.leave(&self.email);
        self.app.engine().stats().stream(self.kind, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_their_own_places() {
        let slots = Slots::new(2);
        assert!(slots.enter("ann") && slots.enter("ann") && !slots.enter("ann"));
        assert!(slots.enter("bob"));
        slots.leave("ann");
        assert!(slots.enter("ann") && !slots.enter("ann"));
        slots.leave("ann");
        slots.leave("ann");
        slots.leave("bob");
        assert!(slots.open().is_empty());
    }
}
