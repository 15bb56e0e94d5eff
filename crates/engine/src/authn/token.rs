//! JSON Web Tokens (RFC 7519): verified to typed claims, and minted.
//!
//! Verification is three steps, each in its own file: the compact form and its signature ([`compact`]), the types of
//! the claims ([`claims`]), and what they must say ([`rules`]). The keys are those of [`super::keys`] and can change
//! while the program runs; whoever remembers a verification remembers [`TokenKeys::generation`] with it. Which check
//! failed is logged at debug level and never told to the caller.
//!
//! Decisions where the sources differ. Tokens without `env` are accepted unless `REQUIRE_TOKEN_ENVIRONMENT` says
//! otherwise, as the contract promises. `exp`, `nbf` and `iat` are integers: ContextForge writes no others, and
//! everything that is not exactly that is refused. A `kid` that no key has refuses the token even where there is one
//! key only: a name that means nothing must not be passed over.

mod claims;
pub mod compact;
mod follow;
mod rules;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use domain::{Clock, Error, Result, Secret, Timestamp};

pub use self::claims::{Audience, Claims, Teams, TokenScopes, TokenUser};
pub(crate) use self::follow::watch;
use self::{follow::Follower, rules::Rules};
use crate::{
    authn::keys::{self, KeyRing},
    settings::{AuthSettings, Environment},
};

/// Verifies and mints tokens with the keys of the one configured algorithm.
pub struct TokenKeys {
    ring: ArcSwap<KeyRing>,
    generation: AtomicU64,
    follower: Mutex<Follower>,
    rules: Rules,
}

impl TokenKeys {
    /// Takes the keys that the settings name.
    pub fn new(settings: &AuthSettings, environment: Environment) -> Result<Self> {
        let follower = Follower::new(settings);
        let ring = keys::load(settings, environment).ring.map_err(Error::Invalid)?;
        Ok(Self {
            ring: ArcSwap::from_pointee(ring),
            generation: AtomicU64::new(0),
            follower: Mutex::new(follower),
            rules: Rules { settings: settings.clone(), environment },
        })
    }

    /// Verifies a token to its claims, or `Unauthenticated`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims> {
        let verified = compact::open(&self.ring.load(), token)
            .and_then(|payload| Claims::read(&payload))
            .and_then(|claims| self.rules.check(&claims, now).map(|()| claims));
        verified.map_err(|why| {
            tracing::debug!(why, "token refused");
            Error::Unauthenticated("Invalid authentication credentials")
        })
    }

    /// Signs claims. Issuer, audience, `iat`, a fresh `jti` and the environment are filled in where absent.
    pub fn mint(&self, mut claims: Claims, clock: &Clock) -> Result<Secret<String>> {
        let ring = self.ring.load();
        let signing = ring.signing().ok_or_else(|| {
            Error::Unavailable("no private key is configured, so that no token can be signed".to_owned())
        })?;
        let issued = clock.now().seconds();
        claims.iss.get_or_insert_with(|| self.rules.settings.jwt_issuer.clone());
        claims.aud.get_or_insert_with(|| Audience::One(self.rules.settings.jwt_audience.clone()));
        claims.iat.get_or_insert(issued);
        claims.jti.get_or_insert_with(new_token_id);
        if self.rules.settings.embed_environment {
            claims.env.get_or_insert_with(|| self.rules.environment.as_str().to_owned());
        }
        let payload = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let algorithm = ring.algorithm().name();
        let header = match &signing.key_id {
            None => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
            Some(key_id) => format!(r#"{{"alg":"{algorithm}","kid":"{key_id}","typ":"JWT"}}"#),
        };
        compact::seal(&header, &payload, |message| signing.signer.sign(message)).map(Secret::new)
    }

    /// Whether there is a private key.
    pub fn can_sign(&self) -> bool {
        self.ring.load().signing().is_some()
    }

    /// The JWK set for whoever verifies our tokens: public keys, none of a shared secret.
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(self.ring.load().jwks())
    }

    /// Moves whenever the keys change. Read it before [`TokenKeys::verify`]; what was verified under another
    /// generation does not count.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

/// A fresh `jti`.
pub fn new_token_id() -> String {
    domain::id::UserId::random().as_str().to_owned()
}

#[cfg(test)]
mod tests;
