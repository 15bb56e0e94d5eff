//! Credentials that have ended, in memory: exact, never asked of the database on a request.
//!
//! Every row that ends or changes a credential has a number (`store::tokens`). A process reads what is above the last
//! number it has seen, after every change of its own before that is answered, when the bus says so, and twice in
//! `AUTH_REVOCATION_SYNC_INTERVAL` in any case ([`sync`]). How long that may fail, and what then, is [`standing`].
//!
//! A hundred thousand revoked ids take about 4 MiB.

pub(crate) mod standing;
pub(crate) mod sync;

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use domain::{Error, Result, Timestamp};
use store::tokens::Changes;
use tokio::sync::watch;

use self::standing::Standing;
use super::credential::{Credential, Key, key_of};
use crate::settings::AuthSettings;

const REVOKED: Error = Error::Unauthenticated("Token has been revoked");
const DISABLED: Error = Error::Unauthenticated("Account disabled");
const OUTLIVED: Error = Error::Unauthenticated("Invalid authentication credentials");

/// What is known of credentials that ended or changed.
#[derive(Debug)]
pub(crate) struct Revocations {
    known: RwLock<Known>,
    news: watch::Sender<i64>,
    pub(crate) standing: Standing,
}

#[derive(Debug, Default)]
struct Known {
    /// The number up to which everything is known.
    seq: i64,
    /// Revoked tokens, and the second in which they would have ended anyway.
    revoked: HashMap<Key, i64>,
    people: HashMap<Key, Person>,
    tokens: HashMap<Key, Token>,
}

#[derive(Debug, Clone, Copy)]
struct Person {
    seq: i64,
    valid_after: Timestamp,
    disabled: bool,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    seq: i64,
    is_active: bool,
}

impl Revocations {
    pub(crate) fn new(settings: &AuthSettings) -> Self {
        Self { known: RwLock::default(), news: watch::Sender::new(0), standing: Standing::new(settings) }
    }

    /// Refuses a credential that has ended. Gives the number of the last change of its token or its person: what was
    /// read before that has to be read again.
    pub(crate) fn check(&self, credential: &Credential) -> Result<i64> {
        let known = self.read();
        let mut changed = 0;
        if let Some(token) = &credential.token {
            if known.revoked.contains_key(token) {
                return Err(REVOKED);
            }
            if let Some(mark) = known.tokens.get(token) {
                if !mark.is_active {
                    return Err(REVOKED);
                }
                changed = mark.seq;
            }
        }
        if let Some(mark) = credential.person.as_ref().and_then(|person| known.people.get(person)) {
            if mark.disabled {
                return Err(DISABLED);
            }
            if credential.bound_since.is_some_and(|since| since < mark.valid_after) {
                return Err(OUTLIVED);
            }
            changed = changed.max(mark.seq);
        }
        Ok(changed)
    }

    /// The number up to which everything is known.
    pub(crate) fn seq(&self) -> i64 {
        self.read().seq
    }

    /// Changes whenever something is learnt.
    pub(crate) fn news(&self) -> watch::Receiver<i64> {
        self.news.subscribe()
    }

    /// Takes in what was read; everything up to `seq` is known then. Rows may come twice.
    pub(crate) fn learn(&self, seq: i64, changes: Changes) {
        let mut known = self.write();
        for (jti, end) in changes.revoked {
            known.revoked.insert(key_of(&jti), end.map_or(i64::MAX, Timestamp::seconds));
        }
        for mark in changes.people {
            let (seq, valid_after, disabled) = (mark.seq, mark.valid_after, mark.disabled);
            let entry = known.people.entry(key_of(&mark.email));
            entry
                .and_modify(|old| {
                    if old.seq <= seq {
                        *old = Person { seq, valid_after, disabled }
                    }
                })
                .or_insert(Person { seq, valid_after, disabled });
        }
        for mark in changes.tokens {
            let new = Token { seq: mark.seq, is_active: mark.is_active };
            let entry = known.tokens.entry(key_of(&mark.jti));
            entry
                .and_modify(|old| {
                    if old.seq <= new.seq {
                        *old = new;
                    }
                })
                .or_insert(new);
        }
        known.seq = known.seq.max(seq);
        let seq = known.seq;
        drop(known);
        self.news.send_replace(seq);
    }

    /// Forgets revoked tokens that ended by themselves before `now`.
    pub(crate) fn forget_ended(&self, now: Timestamp) {
        let mut known = self.write();
        known.revoked.retain(|_, end| *end > now.seconds());
        known.revoked.shrink_to_fit();
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
