//! Asking a registered upstream again, by hand or by a job.
//!
//! The network is asked first and the rows are read afterwards, so that what people changed meanwhile is kept; a
//! gateway that was pointed elsewhere meanwhile keeps what the newer probe found. An upstream that does not answer
//! is marked, with its items, and loses nothing.

use std::time::{Duration, Instant};

use domain::{Caller, Error, Result, Timestamp, gateway::Gateway, id::GatewayId, permission::grant};
use serde_json::json;

use super::{create::federated, federation::Running, opened, reverse, revision, target, visible};
use crate::{
    Engine, Permit, audit, catalogue,
    discovery::{self, Counts, Found, Plan, merging::Origin, pinning, taken::Taken},
    ownership,
};

/// What a refresh did.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// Why it failed; `None` where it did not.
    pub error: Option<String>,
    /// Tools.
    pub tools: Counts,
    /// Prompts.
    pub prompts: Counts,
    /// Resources and templates.
    pub resources: Counts,
    /// What was left out or renamed, and why.
    pub notes: Vec<String>,
    /// How long it took.
    pub duration: Duration,
    /// When it ended.
    pub at: Timestamp,
}

/// On whose behalf.
#[derive(Debug, Clone, Copy)]
struct By<'a> {
    actor: &'a str,
    caller: &'a Caller,
}

/// Asks an upstream again. An upstream that does not answer is a result, not an error.
#[crate::boxed]
pub async fn refresh(
    engine: &Engine,
    permit: &Permit<grant::GatewaysUpdate>,
    caller: &Caller,
    id: &str,
) -> Result<Refreshed> {
    let row = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &row.gateway.owned)?;
    let gateway = opened(engine, row)?;
    if !gateway.enabled {
        return Err(Error::Refused(format!("Gateway {} is switched off; switch it on first", gateway.name)));
    }
    let Some(_running) = Running::begin(engine, &gateway.id) else {
        return Err(Error::Refused(format!("A refresh of gateway {} is running already", gateway.name)));
    };
    sync(engine, &gateway, By { actor: &permit.actor().email, caller }).await
}

/// The refresh of a job. Says whether the upstream answered; `None` where there was nothing to do.
pub(crate) async fn background(engine: &Engine, id: &GatewayId) -> Option<bool> {
    let _running = Running::begin(engine, id)?;
    let outcome = async {
        let Some(row) = store::gateways::get(engine.db(), id).await? else { return Ok(None) };
        let gateway = opened(engine, row)?;
        // A connection that another process holds says nothing here.
        if !gateway.enabled || (reverse::is_reverse(&gateway) && !engine.reverse_sessions().serves(id)) {
            return Ok(None);
        }
        let caller = ownership::job_caller("federation");
        let done = sync(engine, &gateway, By { actor: "system:refresh", caller: &caller }).await?;
        Ok::<_, Error>(Some(done.error.is_none()))
    };
    outcome.await.unwrap_or_else(|error| {
        tracing::warn!(%error, gateway = %id, "a refresh failed");
        Some(false)
    })
}

/// The refresh of an upstream that has just come back; gives why it failed, where it did.
pub(super) async fn again(
    engine: &Engine,
    gateway: &Gateway,
    (actor, caller): (&str, &Caller),
) -> Result<Option<String>> {
    sync(engine, gateway, By { actor, caller }).await.map(|refreshed| refreshed.error)
}

async fn sync(engine: &Engine, gateway: &Gateway, by: By<'_>) -> Result<Refreshed> {
    let started = Instant::now();
    let report = |error: Option<String>, plan: &Plan| Refreshed {
        gateway_id: gateway.id.clone(),
        error,
        tools: plan.tool_counts(),
        prompts: plan.prompts.counts(),
        resources: plan.resources.counts(),
        notes: plan.notes.clone(),
        duration: started.elapsed(),
        at: engine.clock().now(),
    };
    let withdrawals = engine.federation().withdrawals(&gateway.id);
    match discovery::fetch(engine, &target(gateway)).await {
        Ok(found) => match take_over(engine, (gateway, withdrawals), &found, by).await? {
            Some(plan) => Ok(report(None, &plan)),
            None => Ok(report(Some(reverse::GONE.to_owned()), &Plan::default())),
        },
        Err(error) => {
            let error = discovery::told(&error);
            lost(engine, &gateway.id, &error).await?;
            Ok(report(Some(error), &Plan::default()))
        }
    }
}

/// Stores what was found; `None` where whoever was asked is gone meanwhile.
async fn take_over(
    engine: &Engine,
    (asked, withdrawals): (&Gateway, u64),
    found: &Found,
    by: By<'_>,
) -> Result<Option<Plan>> {
    let _turn = engine.federation().turn().await;
    if engine.federation().withdrawals(&asked.id) != withdrawals {
        return Ok(None);
    }
    let missing = || Error::not_found("Gateway", asked.id.as_str());
    let row = store::gateways::get(engine.db(), &asked.id).await?.ok_or_else(missing)?;
    let before = opened(engine, row)?;
    if revision(&before) != revision(asked) {
        return Err(Error::Stale { kind: "Gateway", name: asked.id.as_str().to_owned() });
    }
    let now = engine.clock().now();
    let mut after = before.clone();
    discovery::describe(&mut after, found, now);
    let separator = &engine.settings().federation.name_separator;
    let record = federated(now, by.actor, by.caller);
    let rows = discovery::stored(engine, &after.id).await?;
    let taken = Taken::for_new(engine, &after).await?;
    let origin = Origin { gateway: &after, separator, record: &record, taken: &taken };
    let plan = discovery::plan(origin, rows, found);
    let news = !plan.is_empty() || served(&before) != served(&after);
    save(engine, (&before, &after), &plan, by, news).await?;
    if news {
        catalogue::changed(engine).await?;
    }
    Ok(Some(plan))
}

async fn save(
    engine: &Engine,
    (before, after): (&Gateway, &Gateway),
    plan: &Plan,
    by: By<'_>,
    news: bool,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    discovery::write(&mut tx, plan).await?;
    pinning::write(engine, &mut tx, (after, plan), by.actor, by.caller).await?;
    store::gateways::set_discovered(&mut tx, after).await?;
    if !before.reachable {
        discovery::answering(&mut tx, &after.id).await?;
    }
    if !plan.is_empty() {
        note(engine, &mut tx, after, plan, by).await?;
    }
    if news {
        store::sequences::bump(&mut tx, "catalogue").await?;
    }
    tx.commit().await
}

async fn note(engine: &Engine, tx: &mut store::Tx, gateway: &Gateway, plan: &Plan, by: By<'_>) -> Result<()> {
    let count = |counts: Counts| json!([counts.added, counts.updated, counts.removed]);
    let details = json!({
        "name": gateway.name, "tools": count(plan.tool_counts()),
        "prompts": count(plan.prompts.counts()), "resources": count(plan.resources.counts()),
    });
    let deed = audit::Deed::done("gateway.refresh", "gateway", gateway.id.as_str()).with(details);
    audit::record(engine, tx, by.actor, by.caller, deed).await
}

/// What of a gateway the catalogue serves and a discovery can change.
fn served(gateway: &Gateway) -> impl PartialEq + '_ {
    (gateway.reachable, &gateway.dialect, &gateway.capabilities, &gateway.instructions)
}

/// Marks a gateway and its items as not answering. Does nothing where they are marked already.
pub(crate) async fn lost(engine: &Engine, id: &GatewayId, error: &str) -> Result<()> {
    let Some(row) = store::gateways::get(engine.db(), id).await? else { return Ok(()) };
    if !row.gateway.reachable && row.gateway.last_error.as_deref() == Some(error) {
        return Ok(());
    }
    tracing::warn!(gateway = %row.gateway.name, error, "an upstream does not answer");
    let mut tx = engine.db().begin().await?;
    store::gateways::set_unreachable(&mut tx, id, error).await?;
    if row.gateway.reachable {
        store::sequences::bump(&mut tx, "catalogue").await?;
    }
    tx.commit().await?;
    if row.gateway.reachable {
        catalogue::changed(engine).await?;
    }
    Ok(())
}
