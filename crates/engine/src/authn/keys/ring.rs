//! The keys that count at one moment. Immutable: a change makes another ring.
//!
//! A token that names a key (`kid`) is verified with that key and no other; one that names none, with each of
//! them. An unknown name is refused: it is compared with the names of keys in memory and opens nothing.

use std::sync::Arc;

use serde_json::json;

use super::{algorithm::Algorithm, jwk, signer::Signer, verifier::Verifier};

/// Keys of a ring at most; a token without `kid` is tried with each.
const MOST_KEYS: usize = 32;

/// A key and the names that tokens may call it by.
pub(crate) struct Key {
    pub(crate) names: Vec<String>,
    pub(crate) verifier: Verifier,
    /// Whether it is told to those who verify our tokens. Keys of other issuers are not ours to publish.
    pub(crate) published: bool,
}

impl Key {
    fn answers_to(&self, key_id: &str) -> bool {
        self.names.iter().any(|name| name == key_id)
    }
}

/// The key that signs, and the name that it writes into tokens.
pub(crate) struct Signing {
    pub(crate) key_id: Option<String>,
    pub(crate) signer: Signer,
}

/// The keys that count.
pub struct KeyRing {
    algorithm: Algorithm,
    keys: Arc<[Key]>,
    signing: Option<Arc<Signing>>,
    jwks: Arc<str>,
}

impl KeyRing {
    /// Puts keys together. Two keys of one name are refused, and so is a ring without any key.
    pub(crate) fn new(
        algorithm: Algorithm,
        keys: Vec<Key>,
        signing: Option<Signing>,
    ) -> Result<Self, String> {
        if keys.is_empty() {
            return Err("there is no key to verify tokens with".to_owned());
        }
        if keys.len() > MOST_KEYS {
            return Err(format!("there are {} keys; {MOST_KEYS} are the most", keys.len()));
        }
        let mut names: Vec<&str> = keys.iter().flat_map(|key| key.names.iter().map(String::as_str)).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
            return Err(format!("two keys are called {name:?}"));
        }
        let jwks = published(&keys).into();
        Ok(Self { algorithm, keys: keys.into(), signing: signing.map(Arc::new), jwks })
    }

    /// Verifying keys from a JWK or a JWK set, all of them for one algorithm.
    pub fn from_jwks(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        Self::new(algorithm, jwk::read(algorithm, text)?, None)
    }

    /// The one algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The JWK set that is published: public keys only, none of a shared secret.
    pub fn jwks(&self) -> &Arc<str> {
        &self.jwks
    }

    pub(crate) fn signing(&self) -> Option<&Arc<Signing>> {
        self.signing.as_ref()
    }

    /// The same keys with another one signing.
    pub(crate) fn signed_by(&self, signing: Arc<Signing>) -> Self {
        let (keys, jwks) = (Arc::clone(&self.keys), Arc::clone(&self.jwks));
        Self { algorithm: self.algorithm, keys, signing: Some(signing), jwks }
    }

    /// Whether a key of this name verifies.
    pub(crate) fn knows(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.answers_to(key_id))
    }

    /// Whether a key that the token may mean made the signature.
    pub(crate) fn verifies(&self, key_id: Option<&str>, message: &[u8], signature: &[u8]) -> bool {
        let meant = |key: &&Key| key_id.is_none_or(|wanted| key.answers_to(wanted));
        self.keys.iter().filter(meant).any(|key| key.verifier.verifies(message, signature))
    }
}

fn published(keys: &[Key]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .filter(|key| key.published)
        .filter_map(|key| jwk::published(&key.verifier, key.names.first().map_or("", String::as_str)))
        .collect();
    json!({ "keys": keys }).to_string()
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({}, {} keys)", self.algorithm.name(), self.keys.len())
    }
}
