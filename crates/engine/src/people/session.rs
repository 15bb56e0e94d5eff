//! Sessions: made by a login, continued by a refresh, ended by a logout.
//!
//! A session names its person and nothing of what they may do, which is looked up with every request. A refresh
//! gives a token that reaches what the old one reached, revokes the old one in the same transaction, and never
//! takes a session beyond its longest lifetime.

use std::{sync::Arc, time::Duration};

use domain::{Actor, Caller, Error, Result, Secret, Timestamp, person::User};
use store::tokens::Revocation;

use crate::{
    audit::{self, Deed},
    authn::{
        revocation,
        token::{Claims, TokenScopes, new_token_id},
    },
    engine::Engine,
};

/// What a login gives.
#[derive(Debug)]
pub struct Session {
    /// The session token.
    pub token: Secret<String>,
    /// The token's id, which tokens against forged requests are bound to.
    pub token_id: String,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who came in.
    pub user: User,
}

/// Begins a session of somebody who was recognised.
pub(super) async fn begin(engine: &Engine, caller: &Caller, mut user: User) -> Result<Session> {
    let now = engine.clock().now();
    // Sessions of the second in which all others were ended must be told from those: they count from the next.
    let floor = store::tokens::valid_after(engine.db(), &user.email).await?;
    let issued = now.seconds().max(floor.map_or(i64::MIN, Timestamp::seconds));
    let ends = now.plus(lifetime(engine));
    let session = sign(engine, claims_of(&user, issued), ends, now, user.clone())?;
    let mut tx = engine.db().begin().await?;
    store::users::note_login(&mut tx, &user.id, now).await?;
    let deed = Deed::done("user.login", "user", user.id.as_str());
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    tx.commit().await?;
    (user.failed_login_attempts, user.locked_until, user.last_login) = (0, None, Some(now));
    Ok(Session { user, ..session })
}

fn lifetime(engine: &Engine) -> Duration {
    Duration::from_secs(u64::from(engine.settings().auth.token_expiry) * 60)
}

fn sign(engine: &Engine, claims: Claims, ends: Timestamp, now: Timestamp, user: User) -> Result<Session> {
    let token_id = new_token_id();
    let claims = Claims { jti: Some(token_id.clone()), exp: Some(ends.seconds()), ..claims };
    let token = engine.token_keys().mint(claims, engine.clock())?;
    let expires_at = Timestamp::from_seconds(ends.seconds());
    Ok(Session { token, token_id, expires_in: ends.since(now).as_secs(), expires_at, user })
}

/// The claims of a new session: who, and nothing of what they may do.
fn claims_of(user: &User, issued: i64) -> Claims {
    Claims {
        sub: user.id.as_str().to_owned(),
        iat: Some(issued),
        token_use: Some("session".to_owned()),
        scopes: Some(TokenScopes { permissions: vec!["*".to_owned()], ..TokenScopes::default() }),
        session_start: Some(issued),
        last_activity: Some(issued),
        ..Claims::default()
    }
}

/// Continues a session with a new token. `claims` are those of the token that `actor` came in with.
#[crate::boxed]
pub async fn refresh(
    engine: &Engine,
    actor: &Arc<Actor>,
    caller: &Caller,
    claims: Claims,
) -> Result<Session> {
    let (Some("session"), Some(old_id)) = (claims.token_use.as_deref(), claims.jti.clone()) else {
        return Err(Error::Forbidden { needs: None });
    };
    let now = engine.clock().now();
    engine.people().refreshes.take(&actor.email, now)?;
    let user = super::myself(engine, actor).await?;
    let started = Timestamp::from_seconds(claims.session_start.or(claims.iat).unwrap_or_default());
    let minutes = match engine.settings().people.sessions.max_lifetime_minutes {
        0 => u64::MAX,
        minutes => minutes,
    };
    let last = started.plus(Duration::from_secs(minutes.saturating_mul(60)));
    if last <= now {
        return Err(Error::Unauthenticated("Session has reached its maximum lifetime; please log in again"));
    }
    let issued = now.seconds().max(claims.iat.unwrap_or_default());
    let continued = Claims {
        iat: Some(issued),
        session_start: Some(started.seconds()),
        last_activity: Some(now.seconds()),
        ..claims
    };
    let session = sign(engine, continued, last.min(now.plus(lifetime(engine))), now, user)?;
    let mut tx = engine.db().begin().await?;
    // The record first: of two refreshes of one token the second waits here, and then sees that it came second.
    let deed = Deed::done("user.session_refresh", "user", session.user.id.as_str());
    audit::record(engine, &mut tx, &actor.email, caller, deed).await?;
    if store::sessions::is_revoked_in(&mut tx, &old_id).await? {
        return Err(Error::Unauthenticated("Token has been revoked"));
    }
    revoke(&mut tx, actor, (&old_id, now), "refreshed").await?;
    revocation::sync::commit(engine, tx).await?;
    Ok(session)
}

/// Revokes the token that the actor came in with. Gives its id, where it has one.
#[crate::boxed]
pub async fn logout(engine: &Engine, actor: &Arc<Actor>, caller: &Caller) -> Result<Option<String>> {
    let Some(token_id) = actor.token_id.clone() else { return Ok(None) };
    let user = super::myself(engine, actor).await?;
    let mut tx = engine.db().begin().await?;
    revoke(&mut tx, actor, (&token_id, engine.clock().now()), "logout").await?;
    let deed = Deed::done("user.logout", "user", user.id.as_str());
    audit::record(engine, &mut tx, &actor.email, caller, deed).await?;
    revocation::sync::commit(engine, tx).await?;
    Ok(Some(token_id))
}

async fn revoke(
    tx: &mut store::Tx,
    actor: &Actor,
    (token_id, at): (&str, Timestamp),
    reason: &str,
) -> Result<()> {
    let revocation = Revocation {
        jti: token_id,
        email: &actor.email,
        at,
        expires_at: actor.expires_at,
        reason: Some(reason),
    };
    store::tokens::revoke(tx, &revocation).await
}

#[cfg(test)]
mod tests {
    use domain::id::UserId;
    use serde_json::json;

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
            password_changed_at: now,
            email_verified_at: None,
            failed_login_attempts: 0,
            locked_until: None,
            last_login: None,
            created_at: now,
            updated_at: now,
        };
        let claims = serde_json::to_value(claims_of(&user, now.seconds())).unwrap();
        let keys: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["iat", "last_activity", "scopes", "session_start", "sub", "token_use"], "{claims}");
        assert_eq!(claims["scopes"]["permissions"], json!(["*"]));
    }
}
