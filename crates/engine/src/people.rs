//! People: who they are, what they may do, and how they come in.
//!
//! Every change is one transaction with its audit record and ends in [`commit`], which forgets remembered tokens on
//! every replica before the caller is answered. Functions without a permit are those that permits are made from
//! ([`user_of`], [`rights_of`]), [`login`], what people do with their own account, and the start of the program.

mod accounts;
mod activity;
mod bootstrap;
mod change;
mod csrf;
mod entry;
mod events;
mod limiter;
mod login;
pub(crate) mod outbox;
mod password_rules;
mod recognise;
mod registration;
mod removal;
mod reset;
mod rights;
mod roles;
mod session;
mod standing;
mod state;

use domain::{Permission, Result, id::UserId, person::User};

pub use self::{
    accounts::{AccountChange, NewAccount, create, get, list, unlock, update},
    activity::used,
    bootstrap::bootstrap,
    change::{change_password, change_password_of},
    csrf::{csrf_token, csrf_token_fits},
    entry::{by_basic, by_proxy, check_administrator},
    events::{AuthEvent, events, own_events},
    login::{Entry, login, myself},
    registration::{check_registration, register, register_by_letter, registration_takes_a_letter},
    removal::delete,
    reset::{complete_reset, issue_reset, request_reset, reset_end},
    rights::Rights,
    roles::{
        Assignment, Given, NewAssignment, NewRole, RoleChange, RoleRow, assign, assignments,
        available_permissions, create_role, delete_role, holds, my_permissions, my_roles, permissions_of,
        prepare_roles, revoke, role, roles, update_role,
    },
    session::{Session, logout, refresh},
    standing::token_stands,
};
pub(crate) use self::{
    roles::{built_in, check_may_grant_in, effective, grant},
    state::PeopleState,
};
use crate::{
    authn::{revocation, token::Claims},
    engine::Engine,
};

/// The person that a verified token names: by e-mail address where the token has one, else by `sub`.
///
/// A `sub` that is an id has to be the id of that person. Sessions, and tokens that name an address alone, have to
/// be younger than the last change of the password and the last deletion of an account with the address: a session
/// does not survive a new password, and whoever is given the address later does not inherit tokens.
#[crate::boxed]
pub async fn user_of(engine: &Engine, claims: &Claims) -> Result<Option<User>> {
    let id = UserId::parse(&claims.sub);
    let email = claims.user.as_ref().map(|user| user.email.as_str()).or(claims.email.as_deref());
    let email = email.or_else(|| id.is_none().then_some(claims.sub.as_str()));
    let user = match (email, &id) {
        (Some(email), _) => store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?,
        (None, Some(id)) => store::users::by_id(engine.db(), id).await?,
        (None, None) => None,
    };
    let Some(user) = user else { return Ok(None) };
    if id.as_ref().is_some_and(|id| *id != user.id) {
        return Ok(None);
    }
    if id.is_some() && claims.token_use.as_deref() != Some("session") {
        return Ok(Some(user));
    }
    let since = store::tokens::valid_after(engine.db(), &user.email).await?;
    let young = since.is_none_or(|since| claims.iat.is_some_and(|issued| issued >= since.seconds()));
    Ok(young.then_some(user))
}

/// What a person may do, from their roles and memberships.
#[crate::boxed]
pub async fn rights_of(engine: &Engine, user: &User) -> Result<Rights> {
    let memberships = store::teams::memberships(engine.db(), &user.email).await?;
    let teams = memberships.into_iter().map(|membership| membership.team_id).collect();
    let roles = store::roles::all(engine.db()).await?;
    let assignments = store::roles::of_person(engine.db(), &user.email).await?;
    let now = engine.clock().now();
    let mut rights = Rights { teams, ..Rights::default() };
    for assignment in assignments.into_iter().filter(|given| given.expires_at.is_none_or(|end| end > now)) {
        rights.changes_at = [rights.changes_at, assignment.expires_at].into_iter().flatten().min();
        if let Some(row) = roles.iter().find(|row| row.role.id == assignment.role_id) {
            rights.add(assignment.scope, assignment.scope_id, effective(row, &roles));
        }
    }
    // Making teams is nobody's by the roles of ContextForge; the setting gives it to whoever may join them.
    if engine.settings().teams.allow_creation && rights.granted.has(Permission::TeamsJoin) {
        rights.granted = rights.granted.with(Permission::TeamsCreate);
    }
    Ok(rights)
}

/// Ends a transaction that changed identities: tokens remembered before it count no longer, here and elsewhere.
pub(crate) async fn commit(engine: &Engine, mut tx: store::Tx) -> Result<()> {
    let sequence = store::sequences::bump(&mut tx, "identity").await?;
    tx.commit().await?;
    engine.identities_changed(sequence);
    let outcome = revocation::sync::committed(engine).await;
    engine.bus().publish("identity", &sequence.to_string()).await;
    outcome
}

/// Forgets what no decision can need any more: links that ended a while ago, and when old sessions were used.
pub(crate) async fn forget_old(engine: &Engine) -> Result<()> {
    const KEPT: std::time::Duration = std::time::Duration::from_hours(24 * 7);
    let before = domain::Timestamp(engine.clock().now().0 - domain::Timestamp(0).plus(KEPT).0);
    let mut tx = engine.db().begin().await?;
    let forgotten = store::passwords::forget_resets(&mut tx, before).await?
        + store::sessions::forget_before(&mut tx, before).await?;
    tx.commit().await?;
    tracing::debug!(forgotten, "old links and uses of sessions");
    Ok(())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|d| char::from_digit(d.into(), 16).unwrap_or('0'));
    bytes.iter().flat_map(digits).collect()
}
