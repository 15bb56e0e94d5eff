//! From a credential to an [`Actor`].
//!
//! The hot path is one hash and one look-up: a verified token is remembered under its SHA-256 until it ends or
//! until something about it, its person or identities as a whole changes. What ends credentials is known in memory
//! ([`revocation`]) and checked on every request, as are the token's own restrictions ([`restrictions`]). A database
//! that does not answer is 503, never 401: remembered tokens go on for as long as [`revocation`] allows.

mod credential;
pub mod keys;
mod lookup;
mod meter;
pub mod password;
pub(crate) mod restrictions;
pub(crate) mod revocation;
mod scope;
pub mod token;

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::digest;
use domain::{Actor, Error, Result, Timestamp};

#[cfg(test)]
pub(crate) use self::scope::cap;
pub use self::{
    credential::{Credential, Use},
    meter::Meter,
    revocation::standing::FailMode,
};
pub(crate) use self::{
    lookup::resolve,
    meter::{Meters, hour_of, write as write_usage},
    restrictions::problems as restriction_problems,
    scope::{assemble, hexadecimal},
};
use crate::{
    authn::restrictions::Restrictions,
    engine::Engine,
    policy::{self, Question},
};

/// Who stands for callers without a credential. No e-mail address looks like this.
pub const ANONYMOUS: &str = "anonymous";

/// How long the database may take to say whose a token is.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a request brought along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The bearer token, without the word `Bearer`.
    pub bearer: Option<&'a str>,
    /// The client's address, for tokens that are limited to some.
    pub ip: Option<IpAddr>,
    /// Whether it came to an MCP endpoint, for which anonymous callers have a setting of their own.
    pub mcp: bool,
}

/// Who was let in, and on what.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who.
    pub actor: Arc<Actor>,
    /// On what: to be asked again by whatever takes long.
    pub credential: Arc<Credential>,
}

/// A remembered verification.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    admitted: Admitted,
    restrictions: Arc<Restrictions>,
    /// When the person's rights change by themselves.
    changes_at: Option<Timestamp>,
    /// The identity sequence, and the number of the last revocation, before it was read.
    seen: (i64, i64),
    /// A token of a key that counts no longer does not either.
    keys: u64,
}

/// Remembers verified tokens by their SHA-256.
pub(crate) type ActorCache = moka::sync::Cache<[u8; 32], Remembered>;

/// Says who is asking, or `Unauthenticated`, or `Forbidden` where the token itself forbids the request, or
/// `Unavailable` where nobody can say.
#[crate::boxed]
pub async fn authenticate<'a>(engine: &'a Engine, credentials: Credentials<'a>) -> Result<Admitted> {
    let Some(bearer) = credentials.bearer else {
        return anonymous(engine, credentials.mcp);
    };
    let key = sha256(bearer.as_bytes());
    let now = engine.clock().now();
    let keys = engine.token_keys().generation();
    let known = engine.actors().get(&key).filter(|known| known.keys == keys && known.lives(now));
    if let Some(known) = &known {
        let changed = engine.revocations().check(&known.admitted.credential)?;
        engine.revocations().standing.admits()?;
        if known.seen.0 == engine.identity_seq() && changed <= known.seen.1 && known.is_settled(now) {
            return known.admit(credentials.ip, now);
        }
    }
    match verify(engine, bearer, &key, now).await {
        Ok(fresh) => {
            engine.actors().insert(key, fresh.clone());
            fresh.admit(credentials.ip, now)
        }
        Err(Error::Unavailable(cause)) => match known.filter(|known| known.is_tolerable(engine, now)) {
            Some(known) => known.admit(credentials.ip, now),
            None => Err(Error::Unavailable(cause)),
        },
        Err(refused) => {
            // What was read before is not to be fallen back on later.
            engine.actors().invalidate(&key);
            Err(refused)
        }
    }
}

fn anonymous(engine: &Engine, mcp: bool) -> Result<Admitted> {
    let auth = &engine.settings().auth;
    if auth.mcp_required.filter(|_| mcp).unwrap_or(auth.required) {
        return Err(Error::Unauthenticated("Authorization token required"));
    }
    let credential = Arc::new(Credential::without_token(None));
    Ok(Admitted { actor: Arc::new(scope::anonymous()), credential })
}

async fn verify(engine: &Engine, bearer: &str, key: &[u8; 32], now: Timestamp) -> Result<Remembered> {
    let keys = engine.token_keys().generation();
    let claims = engine.token_keys().verify(bearer, now)?;
    // What is known to be revoked is refused whether the database answers or not.
    engine.revocations().check(&Credential::of(&claims, None))?;
    engine.revocations().standing.admits()?;
    // Before the rows: what changes in between makes the next request read them again.
    let seen = (engine.identity_seq(), engine.revocations().seq());
    let late = |_| Error::Unavailable("database: it took too long to say whose a token is".to_owned());
    let found = tokio::time::timeout(PATIENCE, resolve(engine, claims, key)).await.map_err(late)??;
    engine.revocations().check(&found.credential)?;
    let admitted = Admitted { actor: Arc::new(found.actor), credential: Arc::new(found.credential) };
    let (restrictions, changes_at) = (Arc::new(found.restrictions), found.changes_at);
    Ok(Remembered { admitted, restrictions, changes_at, seen, keys })
}

impl Remembered {
    /// Whether the token has not ended by itself.
    fn lives(&self, now: Timestamp) -> bool {
        self.admitted.actor.expires_at.is_none_or(|end| end > now)
    }

    /// Whether the person's rights are still those that were read.
    fn is_settled(&self, now: Timestamp) -> bool {
        self.changes_at.is_none_or(|at| at > now)
    }

    /// Whether what was read may be used although it cannot be read again: nothing is known to have changed for this
    /// token and its person, and what changed for everybody did so not long ago.
    fn is_tolerable(&self, engine: &Engine, now: Timestamp) -> bool {
        let changed = engine.revocations().check(&self.admitted.credential);
        changed.is_ok_and(|changed| changed <= self.seen.1)
            && self.is_settled(now)
            && engine.revocations().standing.tolerates(self.seen.0)
    }

    /// Checks and counts what a token is limited to.
    fn admit(&self, ip: Option<IpAddr>, now: Timestamp) -> Result<Admitted> {
        let meter = self.admitted.credential.meter();
        if let Err(restriction) = self.restrictions.check(ip, now) {
            if let Some(meter) = meter {
                meter.refused(now);
            }
            let question = Question { restriction: Some(restriction), ..Question::default() };
            policy::check(&self.admitted.actor, &question)?;
        }
        if let Some(meter) = meter {
            meter.admit(self.restrictions.usage, now)?;
        }
        Ok(self.admitted.clone())
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}
