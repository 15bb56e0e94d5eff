//! Argon2id (RFC 9106) in a bounded pool, so that a flood of logins cannot take all memory or both cores.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use domain::{Error, Result, Secret};
use tokio::sync::Semaphore;

use crate::settings::AccountSettings;

/// Hashes and checks passwords; at most two at a time.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// A hash that no password has: checked where no such user exists, so that the answer takes as long.
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
        let decoy = decoy(settings)?;
        Ok(Self { argon2, turns: Arc::new(Semaphore::new(2)), decoy: Arc::new(decoy) })
    }

    /// The PHC text of a password's hash.
    #[crate::boxed]
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>> {
        let argon2 = self.argon2.clone();
        self.in_turn(move || hash(&argon2, password.expose())).await
    }

    /// Whether the password is the one that was hashed. Without a hash it takes as long and is false.
    #[crate::boxed]
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

    /// Whether a hash was made with the cost that the settings say. One that was not takes longer or shorter to check
    /// than the decoy, which tells that there is an account.
    pub fn is_current(&self, stored: &Secret<String>) -> bool {
        let params =
            |text: &str| PasswordHash::new(text).ok().map(|hash| (hash.algorithm, hash.params.to_string()));
        params(stored.expose()) == params(self.decoy.expose())
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// Random bytes in the form of a hash with the cost of the settings. Checking it costs what any check costs; making
/// it costs nothing, because no password has to have it.
fn decoy(settings: &AccountSettings) -> Result<Secret<String>> {
    let mut bytes = [0_u8; 48];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("no random numbers"))?;
    let (salt, hash) = bytes.split_at(16);
    let (m, t, p) = (settings.argon2_memory_cost, settings.argon2_time_cost, settings.argon2_parallelism);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(Secret::new(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}")))
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<Secret<String>> {
    let hash = argon2
        .hash_password(password.as_bytes())
        .map_err(|_| Error::internal("a password could not be hashed"))?;
    Ok(Secret::new(hash.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_its_own_hashs_and_nobodys_is_none() {
        let vars = [("ARGON2ID_MEMORY_COST", "64"), ("ARGON2ID_TIME_COST", "1")];
        let mut env = domain::Env::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let settings = AccountSettings::read(&mut env).unwrap();
        let passwords = Passwords::new(&settings).unwrap();
        let secret = |text: &str| Secret::new(text.to_owned());
        let stored = passwords.hash(secret("right")).await.unwrap();
        assert!(passwords.verify(Some(stored.clone()), secret("right")).await.unwrap());
        assert!(!passwords.verify(Some(stored), secret("wrong")).await.unwrap());
        assert!(
            !passwords.verify(None, secret("right")).await.unwrap(),
            "the decoy parses and has no password"
        );
    }

    /// What Argon2id does is fixed by its parameters and by the lengths of salt and result, whatever the password: where
    /// all of these agree, an unknown address costs exactly what a wrong password costs.
    #[tokio::test]
    async fn an_unknown_person_costs_the_work_of_a_wrong_password() {
        let cheap = [("ARGON2ID_MEMORY_COST", "64"), ("ARGON2ID_TIME_COST", "1")];
        let other =
            [("ARGON2ID_MEMORY_COST", "128"), ("ARGON2ID_TIME_COST", "2"), ("ARGON2ID_PARALLELISM", "2")];
        for vars in [&cheap[..], &other[..]] {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let settings = AccountSettings::read(&mut domain::Env::new(vars)).unwrap();
            let passwords = Passwords::new(&settings).unwrap();
            let stored = passwords.hash(Secret::new("right".to_owned())).await.unwrap();
            let work = |text: &str| {
                let hash = PasswordHash::new(text).unwrap();
                let (salt, result) = (hash.salt.unwrap(), hash.hash.unwrap());
                let params = hash.params.to_string();
                (hash.algorithm.to_string(), hash.version, params, salt.len(), result.len())
            };
            assert_eq!(work(stored.expose()), work(passwords.decoy.expose()));
            let m = settings.argon2_memory_cost;
            assert!(stored.expose().contains(&format!("m={m},")), "the settings count");
            let dearer = stored.expose().replace(&format!("m={m},"), "m=4096,");
            assert!(passwords.is_current(&stored) && !passwords.is_current(&Secret::new(dearer)));
        }
    }
}
