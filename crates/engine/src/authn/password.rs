//! Argon2id (RFC 9106) in a bounded pool, so that a flood of logins cannot take all memory or both cores.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};
use domain::{Error, Result, Secret};
use tokio::sync::Semaphore;

use crate::settings::AccountSettings;

/// Hashes and checks passwords; at most two at a time.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Hash of a random password: checked where no such user exists, so that the answer takes as long.
    decoy: Arc<Secret<String>>,
}

impl Passwords {
    /// With the cost of the settings.
    pub fn new(settings: &AccountSettings) -> Result<Self> {
        let params = Params::new(
            settings.argon2_memory_cost,
            settings.argon2_time_cost,
            settings.argon2_parallelism,
            None,
        )
        .map_err(|error| Error::invalid("ARGON2ID_MEMORY_COST", error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, domain::id::UserId::random().as_str())?;
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(2)), decoy: Arc::new(decoy) })
    }

    /// The PHC text of a password's hash.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, password.expose())).await
    }

    /// Whether the password is the one that was hashed. Without a hash it takes as long and is false.
    pub async fn verify(&self, stored: Option<Secret<String>>, password: Secret<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let decoy = Arc::clone(&self.decoy);
        self.in_turn(move || {
            let known = stored.is_some();
            let text = stored.as_ref().unwrap_or(&decoy).expose();
            let parsed = PasswordHash::new(text)
                .map_err(|_| Error::internal("a stored password hash is malformed"))?;
            Ok(argon2.verify_password(password.expose().as_bytes(), &parsed).is_ok() && known)
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<Secret<String>> {
    let hash = argon2
        .hash_password(password.as_bytes())
        .map_err(|_| Error::internal("a password could not be hashed"))?;
    Ok(Secret::new(hash.to_string()))
}
