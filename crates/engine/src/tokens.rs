//! The catalogue of API tokens: made, changed, revoked and counted here.
//!
//! A token is never more than whoever makes it: its team is one that they reach, its permissions are among theirs and
//! among those of the credential that they came in with, and it ends. Who came in with an API token makes none. The
//! token itself is shown once; the catalogue keeps its SHA-256.
//!
//! Departures from ContextForge: wishes for more than one has are 403, not 400; a revocation may be repeated; changes
//! of scope, limits and `is_active` count for tokens that are out already, which they can only narrow (`authn::scope`).

mod change;
mod create;
mod input;

use std::sync::Arc;

use domain::{
    Actor, Caller, Error, Result, Scope,
    api_token::{ApiToken, TokenUsage},
    id::{TeamId, TokenId},
    permission::grant::{TokensRead, TokensRevoke},
    person::TeamRole,
};
use store::api_tokens::Filter;

pub use self::{
    change::{revoke, update},
    create::create,
    input::{NewToken, TokenChange, WishedLimits},
};
use crate::{
    authn::{Credential, hour_of},
    engine::Engine,
    policy::{self, Permit},
};

/// Days for which the use of tokens is kept.
pub const USAGE_DAYS: u32 = 366;
/// Rows on a page at most.
pub const MOST_ROWS: u32 = 500;
const ENDPOINTS: i64 = 10;

/// Who works on the catalogue, and on what credential.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The credential.
    pub credential: &'a Credential,
    /// Where the request came from.
    pub caller: &'a Caller,
}

/// Which tokens a list shows, and which page of it.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Also those that are switched off, revoked or over.
    pub include_inactive: bool,
    /// Rows.
    pub limit: u32,
    /// Rows before them.
    pub offset: u32,
}

/// A page of tokens, and how many there are on all pages.
#[derive(Debug)]
pub struct Tokens {
    /// Newest first.
    pub tokens: Vec<ApiToken>,
    /// On all pages.
    pub total: i64,
}

/// How a token was used.
#[derive(Debug)]
pub struct Usage {
    /// The numbers.
    pub usage: TokenUsage,
    /// The routes that were used most.
    pub top_endpoints: Vec<(String, i64)>,
}

/// The actor's own tokens.
#[crate::boxed]
pub async fn list<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensRead>,
    desk: Desk<'a>,
    page: Page,
) -> Result<Tokens> {
    check_in_person(permit.actor(), desk.credential)?;
    let filter = Filter { email: Some(&permit.actor().email), ..Filter::default() };
    read(engine, filter, page).await
}

/// The tokens for a team: all of them for its owners and for administrators, their own for its members.
#[crate::boxed]
pub async fn list_of_team<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensRead>,
    desk: Desk<'a>,
    team: &str,
    page: Page,
) -> Result<Tokens> {
    let actor = permit.actor();
    check_in_person(actor, desk.credential)?;
    let team = reached_team(actor, team)?;
    let memberships = store::teams::memberships(engine.db(), &actor.email).await?;
    let role = memberships.into_iter().find(|membership| membership.team_id == team).map(|found| found.role);
    let all = actor.is_admin || role == Some(TeamRole::Owner);
    let email = (!all).then_some(actor.email.as_str());
    read(engine, Filter { email, team: Some(&team), ..Filter::default() }, page).await
}

/// Everybody's tokens, or those of one person.
#[crate::boxed]
pub async fn list_all<'a>(
    engine: &'a Engine,
    actor: &Arc<Actor>,
    desk: Desk<'a>,
    email: Option<&str>,
    page: Page,
) -> Result<Tokens> {
    check_administrator(actor, desk.credential)?;
    policy::authorize::<TokensRead>(actor)?;
    let email = email.map(|email| email.trim().to_lowercase());
    read(engine, Filter { email: email.as_deref(), ..Filter::default() }, page).await
}

async fn read(engine: &Engine, filter: Filter<'_>, page: Page) -> Result<Tokens> {
    let usable_at = (!page.include_inactive).then(|| engine.clock().now());
    let filter = Filter { usable_at, ..filter };
    let limit = page.limit.min(MOST_ROWS);
    let tokens = store::api_tokens::list(engine.db(), &filter, (limit, page.offset)).await?;
    Ok(Tokens { tokens, total: store::api_tokens::count(engine.db(), &filter).await? })
}

/// One of the actor's own tokens.
#[crate::boxed]
pub async fn get<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensRead>,
    desk: Desk<'a>,
    id: &str,
) -> Result<ApiToken> {
    check_in_person(permit.actor(), desk.credential)?;
    own(engine, permit.actor(), id).await
}

/// How one of the actor's own tokens was used in the last days.
#[crate::boxed]
pub async fn usage<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensRead>,
    desk: Desk<'a>,
    (id, days): (&str, u32),
) -> Result<Usage> {
    let token = get(engine, permit, desk, id).await?;
    let first = hour_of(engine.clock().now()) - i64::from(days.min(USAGE_DAYS)) * 24;
    let usage = store::token_usage::since(engine.db(), token.id.as_str(), first).await?;
    let top =
        store::token_usage::top_endpoints(engine.db(), token.id.as_str(), first.div_euclid(24), ENDPOINTS)
            .await?;
    Ok(Usage { usage, top_endpoints: top })
}

/// Revokes anybody's token.
#[crate::boxed]
pub async fn revoke_any<'a>(
    engine: &'a Engine,
    actor: &Arc<Actor>,
    desk: Desk<'a>,
    (id, reason): (&str, Option<String>),
) -> Result<()> {
    check_administrator(actor, desk.credential)?;
    policy::authorize::<TokensRevoke>(actor)?;
    let hidden = || Error::not_found("Token", "");
    let id = TokenId::parse(id).ok_or_else(hidden)?;
    let token = store::api_tokens::get(engine.db(), id.as_str()).await?.ok_or_else(hidden)?;
    change::end(engine, actor, desk.caller, &token, reason).await
}

/// Removes statistics that nobody asks for any more.
pub(crate) async fn forget_usage(engine: &Engine) -> Result<()> {
    let first = hour_of(engine.clock().now()) - i64::from(USAGE_DAYS) * 24;
    let mut tx = engine.db().begin().await?;
    store::token_usage::forget(&mut tx, first).await?;
    tx.commit().await
}

/// The catalogue is for people who logged in, not for programs with a token, and not for who was narrowed to what is
/// public.
fn check_in_person(actor: &Arc<Actor>, credential: &Credential) -> Result<()> {
    if credential.is_interactive() && actor.scope != Scope::PublicOnly {
        Ok(())
    } else {
        let why = "Tokens are managed by people who logged in and are not narrowed to what is public.";
        Err(policy::refuse(actor, why, "Log in, and use the session's token."))
    }
}

fn check_administrator(actor: &Arc<Actor>, credential: &Credential) -> Result<()> {
    check_in_person(actor, credential)?;
    match &actor.scope {
        Scope::Unrestricted { .. } if actor.is_admin => Ok(()),
        _ => Err(administrators_only(actor)),
    }
}

fn administrators_only(actor: &Actor) -> Error {
    let why = "Tokens of others are the business of administrators whose session is not narrowed.";
    policy::refuse_saying("Admin access required", actor, why, "Log in as an administrator.")
}

/// A team that the credential reaches. Whether another one exists is not told.
fn reached_team(actor: &Arc<Actor>, id: &str) -> Result<TeamId> {
    let team = TeamId::parse(id).filter(|team| actor.scope.has_team(team));
    let why = "The credential does not reach the team, if there is one.";
    team.ok_or_else(|| policy::refuse(actor, why, "Name a team of the session."))
}

/// One of the actor's own tokens. Those of others do not exist.
async fn own(engine: &Engine, actor: &Arc<Actor>, id: &str) -> Result<ApiToken> {
    let hidden = || Error::not_found("Token", "");
    let id = TokenId::parse(id).ok_or_else(hidden)?;
    let token = store::api_tokens::get(engine.db(), id.as_str()).await?.ok_or_else(hidden)?;
    let narrowed = token.team_id.as_ref().is_some_and(|team| !actor.scope.has_team(team));
    if token.email == actor.email && !narrowed { Ok(token) } else { Err(hidden()) }
}
