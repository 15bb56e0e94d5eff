//! Follows `JWT_KEYS_DIR` while the program runs.
//!
//! A job looks once a second, never a request. A folder that changes while it is read is read again at the next
//! look; one that holds nothing usable changes nothing and is reported once. A new active key verifies at once and
//! signs a few looks later: by then every replica that looks at the same folder knows it.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::TokenKeys;
use crate::{
    authn::keys::{self, KeyRing, Signing, folder, folder::Fingerprint},
    engine::Engine,
    settings::AuthSettings,
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks until a new key signs.
const LOOKS_UNTIL_SIGNING: u8 = 3;

/// What was seen of the folder.
pub(super) struct Follower {
    dir: Option<PathBuf>,
    seen: Fingerprint,
    /// The key that signs next, and the looks until then.
    next: Option<(Arc<Signing>, u8)>,
}

impl Follower {
    pub(super) fn new(settings: &AuthSettings) -> Self {
        let dir = settings.jwt_keys_dir.as_ref().map(PathBuf::from);
        let seen = dir.as_deref().map(folder::fingerprint).unwrap_or_default();
        Self { dir, seen, next: None }
    }
}

impl TokenKeys {
    /// Takes over what changed in the folder.
    pub(crate) fn look(&self) {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        self.sign_next(&mut follower);
        let Some(dir) = follower.dir.clone() else { return };
        let found = folder::fingerprint(&dir);
        if found == follower.seen {
            return;
        }
        let loaded = keys::load(&self.rules.settings, self.rules.environment);
        if folder::fingerprint(&dir) != found {
            return;
        }
        follower.seen = found;
        match loaded.ring {
            Ok(ring) => follower.next = self.replace(ring),
            Err(problems) => {
                let problems = domain::Problem::join(&problems);
                tracing::error!(problems, "the keys have changed and are not usable: the old ones stay");
            }
        }
    }

    fn sign_next(&self, follower: &mut Follower) {
        match follower.next.take() {
            None => {}
            Some((signing, looks)) if looks > 1 => follower.next = Some((signing, looks - 1)),
            Some((signing, _)) => {
                tracing::info!(key = signing.key_id, "tokens are signed with the new key now");
                self.ring.store(self.ring.load().signed_by(signing).into());
            }
        }
    }

    /// Uses a ring. Gives the key that is to sign later, where another one signed until now.
    fn replace(&self, ring: KeyRing) -> Option<(Arc<Signing>, u8)> {
        tracing::info!(keys = ?ring, "the keys have changed");
        let old = self.ring.load();
        // The key that signed until now, where it still counts, and the one that is to follow it.
        let change = old.signing().zip(ring.signing()).filter(|(before, next)| {
            before.key_id != next.key_id && before.key_id.as_deref().is_some_and(|id| ring.knows(id))
        });
        let change = change.map(|(before, next)| (Arc::clone(before), Arc::clone(next)));
        let (now, later) = match change {
            None => (ring, None),
            Some((before, next)) => (ring.signed_by(before), Some((next, LOOKS_UNTIL_SIGNING))),
        };
        self.ring.store(now.into());
        // After the ring: whoever verified with the old one has read the old number.
        self.generation.fetch_add(1, Ordering::AcqRel);
        later
    }
}

/// Looks until the program stops.
pub(crate) async fn watch(engine: Engine) {
    if engine.settings().auth.jwt_keys_dir.is_none() {
        return;
    }
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let looking = engine.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || looking.token_keys().look()).await {
            tracing::error!(%error, "the keys could not be followed");
        }
    }
}

#[cfg(test)]
mod tests;
