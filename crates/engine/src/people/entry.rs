//! Coming in without a token: vouched for by a reverse proxy, or with the operator's Basic credentials.
//!
//! Whether a proxy is to be believed is decided before, where the connection is known. Here a name becomes an actor:
//! an active account, with the roles and teams that the database has of it now. Nobody is made up.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use domain::{Actor, Caller, Error, PermissionSet, Result, Scope, person::User};

use super::{
    recognise::{Tries, note_stranger},
    rights_of,
};
use crate::{
    authn::{Admitted, Credential, sha256},
    engine::Engine,
};

const REFUSED: Error = Error::Unauthenticated("Invalid authentication credentials");

/// Somebody whom a trusted proxy names.
#[crate::boxed]
pub async fn by_proxy(engine: &Engine, name: &str) -> Result<Admitted> {
    let email = domain::name::email("", name).map_err(|_| REFUSED)?;
    recognised(engine, &email).await
}

/// The platform's administrator, for Basic credentials. Whether they are taken at all is decided before.
#[crate::boxed]
pub async fn by_basic(engine: &Engine, caller: &Caller, (user, password): (&str, &str)) -> Result<Admitted> {
    let entry = &engine.settings().people.entry;
    let tries = Tries::take(engine, caller, "basic credentials")?;
    // Hashes have one length, so that comparing them tells nothing of the length of what was given.
    let same = |given: &str, wanted: &str| {
        constant_time::verify_slices_are_equal(&sha256(given.as_bytes()), &sha256(wanted.as_bytes())).is_ok()
    };
    let (name, word) = (same(user, &entry.basic_user), same(password, entry.basic_password.expose()));
    if !(name & word) {
        note_stranger(engine, caller, "").await?;
        return Err(REFUSED);
    }
    tries.give_back(engine);
    recognised(engine, &engine.settings().accounts.admin_email.trim().to_lowercase()).await
}

/// The actor of an address, remembered until anything about identities changes, for as long as that would be known.
async fn recognised(engine: &Engine, email: &str) -> Result<Admitted> {
    let sequence = engine.identity_seq();
    let known = &engine.people().recognised;
    if let Some((seen, admitted)) = known.get(email)
        && seen == sequence
    {
        engine.revocations().check(&admitted.credential)?;
        engine.revocations().standing.admits()?;
        return Ok(admitted);
    }
    engine.revocations().standing.admits()?;
    let user = match store::users::by_email(engine.db(), email).await? {
        Some(user) if user.is_active => user,
        Some(_) => return Err(Error::Unauthenticated("Account disabled")),
        None => return Err(REFUSED),
    };
    let credential = Arc::new(Credential::without_token(Some(&user.email)));
    let admitted = Admitted { actor: Arc::new(actor_of(engine, user).await?), credential };
    known.insert(email.to_owned(), (sequence, admitted.clone()));
    Ok(admitted)
}

/// What a session of the person would be, without a token: nothing to revoke, and no end.
async fn actor_of(engine: &Engine, user: User) -> Result<Actor> {
    let rights = rights_of(engine, &user).await?;
    let email = user.email.clone();
    let scope = if user.is_admin {
        Scope::Unrestricted { email }
    } else {
        Scope::Teams { email, teams: rights.teams.clone() }
    };
    Ok(Actor {
        email: user.email,
        is_admin: user.is_admin,
        granted: rights.granted,
        in_team: rights.in_team,
        cap: PermissionSet::ALL,
        scope,
        server: None,
        token_id: None,
        expires_at: None,
    })
}

/// Makes sure that the actor administers the platform now, and with a credential that reaches all of it: asked of
/// the database and not of what is remembered.
#[crate::boxed]
pub async fn check_administrator(engine: &Engine, actor: &Arc<Actor>) -> Result<()> {
    let denied = Err(Error::Forbidden { needs: None });
    if actor.server.is_some() || actor.scope == Scope::PublicOnly {
        return denied;
    }
    match store::users::by_email(engine.db(), &actor.email).await? {
        Some(user) if !user.is_active => Err(Error::Unauthenticated("Account disabled")),
        Some(user) if user.is_admin => Ok(()),
        _ => denied,
    }
}
