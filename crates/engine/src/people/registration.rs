//! Accounts that people make for themselves, where that is switched on.
//!
//! With a mail server (and links for new passwords allowed) nobody learns who has an account: the answer is given
//! before anybody looks, and is the same for every address. What becomes of it is told to the address alone: a link
//! that sets the password and opens the account, or that there is an account already. The password of the request is
//! held against the rules and then forgotten, so that nobody prepares an account for somebody else's address.
//!
//! Without a mail server the account counts at once, as in ContextForge, and the answer for an address that has one is
//! a refusal: what anybody can try afterwards cannot be hidden. Tries are limited for each client either way.

use domain::{Caller, Error, Result, Secret, person::User};
use serde_json::json;

use super::{
    accounts::{self, NewAccount},
    outbox::{Letter, Subject},
    password_rules::{self, Rules},
    reset,
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

/// Whether who registers has to answer a letter first.
pub fn registration_takes_a_letter(engine: &Engine) -> bool {
    engine.people().outbox.is_open() && engine.settings().people.passwords.reset_enabled
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
    engine.people().registrations.take(&caller.client_key(), engine.clock().now())?;
    let email = domain::name::email("email", email).map_err(|problem| Error::Invalid(vec![problem]))?;
    match make(engine, caller, (email, full_name), (password, true)).await {
        Ok(user) => session::begin(engine, caller, user).await,
        Err(Error::AlreadyExists { .. } | Error::Conflict(_)) => Err(Error::Refused(
            "The account could not be made with these details. If you have one already, log in.".to_owned(),
        )),
        Err(error) => Err(error),
    }
}

/// Takes a registration that is finished with a link, of which `link` is the beginning. What comes of it happens beside
/// the request, so that the answer says nothing of it, not by its time either.
pub fn register_by_letter(
    engine: &Engine,
    caller: &Caller,
    (email, full_name): (&str, Option<String>),
    password: &Secret<String>,
    link: String,
) -> Result<()> {
    check_registration(engine)?;
    let now = engine.clock().now();
    engine.people().registrations.take(&caller.client_key(), now)?;
    let email = domain::name::email("email", email).map_err(|problem| Error::Invalid(vec![problem]))?;
    accounts::check_full_name(full_name.as_deref())?;
    let (accounts, passwords) = (&engine.settings().accounts, &engine.settings().people.passwords);
    password_rules::check(Rules { accounts, passwords }, &email, false, password.expose())?;
    // Nobody's letters are many, whoever asks for them.
    engine.people().registrations.take(&format!("account:{email}"), now)?;
    let (engine, caller) = (engine.clone(), caller.clone());
    let tasks = engine.tasks().clone();
    tasks.spawn(async move {
        if let Err(error) = answer(&engine, &caller, (email, full_name), link).await {
            tracing::error!(%error, request_id = &*caller.request_id, "a registration came to nothing");
        }
    });
    Ok(())
}

async fn answer(
    engine: &Engine,
    caller: &Caller,
    (email, full_name): (String, Option<String>),
    link: String,
) -> Result<()> {
    let user = match store::users::by_email(engine.db(), &email).await? {
        Some(user) => user,
        None => make(engine, caller, (email, full_name), (reset::random_secret()?, false)).await?,
    };
    let address = &user.email;
    let (subject, text) = if user.email_verified_at.is_some() || !user.is_active {
        let text = format!(
            "Somebody, perhaps you, tried to make an account for {address}. There is one already: log in, or ask for \
             a new password.\n\nIf it was not you, do nothing: nothing has changed.\n"
        );
        ("You have an account already", Secret::new(text))
    } else {
        let (secret, minutes) = reset::make_link(engine, caller, &user).await?;
        let text = format!(
            "Somebody, perhaps you, made an account for {address}. To use it, set its password here, within {minutes} \
             minutes:\n\n{link}{}\n\nIf it was not you, do nothing: nobody can use the account.\n",
            secret.expose()
        );
        ("Confirm your account", Secret::new(text))
    };
    let id = user.id.as_str().to_owned();
    let about = Subject { action: "user.register_mail", kind: "user", id, details: json!({}) };
    engine.people().outbox.post(engine, caller, Letter { to: user.email, subject, text, about })
}

/// Makes the account; `held` says whether the password is held against the rules.
async fn make(
    engine: &Engine,
    caller: &Caller,
    (email, full_name): (String, Option<String>),
    (password, held): (Secret<String>, bool),
) -> Result<User> {
    let account = NewAccount {
        email: email.clone(),
        password,
        full_name,
        is_admin: false,
        is_active: true,
        password_change_required: false,
    };
    let mut user = accounts::make(engine, account, held).await?;
    // Nobody has vouched for the address yet.
    user.email_verified_at = None;
    let deed = Deed::done("user.register", "user", user.id.as_str()).with(json!({ "email": email }));
    accounts::insert(engine, &email, caller, &user, deed).await?;
    Ok(user)
}
