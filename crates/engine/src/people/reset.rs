//! Lost passwords. A link is 256 random bits, of which the hash is stored; it is good for an hour and for one use,
//! and using it ends every session.
//!
//! Whoever asks learns nothing: the answer is given before anybody looks whether there is such an account. Without
//! a mail server nothing is made on request, because nobody could receive it; an operator makes a link at the
//! command line ([`issue_reset`]).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Caller, Error, Result, Secret, Timestamp, audit::AuditEvent, person::User};
use serde_json::json;
use store::{Db, passwords::Reset};

use super::{
    accounts, change, hex,
    outbox::{Letter, Subject},
};
use crate::{
    audit::{self, Deed},
    authn::sha256,
    crypt::Keys,
    engine::Engine,
};

const INVALID: &str = "This reset link is invalid";

/// Takes a request for a link, of which `link` is the beginning. What comes of it happens beside the request.
pub fn request_reset(engine: &Engine, caller: &Caller, email: &str, link: String) -> Result<()> {
    if !engine.settings().people.passwords.reset_enabled {
        return Err(Error::Forbidden { needs: None });
    }
    let address = domain::name::email("email", email).map_err(|problem| Error::Invalid(vec![problem]))?;
    let now = engine.clock().now();
    for key in [format!("account:{address}"), caller.client_key()] {
        engine.people().resets.take(&key, now)?;
    }
    let (engine, caller) = (engine.clone(), caller.clone());
    let tasks = engine.tasks().clone();
    tasks.spawn(async move {
        if let Err(error) = send_link(&engine, &caller, &address, &link).await {
            tracing::error!(%error, request_id = &*caller.request_id, "a reset link could not be sent");
        }
    });
    Ok(())
}

async fn send_link(engine: &Engine, caller: &Caller, address: &str, link: &str) -> Result<()> {
    let user = store::users::by_email(engine.db(), address).await?.filter(|user| user.is_active);
    let deed =
        Deed::done("user.password_reset_request", "user", user.as_ref().map_or("", |user| user.id.as_str()));
    let mut tx = engine.db().begin().await?;
    let outbox = &engine.people().outbox;
    let Some(found) = user.as_ref().filter(|_| outbox.is_open()) else {
        let why = json!({ "reason": "No such account, or no mail server" });
        audit::record(engine, &mut tx, address, caller, Deed { outcome: "denied", ..deed.with(why) }).await?;
        return tx.commit().await;
    };
    audit::record(engine, &mut tx, address, caller, deed).await?;
    let minutes = engine.settings().people.passwords.reset_minutes;
    let (secret, reset) = new_reset(found, engine.clock().now(), minutes)?;
    store::passwords::add_reset(&mut tx, &reset).await?;
    tx.commit().await?;
    let text = format!(
        "Somebody asked to reset the password of {address}.\n\nThis link is good for {minutes} minutes and for one \
         use:\n\n{link}{}\n\nIf it was not you, do nothing: the password stays as it is.\n",
        secret.expose()
    );
    let about = Subject {
        action: "user.password_reset_mail",
        kind: "user",
        id: found.id.as_str().to_owned(),
        details: json!({}),
    };
    let letter =
        Letter { to: address.to_owned(), subject: "Reset your password", text: Secret::new(text), about };
    outbox.post(engine, caller, letter)
}

/// Makes a link's secret for somebody who registered, and says for how many minutes it is good.
pub(super) async fn make_link(
    engine: &Engine,
    caller: &Caller,
    user: &User,
) -> Result<(Secret<String>, u64)> {
    let minutes = engine.settings().people.passwords.reset_minutes;
    let (secret, reset) = new_reset(user, engine.clock().now(), minutes)?;
    let deed = Deed::done("user.password_reset_request", "user", user.id.as_str());
    let mut tx = engine.db().begin().await?;
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    store::passwords::add_reset(&mut tx, &reset).await?;
    tx.commit().await?;
    Ok((secret, minutes))
}

/// 256 random bits, as text.
pub(super) fn random_secret() -> Result<Secret<String>> {
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("no random numbers"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn new_reset(user: &User, now: Timestamp, minutes: u64) -> Result<(Secret<String>, Reset)> {
    let secret = random_secret()?;
    let reset = Reset {
        token_hash: hash_of(secret.expose()),
        user_id: user.id.clone(),
        created_at: now,
        expires_at: now.plus(Duration::from_secs(minutes.saturating_mul(60))),
        used_at: None,
    };
    Ok((secret, reset))
}

fn hash_of(secret: &str) -> String {
    hex(&sha256(secret.as_bytes()))
}

/// Makes a link's secret for an operator at the command line, beside a running gateway or without one.
#[crate::boxed]
pub async fn issue_reset(
    db: &Db,
    keys: &Keys,
    now: Timestamp,
    (email, minutes): (&str, u64),
) -> Result<(Secret<String>, Timestamp)> {
    let user = store::users::by_email(db, &email.trim().to_lowercase()).await?;
    let user = user.ok_or_else(|| Error::not_found("User", email))?;
    if !user.is_active {
        return Err(Error::Conflict("The account is switched off; switch it on first".to_owned()));
    }
    let (secret, reset) = new_reset(&user, now, minutes)?;
    let event = AuditEvent {
        at: now,
        actor: "system:cli".to_owned(),
        action: "user.password_reset_request".to_owned(),
        target_kind: "user".to_owned(),
        target_id: user.id.as_str().to_owned(),
        outcome: "success".to_owned(),
        ip: None,
        request_id: None,
        details: json!({}),
    };
    let mut tx = db.begin().await?;
    store::audit::append(&mut tx, &event, keys.audit()).await?;
    store::passwords::add_reset(&mut tx, &reset).await?;
    tx.commit().await?;
    Ok((secret, reset.expires_at))
}

/// When a link ends, if it is still to be had.
#[crate::boxed]
pub async fn reset_end(engine: &Engine, secret: &str) -> Result<Timestamp> {
    open(engine, secret).await.map(|(_, reset)| reset.expires_at)
}

async fn open(engine: &Engine, secret: &str) -> Result<(User, Reset)> {
    let refused = |text: &str| Error::Refused(text.to_owned());
    if !engine.settings().people.passwords.reset_enabled {
        return Err(refused(INVALID));
    }
    let reset = store::passwords::reset(engine.db(), &hash_of(secret)).await?;
    let reset = reset.ok_or_else(|| refused(INVALID))?;
    if reset.used_at.is_some() {
        return Err(refused("This reset link has already been used"));
    }
    if reset.expires_at <= engine.clock().now() {
        return Err(refused("This reset link has expired"));
    }
    let user = store::users::by_id(engine.db(), &reset.user_id).await?.filter(|user| user.is_active);
    Ok((user.ok_or_else(|| refused(INVALID))?, reset))
}

/// Sets a new password with a link's secret.
#[crate::boxed]
pub async fn complete_reset(
    engine: &Engine,
    caller: &Caller,
    secret: &str,
    password: Secret<String>,
) -> Result<()> {
    let (user, reset) = open(engine, secret).await?;
    let hash = change::new_hash(engine, Some(&user), (&user.email, user.is_admin), password).await?;
    let now = engine.clock().now();
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("user.password_reset", "user", user.id.as_str());
    audit::record(engine, &mut tx, &user.email, caller, deed).await?;
    if !store::passwords::use_reset(&mut tx, &reset.token_hash, now).await? {
        return Err(Error::Refused("This reset link has already been used".to_owned()));
    }
    let mut user = accounts::current(&mut tx, &user.email).await?;
    change::replace(engine, &mut tx, &mut user, hash).await?;
    // The link came to the address, and whoever locked the account out does not keep it.
    (user.password_change_required, user.email_verified_at) = (false, Some(now));
    (user.failed_login_attempts, user.locked_until) = (0, None);
    store::users::update(&mut tx, &user).await?;
    super::commit(engine, tx).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hash_of_a_secret_is_stored() {
        let secret = "abc";
        let hash = hash_of(secret);
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
