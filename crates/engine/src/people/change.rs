//! New passwords, whoever sets them: the rules, the former passwords, and the end of every session.

use std::sync::Arc;

use domain::{Actor, Caller, Error, Result, Secret, Timestamp, person::User};

use super::{
    accounts, login,
    password_rules::{self, Rules},
    recognise::{Tries, note_failure, recognise},
};
use crate::{
    audit::{self, Deed},
    engine::Engine,
};

/// Changes the actor's own password, which takes the old one. Ends every session, this one included.
#[crate::boxed]
pub async fn change_password(
    engine: &Engine,
    actor: &Arc<Actor>,
    caller: &Caller,
    (old, new): (Secret<String>, Secret<String>),
) -> Result<()> {
    const WRONG: Error = Error::Unauthenticated("Current password is incorrect");
    let user = login::myself(engine, actor).await?;
    if user.locked_until.is_some_and(|until| until > engine.clock().now()) {
        return Err(WRONG);
    }
    // Limited and counted as a login: a stolen session must not be a way to guess the password, and administrators are
    // not locked out.
    let tries = Tries::take(engine, caller, &user.email)?;
    if !engine.passwords().verify(Some(user.password_hash.clone()), old).await? {
        note_failure(engine, caller, &user, false, Some(engine.clock().now())).await?;
        return Err(WRONG);
    }
    tries.give_back(engine);
    change_own(engine, caller, &user, new).await
}

/// Changes the password of whoever knows it, without a session: for those whose login waits for the change. Fails
/// as a login does.
#[crate::boxed]
pub async fn change_password_of(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    (old, new): (Secret<String>, Secret<String>),
) -> Result<()> {
    let user = recognise(engine, caller, email, old).await?;
    change_own(engine, caller, &user, new).await
}

async fn change_own(engine: &Engine, caller: &Caller, user: &User, new: Secret<String>) -> Result<()> {
    let hash = new_hash(engine, Some(user), (&user.email, user.is_admin), new).await?;
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("user.password_change", "user", user.id.as_str());
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    // Read again: hashing takes its time, and another change must not be undone by the row as it was before.
    let mut user = accounts::current(&mut tx, &user.email).await?;
    replace(engine, &mut tx, &mut user, hash).await?;
    user.password_change_required = false;
    store::users::update(&mut tx, &user).await?;
    super::commit(engine, tx).await
}

/// Holds a new password against the rules, and against the present and former ones of the account where there is
/// one; gives its hash.
pub(super) async fn new_hash(
    engine: &Engine,
    user: Option<&User>,
    (email, is_admin): (&str, bool),
    password: Secret<String>,
) -> Result<Secret<String>> {
    let (accounts, passwords) = (&engine.settings().accounts, &engine.settings().people.passwords);
    password_rules::check(Rules { accounts, passwords }, email, is_admin, password.expose())?;
    if let Some(user) = user.filter(|_| passwords.prevent_reuse && passwords.policy_enabled) {
        let former = store::passwords::former(engine.db(), &user.id, passwords.history_count.into()).await?;
        for hash in std::iter::once(user.password_hash.clone()).chain(former) {
            if engine.passwords().verify(Some(hash), password.clone()).await? {
                let count = passwords.history_count;
                return Err(Error::Refused(format!(
                    "Password was used recently; it must differ from the last {count} passwords"
                )));
            }
        }
    }
    engine.passwords().hash(password).await
}

/// Puts the hash in place of the old one, which is kept to be compared with, and ends every session and every link.
/// The row is the caller's to store.
pub(super) async fn replace(
    engine: &Engine,
    tx: &mut store::Tx,
    user: &mut User,
    hash: Secret<String>,
) -> Result<()> {
    let now = engine.clock().now();
    let keep = engine.settings().people.passwords.history_count.into();
    store::passwords::keep(tx, &user.id, &user.password_hash, now, keep).await?;
    store::passwords::end_resets(tx, &user.id).await?;
    end_sessions(tx, &user.email, now).await?;
    user.password_hash = hash;
    (user.password_changed_at, user.updated_at) = (now, now);
    Ok(())
}

/// Lets sessions count only if they begin after now. Tokens know whole seconds, so this is the next one, and the one
/// after that where sessions were ended in this second already: those that began since are dated ahead (`session`).
pub(super) async fn end_sessions(tx: &mut store::Tx, email: &str, now: Timestamp) -> Result<()> {
    let before = store::sessions::valid_after_in(tx, email).await?;
    let second = now.seconds().max(before.map_or(i64::MIN, Timestamp::seconds)) + 1;
    store::tokens::set_valid_after(tx, email, Timestamp::from_seconds(second)).await.map(|_| ())
}
