//! What a caller came in with, as far as it has to be looked at again: on every request, while a stream is open, and
//! where a right hangs on the kind of credential.
//!
//! Ids and addresses are kept as the first half of their SHA-256, so that a hundred thousand of them are small.

use std::sync::Arc;

use domain::{Error, Result, Timestamp};

use super::{meter::Meter, sha256, token::Claims};
use crate::engine::Engine;

/// Half of a SHA-256. Two texts with the same one have not been found, and will not be.
pub(crate) type Key = [u8; 16];

/// The key of a text.
pub(crate) fn key_of(text: &str) -> Key {
    let mut key = [0; 16];
    key.copy_from_slice(&sha256(text.as_bytes())[..16]);
    key
}

/// What the caller's credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A person who logged in.
    Session,
    /// A program: tokens of the catalogue, of the command line and of older versions.
    Api,
    /// No token at all.
    Other,
}

/// A credential that was accepted.
#[derive(Debug)]
pub struct Credential {
    pub(crate) kind: Use,
    /// The `jti`.
    pub(crate) token: Option<Key>,
    /// Whose it is; absent for anonymous callers.
    pub(crate) person: Option<Key>,
    /// When it was issued, where tokens of its kind end with a new password.
    pub(crate) bound_since: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether it may be used from some places, at some times or a number of times only.
    pub(crate) restricted: bool,
    /// Counts its use, for tokens of the catalogue and those with usage limits.
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Credential {
    /// Of a caller without a token: anonymous, or vouched for by somebody else.
    pub(crate) fn without_token(email: Option<&str>) -> Self {
        Self {
            kind: Use::Other,
            token: None,
            person: email.map(key_of),
            bound_since: None,
            expires_at: None,
            restricted: false,
            meter: None,
        }
    }

    /// Of a verified token of `email`.
    pub(crate) fn of(claims: &Claims, email: Option<&str>) -> Self {
        let session = claims.token_use.as_deref() == Some("session");
        // Tokens that name a person by id are not inherited with the address; sessions end with the password.
        let bound = session || domain::id::UserId::parse(&claims.sub).is_none();
        Self {
            kind: if session { Use::Session } else { Use::Api },
            token: claims.jti.as_deref().map(key_of),
            person: email.map(key_of),
            bound_since: bound.then(|| Timestamp::from_seconds(claims.iat.unwrap_or(0))),
            expires_at: claims.exp.map(Timestamp::from_seconds),
            restricted: false,
            meter: None,
        }
    }

    /// Whether the caller came in as a person and not with a program's token: whoever holds such a token must not be
    /// able to make another one from it.
    pub fn is_interactive(&self) -> bool {
        self.kind != Use::Api && self.person.is_some()
    }

    /// Whether it may be used from some places, at some times or a number of times only.
    pub fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Counts its use, where that is counted.
    pub fn meter(&self) -> Option<&Arc<Meter>> {
        self.meter.as_ref()
    }

    /// Refuses it when it has ended: by time, by revocation, or with its person.
    pub(crate) fn still_counts(&self, engine: &Engine) -> Result<()> {
        if self.expires_at.is_some_and(|end| end <= engine.clock().now()) {
            return Err(Error::Unauthenticated("Invalid authentication credentials"));
        }
        engine.revocations().check(self).map(|_| ())
    }

    /// Ends when the credential ends. What answers for long, a stream above all, waits for it beside its own work:
    /// it is told within a second of what this process learns, and never later than a few seconds.
    #[crate::boxed]
    pub async fn ended(&self, engine: &Engine) -> Error {
        let mut news = engine.revocations().news();
        loop {
            // Seen before it is looked at: what comes in between wakes the next wait.
            news.borrow_and_update();
            if let Err(error) = self.still_counts(engine) {
                return error;
            }
            let left = self.expires_at.map_or(LOOK_AGAIN, |end| end.since(engine.clock().now()));
            tokio::select! {
                changed = news.changed() => if changed.is_err() { std::future::pending::<()>().await },
                () = tokio::time::sleep(left.min(LOOK_AGAIN).max(SHORTEST)) => {}
            }
        }
    }
}

/// How often the end of a stream's credential is looked for where nothing is heard.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(3);
const SHORTEST: std::time::Duration = std::time::Duration::from_millis(10);
