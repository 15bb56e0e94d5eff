//! Accounts that people make for themselves, where that is switched on.
//!
//! The answer for an address that has an account is the one for any other refusal and takes as long; it never says
//! that there is an account. (Whoever registers an address and cannot log in afterwards can still guess why: without
//! a mail that has to be answered first, no gateway can hide that. Tries are limited for each client.)

use domain::{Caller, Error, Result, Secret};
use serde_json::json;

use super::{
    accounts::{self, NewAccount},
    session::{self, Session},
};
use crate::{audit::Deed, engine::Engine};

/// Whether people may make accounts.
pub fn check_registration(engine: &Engine) -> Result<()> {
    if engine.settings().people.entry.public_registration {
        Ok(())
    } else {
        Err(Error::Forbidden { needs: None })
    }
}

/// Makes an account and begins its first session. The account administers nothing, whatever was asked for.
#[crate::boxed]
pub async fn register(
    engine: &Engine,
    caller: &Caller,
    (email, full_name): (&str, Option<String>),
    password: Secret<String>,
) -> Result<Session> {
    check_registration(engine)?;
    if let Some(ip) = caller.ip {
        engine.people().registrations.take(&format!("ip:{ip}"), engine.clock().now())?;
    }
    let email = domain::name::email("email", email).map_err(|problem| Error::Invalid(vec![problem]))?;
    let account = NewAccount {
        email: email.clone(),
        password,
        full_name,
        is_admin: false,
        is_active: true,
        password_change_required: false,
    };
    let mut user = accounts::make(engine, account, true).await?;
    // Nobody has vouched for the address yet.
    user.email_verified_at = None;
    let deed = Deed::done("user.register", "user", user.id.as_str()).with(json!({ "email": email }));
    match accounts::insert(engine, &email, caller, &user, deed).await {
        Ok(()) => session::begin(engine, caller, user).await,
        Err(Error::AlreadyExists { .. } | Error::Conflict(_)) => Err(Error::Refused(
            "The account could not be made with these details. If you have one already, log in.".to_owned(),
        )),
        Err(error) => Err(error),
    }
}
