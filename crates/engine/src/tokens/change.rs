//! Changes and revokes tokens. Both count for the token that is out already, here before the answer is sent and on
//! every replica within seconds.

use std::sync::Arc;

use domain::{
    Actor, Caller, Error, Result,
    api_token::{ApiToken, TokenRevocation},
    permission::grant::{TokensRevoke, TokensUpdate},
};
use store::tokens::Revocation;

use super::{
    Desk, check_in_person,
    create::{check_server, contain, refuse_restricted, refuse_wider, summary, taken},
    input::{self, TokenChange},
    own,
};
use crate::{
    audit::{self, Deed},
    authn::revocation::sync::commit,
    engine::Engine,
    policy::Permit,
};

/// Changes one of the actor's own tokens.
#[crate::boxed]
pub async fn update<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensUpdate>,
    desk: Desk<'a>,
    id: &str,
    change: TokenChange,
) -> Result<ApiToken> {
    let actor = permit.actor();
    check_in_person(actor, desk.credential)?;
    let before = own(engine, actor, id).await?;
    let change = Checked::of(engine, actor, &before, change)?;
    if change.limits.is_some() {
        refuse_restricted(actor, desk.credential)?;
    }
    if change.limits.is_some() || change.change.is_active == Some(true) {
        refuse_wider(actor, before.team_id.as_ref(), actor.is_admin)?;
    }
    let mut tx = engine.db().begin().await?;
    let mut after = current(&mut tx, &before).await?;
    if after.revoked.is_some() {
        return Err(Error::Refused("The token is revoked".to_owned()));
    }
    change.apply(&mut after);
    after.updated_at = engine.clock().now();
    store::api_tokens::update(&mut tx, &after).await.map_err(taken)?;
    let deed = Deed::done("token.update", "token", after.id.as_str()).with(summary(&after));
    audit::record(engine, &mut tx, &actor.email, desk.caller, deed).await?;
    commit(engine, tx).await?;
    Ok(after)
}

/// A change without a mistake.
struct Checked {
    change: TokenChange,
    limits: Option<domain::api_token::TokenLimits>,
}

impl Checked {
    fn of(engine: &Engine, actor: &Arc<Actor>, before: &ApiToken, mut change: TokenChange) -> Result<Self> {
        let mut problems = Vec::new();
        change.name = change.name.map(|name| input::name(&name, &mut problems));
        input::description(change.description.as_deref(), &mut problems);
        change.tags = change.tags.map(|tags| input::tags(&tags, &mut problems));
        let limits = change.limits.take().map(|limits| limits.check(&mut problems));
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let Some((mut limits, named)) = limits else { return Ok(Self { change, limits: None }) };
        contain(actor, before.team_id.as_ref(), &mut limits, named)?;
        if limits.server_id != before.limits.server_id {
            check_server(engine, actor, &limits)?;
        }
        Ok(Self { change, limits: Some(limits) })
    }

    fn apply(self, token: &mut ApiToken) {
        let Self { change, limits } = self;
        token.name = change.name.unwrap_or_else(|| std::mem::take(&mut token.name));
        token.description = change.description.or(token.description.take());
        token.tags = change.tags.unwrap_or_else(|| std::mem::take(&mut token.tags));
        token.is_active = change.is_active.unwrap_or(token.is_active);
        token.limits = limits.unwrap_or_else(|| std::mem::take(&mut token.limits));
    }
}

/// Revokes one of the actor's own tokens. Doing it again changes nothing.
#[crate::boxed]
pub async fn revoke<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensRevoke>,
    desk: Desk<'a>,
    (id, reason): (&str, Option<String>),
) -> Result<()> {
    check_in_person(permit.actor(), desk.credential)?;
    let token = own(engine, permit.actor(), id).await?;
    end(engine, permit.actor(), desk.caller, &token, reason).await
}

/// Revokes a token for good.
pub(super) async fn end(
    engine: &Engine,
    actor: &Arc<Actor>,
    caller: &Caller,
    token: &ApiToken,
    reason: Option<String>,
) -> Result<()> {
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > 255) {
        return Err(Error::invalid("reason", "must be at most 255 characters"));
    }
    let now = engine.clock().now();
    let mut tx = engine.db().begin().await?;
    let mut token = current(&mut tx, token).await?;
    if token.revoked.is_some() {
        return Ok(());
    }
    token.is_active = false;
    token.updated_at = now;
    token.revoked = Some(TokenRevocation { at: now, by: actor.email.clone(), reason: reason.clone() });
    store::api_tokens::update(&mut tx, &token).await?;
    let revocation = Revocation {
        jti: token.id.as_str(),
        email: &token.email,
        at: now,
        expires_at: Some(token.expires_at),
        reason: reason.as_deref(),
    };
    store::tokens::revoke(&mut tx, &revocation).await?;
    let details = serde_json::json!({ "name": token.name, "owner": token.email, "reason": reason });
    let deed = Deed::done("token.revoke", "token", token.id.as_str()).with(details);
    audit::record(engine, &mut tx, &actor.email, caller, deed).await?;
    commit(engine, tx).await
}

/// The token as it is now: writers take turns.
async fn current(tx: &mut store::Tx, token: &ApiToken) -> Result<ApiToken> {
    store::api_tokens::get_in(tx, &token.id).await?.ok_or_else(|| Error::not_found("Token", ""))
}
