//! Who comes with an address and a password.
//!
//! Every failure looks and lasts the same: the text is one, a password is hashed even where there is no such
//! account, and the answer waits until a floor has passed. Only whoever knows the password learns anything about the
//! account. Too many failures, for one account or from one client, are refused before anything is hashed.

use std::time::Duration;

use domain::{Caller, Error, Result, Secret, Timestamp, person::User};
use serde_json::json;

use super::{
    outbox::{Letter, Subject},
    password_rules,
};
use crate::{
    audit::{self, Deed},
    engine::Engine,
};

const FAILED: Error = Error::Unauthenticated("Invalid email or password");

/// The account of an address and its password.
pub(super) async fn recognise(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    password: Secret<String>,
) -> Result<User> {
    let floor = Duration::from_millis(engine.settings().accounts.failed_login_floor_ms);
    let earliest = tokio::time::Instant::now() + floor;
    let tries = Tries::take(engine, caller, email)?;
    let user = attempt(engine, caller, email, password).await;
    match &user {
        Err(Error::Unauthenticated(_)) => tokio::time::sleep_until(earliest).await,
        // Only failures count.
        _ => tries.give_back(engine),
    }
    user
}

/// One try, by account and by client.
pub(super) struct Tries {
    keys: Vec<String>,
}

impl Tries {
    /// Takes it, or says how long to wait. Whether there is such an account makes no difference.
    pub(super) fn take(engine: &Engine, caller: &Caller, email: &str) -> Result<Self> {
        let address: String = email.trim().to_lowercase().chars().take(255).collect();
        let mut taken = Self { keys: Vec::new() };
        for key in [format!("account:{address}"), caller.client_key()] {
            if let Err(limited) = engine.people().logins.take(&key, engine.clock().now()) {
                taken.give_back(engine);
                return Err(limited);
            }
            taken.keys.push(key);
        }
        Ok(taken)
    }

    /// Gives it back: it was no failure.
    pub(super) fn give_back(self, engine: &Engine) {
        self.keys.iter().for_each(|key| engine.people().logins.give_back(key));
    }
}

async fn attempt(engine: &Engine, caller: &Caller, email: &str, password: Secret<String>) -> Result<User> {
    let user = match domain::name::email("email", email) {
        Ok(address) => store::users::by_email(engine.db(), &address).await?,
        Err(_) => None,
    };
    if password.expose().len() > password_rules::MAX_LENGTH {
        return Err(FAILED);
    }
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let right = engine.passwords().verify(stored, password.clone()).await?;
    let Some(user) = user else {
        note_stranger(engine, caller, email).await?;
        return Err(FAILED);
    };
    let now = engine.clock().now();
    let locked = user.locked_until.is_some_and(|until| until > now);
    if right && !locked && user.is_active {
        if !engine.passwords().is_current(&user.password_hash) {
            renew(engine, caller, &user, password).await?;
        }
        return Ok(user);
    }
    // A locked account counts no further tries: it would stay locked for as long as somebody keeps trying.
    note_failure(engine, caller, &user, right, (!right && !locked).then_some(now)).await?;
    Err(FAILED)
}

/// Hashes a password anew that was hashed at another cost, so that trying it takes as long as trying any other.
async fn renew(engine: &Engine, caller: &Caller, user: &User, password: Secret<String>) -> Result<()> {
    let hash = engine.passwords().hash(password).await?;
    let mut tx = engine.db().begin().await?;
    store::users::renew_hash(&mut tx, user, &hash).await?;
    let deed = Deed::done("user.password_rehash", "user", user.id.as_str());
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    tx.commit().await
}

/// Records a failed login, and counts it where `counted` says since when.
pub(super) async fn note_failure(
    engine: &Engine,
    caller: &Caller,
    user: &User,
    right: bool,
    counted: Option<Timestamp>,
) -> Result<()> {
    let accounts = &engine.settings().accounts;
    let lockable = !(user.is_admin && engine.settings().people.entry.protect_admins);
    let mut tx = engine.db().begin().await?;
    let mut locked = false;
    if let Some(now) = counted {
        let attempts = store::users::note_failed_login(&mut tx, &user.id).await?;
        locked = lockable && attempts >= accounts.max_failed_logins;
        if locked {
            let until = now.plus(Duration::from_secs(accounts.lockout_minutes.saturating_mul(60)));
            store::users::set_lock(&mut tx, &user.id, Some(until)).await?;
        }
    }
    let reason = match (user.is_active, right) {
        (false, _) => "Account is inactive",
        (true, true) => "Account is locked",
        (true, false) => "Invalid password",
    };
    let details = json!({ "reason": reason, "locks": locked });
    let deed = Deed::done("user.login_failed", "user", user.id.as_str()).with(details);
    audit::record(engine, &mut tx, &user.email, caller, Deed { outcome: "denied", ..deed }).await?;
    tx.commit().await?;
    if locked {
        tell_locked(engine, caller, user);
    }
    Ok(())
}

/// Tells the owner of an account that it is locked, once for each lock.
fn tell_locked(engine: &Engine, caller: &Caller, user: &User) {
    let (outbox, accounts) = (&engine.people().outbox, &engine.settings().accounts);
    if !(accounts.lockout_notification && outbox.is_open()) {
        return;
    }
    let text = format!(
        "There were {} failed logins to the account {}. It is locked for {} minutes.\n\nIf it was you, wait, or reset \
         the password. If it was not you, somebody tries to guess the password: tell your administrator.\n",
        accounts.max_failed_logins, user.email, accounts.lockout_minutes
    );
    let about = Subject {
        action: "user.lockout_mail",
        kind: "user",
        id: user.id.as_str().to_owned(),
        details: json!({}),
    };
    let (to, text) = (user.email.clone(), Secret::new(text));
    let letter = Letter { to, subject: "Your account is locked", text, about };
    if let Err(error) = outbox.post(engine, caller, letter) {
        tracing::warn!(%error, "the owner of a locked account is not told");
    }
}

/// Records a failed login without an account.
pub(super) async fn note_stranger(engine: &Engine, caller: &Caller, given: &str) -> Result<()> {
    // Whatever was typed is not repeated: it may be a password in the wrong field.
    let named = domain::name::email("email", given).unwrap_or_else(|_| "anonymous".to_owned());
    let deed = Deed::done("user.login_failed", "user", "").with(json!({ "reason": "User not found" }));
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &named, caller, Deed { outcome: "denied", ..deed }).await?;
    tx.commit().await
}
