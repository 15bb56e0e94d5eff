//! Coming in with a password, and one's own account.
//!
//! A password that has to be changed lets nobody in, over `/auth/login` as little as over `/auth/email/login` (the
//! Python gateway forgets it on the first). The way out needs no token: the change takes the address, the old
//! password and the new one (`change`). So there is no token that half counts.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Caller, Error, Result, Secret, person::User};
use serde_json::json;

use super::{
    recognise::recognise,
    session::{self, Session},
};
use crate::{
    audit::{self, Deed},
    engine::Engine,
};

/// How a login with the right password ends.
#[derive(Debug)]
pub enum Entry {
    /// In.
    Session(Box<Session>),
    /// The password has to be changed first.
    ChangeRequired,
}

/// Exchanges e-mail address and password for a session.
#[crate::boxed]
pub async fn login(engine: &Engine, caller: &Caller, email: &str, password: Secret<String>) -> Result<Entry> {
    let is_default = is_default(engine, &password);
    let user = recognise(engine, caller, email, password).await?;
    let settings = &engine.settings().people.passwords;
    let required = user.password_change_required || is_default || is_too_old(engine, &user);
    if settings.change_enforced && required {
        let details = json!({ "reason": "Password change required" });
        let deed = Deed::done("user.login_failed", "user", user.id.as_str()).with(details);
        let mut tx = engine.db().begin().await?;
        audit::record(engine, &mut tx, &user.email, caller, Deed { outcome: "denied", ..deed }).await?;
        tx.commit().await?;
        return Ok(Entry::ChangeRequired);
    }
    session::begin(engine, caller, user).await.map(|session| Entry::Session(Box::new(session)))
}

/// Whether it is the password that guides print, and that counts.
fn is_default(engine: &Engine, password: &Secret<String>) -> bool {
    let settings = &engine.settings().people.passwords;
    settings.detect_default && settings.change_default && *password == settings.default_password
}

fn is_too_old(engine: &Engine, user: &User) -> bool {
    let days = engine.settings().people.passwords.max_age_days;
    let age = Duration::from_secs(days.saturating_mul(24 * 60 * 60));
    days > 0 && user.password_changed_at.plus(age) <= engine.clock().now()
}

/// The actor's own account.
#[crate::boxed]
pub async fn myself(engine: &Engine, actor: &Arc<Actor>) -> Result<User> {
    let user = store::users::by_email(engine.db(), &actor.email).await?;
    user.ok_or(Error::Unauthenticated("Invalid authentication credentials"))
}
