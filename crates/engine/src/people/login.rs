//! Coming in with a password, and what people do with their own account.
//!
//! Every failed login looks and lasts the same: the text is one, a password is hashed even where there is no such
//! account, and the answer waits until a floor has passed.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Caller, Error, Result, Secret, Timestamp, person::User};
use serde_json::json;
use store::tokens::Revocation;

use super::{accounts, password_rules};
use crate::{
    audit::{self, Deed},
    authn::token::{Claims, TokenScopes},
    engine::Engine,
};

const FAILED: Error = Error::Unauthenticated("Invalid email or password");

/// What a login gives.
#[derive(Debug)]
pub struct Session {
    /// The session token.
    pub token: Secret<String>,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// Who came in.
    pub user: User,
}

/// Exchanges e-mail address and password for a session.
pub async fn login(
    engine: &Engine,
    caller: &Caller,
    email: &str,
    password: Secret<String>,
) -> Result<Session> {
    let floor = Duration::from_millis(engine.settings().accounts.failed_login_floor_ms);
    let earliest = tokio::time::Instant::now() + floor;
    let session = attempt(engine, caller, email, password).await;
    if matches!(session, Err(Error::Unauthenticated(_))) {
        tokio::time::sleep_until(earliest).await;
    }
    session
}

async fn attempt(engine: &Engine, caller: &Caller, email: &str, password: Secret<String>) -> Result<Session> {
    let user = match domain::name::email("email", email) {
        Ok(address) => store::users::by_email(engine.db(), &address).await?,
        Err(_) => None,
    };
    if password.expose().len() > password_rules::MAX_LENGTH {
        return Err(FAILED);
    }
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let right = engine.passwords().verify(stored, password).await?;
    let Some(user) = user else {
        note_stranger(engine, caller, email).await?;
        return Err(FAILED);
    };
    let now = engine.clock().now();
    let locked = user.locked_until.is_some_and(|until| until > now);
    if right && !locked && user.is_active {
        return enter(engine, caller, user, now).await;
    }
    // A locked account counts no further tries: it would stay locked for as long as somebody keeps trying.
    note_failure(engine, caller, &user, right, (!right && !locked).then_some(now)).await?;
    Err(FAILED)
}

async fn enter(engine: &Engine, caller: &Caller, mut user: User, now: Timestamp) -> Result<Session> {
    let minutes = u64::from(engine.settings().auth.token_expiry);
    let mut claims = session_claims(&user, now.plus(Duration::from_secs(minutes * 60)));
    // After a new password in this very second: older sessions are told apart by a later date.
    let valid_after = store::tokens::valid_after(engine.db(), &user.email).await?;
    claims.iat = Some(valid_after.map_or(now, |after| after.max(now)).seconds());
    let token = engine.token_keys().mint(claims, engine.clock())?;
    let mut tx = engine.db().begin().await?;
    store::users::note_login(&mut tx, &user.id, now).await?;
    audit::record(engine, &mut tx, &user.email, caller, Deed::done("user.login", "user", user.id.as_str()))
        .await?;
    tx.commit().await?;
    (user.failed_login_attempts, user.locked_until, user.last_login) = (0, None, Some(now));
    Ok(Session { token, expires_in: minutes * 60, user })
}

/// The claims of a session: who, and nothing of what they may do, which is looked up.
fn session_claims(user: &User, expires: Timestamp) -> Claims {
    Claims {
        sub: user.id.as_str().to_owned(),
        exp: Some(expires.seconds()),
        token_use: Some("session".to_owned()),
        scopes: Some(TokenScopes { permissions: vec!["*".to_owned()], ..TokenScopes::default() }),
        ..Claims::default()
    }
}

/// Records a failed login, and counts it where `counted` says since when.
async fn note_failure(
    engine: &Engine,
    caller: &Caller,
    user: &User,
    right: bool,
    counted: Option<Timestamp>,
) -> Result<()> {
    let accounts = &engine.settings().accounts;
    let mut tx = engine.db().begin().await?;
    let mut locked = false;
    if let Some(now) = counted {
        let attempts = store::users::note_failed_login(&mut tx, &user.id).await?;
        locked = attempts >= accounts.max_failed_logins;
        if locked {
            let until = now.plus(Duration::from_secs(accounts.lockout_minutes.saturating_mul(60)));
            store::users::set_lock(&mut tx, &user.id, Some(until)).await?;
        }
    }
    let reason = match (user.is_active, right) {
        (false, _) => "account is inactive",
        (true, true) => "account is locked",
        (true, false) => "wrong password",
    };
    let details = json!({ "reason": reason, "locks": locked });
    let deed =
        Deed { outcome: "denied", ..Deed::done("user.login_failed", "user", user.id.as_str()).with(details) };
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    tx.commit().await
}

async fn note_stranger(engine: &Engine, caller: &Caller, given: &str) -> Result<()> {
    // Whatever was typed is not repeated: it may be a password in the wrong field.
    let named = domain::name::email("email", given).unwrap_or_else(|_| "anonymous".to_owned());
    let deed = Deed::done("user.login_failed", "user", "").with(json!({ "reason": "no such account" }));
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &named, caller, Deed { outcome: "denied", ..deed }).await?;
    tx.commit().await
}

/// The actor's own account.
pub async fn myself(engine: &Engine, actor: &Arc<Actor>) -> Result<User> {
    let user = store::users::by_email(engine.db(), &actor.email).await?;
    user.ok_or(Error::Unauthenticated("Invalid authentication credentials"))
}

/// Revokes the token that the actor came in with. Gives its id, where it has one.
pub async fn logout(engine: &Engine, actor: &Arc<Actor>, caller: &Caller) -> Result<Option<String>> {
    let Some(token_id) = actor.token_id.clone() else { return Ok(None) };
    let mut tx = engine.db().begin().await?;
    let revocation = Revocation {
        jti: &token_id,
        email: &actor.email,
        at: engine.clock().now(),
        expires_at: actor.expires_at,
        reason: Some("logout"),
    };
    store::tokens::revoke(&mut tx, &revocation).await?;
    audit::record(engine, &mut tx, &actor.email, caller, Deed::done("user.logout", "token", &token_id))
        .await?;
    crate::authn::revocation::sync::commit(engine, tx).await?;
    Ok(Some(token_id))
}

/// Changes the actor's own password, which takes the old one. Ends every session, this one included.
pub async fn change_password(
    engine: &Engine,
    actor: &Arc<Actor>,
    caller: &Caller,
    (old, new): (Secret<String>, Secret<String>),
) -> Result<()> {
    const WRONG: Error = Error::Unauthenticated("Current password is incorrect");
    let user = myself(engine, actor).await?;
    if user.locked_until.is_some_and(|until| until > engine.clock().now()) {
        return Err(WRONG);
    }
    if !engine.passwords().verify(Some(user.password_hash.clone()), old).await? {
        // Counted as a failed login: a stolen session must not be a way to guess the password.
        note_failure(engine, caller, &user, false, Some(engine.clock().now())).await?;
        return Err(WRONG);
    }
    password_rules::check(&engine.settings().accounts, &user.email, user.is_admin, new.expose())?;
    let hash = engine.passwords().hash(new).await?;
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("user.password_change", "user", user.id.as_str());
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    // Read again: hashing takes its time, and another change must not be undone by the row as it was before.
    let mut user = accounts::current(&mut tx, &user.email).await?;
    user.password_hash = hash;
    user.password_change_required = false;
    user.updated_at = engine.clock().now();
    store::users::update(&mut tx, &user).await?;
    store::tokens::set_valid_after(&mut tx, &user.email, user.updated_at).await?;
    super::commit(engine, tx).await
}

#[cfg(test)]
mod tests {
    use domain::id::UserId;

    use super::*;

    #[test]
    fn a_session_names_its_person_and_nothing_else() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let user = User {
            id: UserId::random(),
            email: "a@b.c".to_owned(),
            full_name: None,
            password_hash: Secret::new(String::new()),
            is_admin: true,
            is_active: true,
            password_change_required: false,
            failed_login_attempts: 0,
            locked_until: None,
            last_login: None,
            created_at: now,
            updated_at: now,
        };
        let claims = serde_json::to_value(session_claims(&user, now)).unwrap();
        let keys: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["exp", "scopes", "sub", "token_use"], "{claims}");
        assert_eq!(claims["scopes"]["permissions"], json!(["*"]));
    }
}
