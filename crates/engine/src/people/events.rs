//! What happened to accounts, read from the audit record: nothing is written twice.

use std::sync::Arc;

use domain::{Actor, Result, Timestamp, permission::grant::AdminUserManagement};
use store::people_events::{self, PersonEvent, Whose};

use super::login;
use crate::{engine::Engine, policy::Permit};

/// Something that happened to an account.
#[derive(Debug, Clone)]
pub struct AuthEvent {
    /// Its number in the audit record.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The account's address, or the one that was tried.
    pub email: String,
    /// `login`, `logout`, `password_change`, …
    pub kind: String,
    /// Whether it succeeded.
    pub success: bool,
    /// The client's address.
    pub ip: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
}

impl From<PersonEvent> for AuthEvent {
    fn from(row: PersonEvent) -> Self {
        let event = row.event;
        let detail = |name: &str| event.details.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let kind = event.action.strip_prefix("user.").unwrap_or(&event.action);
        Self {
            id: row.seq,
            at: event.at,
            email: row.email.or_else(|| detail("email")).unwrap_or_else(|| event.actor.clone()),
            kind: kind.strip_suffix("_failed").unwrap_or(kind).to_owned(),
            success: event.outcome == "success",
            ip: event.ip.clone(),
            failure_reason: detail("reason"),
        }
    }
}

/// What happened to the actor's own account, newest first.
#[crate::boxed]
pub async fn own_events(
    engine: &Engine,
    actor: &Arc<Actor>,
    (limit, offset): (u32, u32),
) -> Result<Vec<AuthEvent>> {
    let user = login::myself(engine, actor).await?;
    read(engine, Whose::Account(user.id), (limit, offset)).await
}

/// What happened to every account, or to the one with an address, newest first.
#[crate::boxed]
pub async fn events(
    engine: &Engine,
    _: &Permit<AdminUserManagement>,
    email: Option<&str>,
    page: (u32, u32),
) -> Result<Vec<AuthEvent>> {
    let Some(email) = email.map(|email| email.trim().to_lowercase()) else {
        return read(engine, Whose::Anybody, page).await;
    };
    match store::users::by_email(engine.db(), &email).await? {
        Some(user) => read(engine, Whose::Account(user.id), page).await,
        None => read(engine, Whose::Stranger(email), page).await,
    }
}

async fn read(engine: &Engine, whose: Whose, (limit, offset): (u32, u32)) -> Result<Vec<AuthEvent>> {
    let rows = people_events::list(engine.db(), &whose, limit.into(), offset.into()).await?;
    Ok(rows.into_iter().map(AuthEvent::from).collect())
}
