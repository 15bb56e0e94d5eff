//! Changing a gateway. Where the change is about the connection, the new one is probed before it is stored, beside
//! the present one, which serves calls until the moment of the change.

use domain::{
    Caller, Owned, Result,
    gateway::{Gateway, UpstreamAuth},
    id::GatewayId,
    permission::grant,
};
use serde_json::json;

use super::{
    create::{federated, probe, refuse_clash, url_problem},
    credentials,
    input::{ChangeGateway, Checked, all_right},
    opened, refuse_file, revision, visible,
};
use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::{self, Found, Plan, Stored, carried, merging::Origin, pinning, taken::Taken},
    ownership,
};

/// Changes a gateway.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<grant::GatewaysUpdate>,
    caller: &Caller,
    id: &str,
    change: ChangeGateway,
) -> Result<Gateway> {
    let before = changeable(engine, permit, id, !change.auth.is_silent()).await?;
    refuse_file(&before)?;
    let now = Checked::of(&before);
    let (checked, mut problems) = change.check(&now, &engine.settings().federation.name_separator);
    if let Some(url) = change.new_url(&now) {
        problems.extend(url_problem(engine, url, &problems).await);
    }
    let checked = all_right(checked, problems)?;
    let texts = [
        Text::metadata("name", change.name.as_deref()),
        Text::metadata("description", change.description.as_deref()),
    ];
    let texts = texts.into_iter().flatten().chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, &permit.actor().email, caller, ("gateway", id), texts).await?;
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    refuse_clash(engine, permit.scope(), &checked, Some(&before.id)).await?;
    let mut after = changed(before.clone(), checked, owned);
    // New credentials may take the place of stored ones that do not open, which are not seen here.
    let opened = change.auth.is_silent() || before.auth != UpstreamAuth::None;
    if opened && differences(&before, &after).is_empty() {
        return Ok(before);
    }
    let moved = revision(&after) != revision(&before);
    let found = if moved { Some(probe_beside(engine, &after).await?) } else { None };
    ownership::changed(&mut after.record, engine.clock().now(), &permit.actor().email, caller);
    store_change(engine, permit, caller, (&before, &mut after), found).await?;
    catalogue::changed(engine).await?;
    after.record.version += 1;
    Ok(after)
}

/// Switches a gateway on or off. Its items stay, and are served again when it is switched on.
#[crate::boxed]
pub async fn set_enabled(
    engine: &Engine,
    permit: &Permit<grant::GatewaysUpdate>,
    caller: &Caller,
    id: &str,
    enabled: bool,
) -> Result<Gateway> {
    let mut gateway = changeable(engine, permit, id, false).await?;
    refuse_file(&gateway)?;
    if gateway.enabled == enabled {
        return Ok(gateway);
    }
    let version = gateway.record.version;
    gateway.enabled = enabled;
    ownership::changed(&mut gateway.record, engine.clock().now(), &permit.actor().email, caller);
    let sealed = credentials::seal(engine.keys(), &gateway.id, &gateway.auth)?;
    let action = if enabled { "gateway.activate" } else { "gateway.deactivate" };
    let mut tx = engine.db().begin().await?;
    store::gateways::update(&mut tx, &gateway, sealed.as_deref(), version).await?;
    let deed =
        audit::Deed::done(action, "gateway", gateway.id.as_str()).with(json!({ "name": gateway.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    if !enabled {
        engine.pool().close(&gateway.id).await;
    }
    catalogue::changed(engine).await?;
    gateway.record.version += 1;
    Ok(gateway)
}

/// The row, where the actor sees it and may change it. Credentials that do not open are no obstacle to setting
/// new ones.
async fn changeable(
    engine: &Engine,
    permit: &Permit<grant::GatewaysUpdate>,
    id: &str,
    new_auth: bool,
) -> Result<Gateway> {
    let row = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &row.gateway.owned)?;
    let bare = row.gateway.clone();
    match opened(engine, row) {
        Err(_) if new_auth => Ok(Gateway { auth: UpstreamAuth::None, ..bare }),
        other => other,
    }
}

fn changed(before: Gateway, checked: Checked, owned: Owned) -> Gateway {
    Gateway {
        name: checked.name,
        slug: checked.slug,
        url: checked.url,
        description: checked.description,
        transport: checked.transport,
        protocol: checked.protocol,
        auth: checked.auth,
        passthrough_headers: checked.passthrough_headers,
        refresh_interval_seconds: checked.refresh_interval_seconds,
        tags: checked.tags,
        owned,
        ..before
    }
}

/// Probes under an id of its own, so that nothing of the present connection is touched.
async fn probe_beside(engine: &Engine, after: &Gateway) -> Result<Found> {
    let beside = Gateway { id: GatewayId::random(), dialect: None, ..after.clone() };
    let found = probe(engine, &beside).await;
    engine.pool().close(&beside.id).await;
    found
}

async fn store_change(
    engine: &Engine,
    permit: &Permit<grant::GatewaysUpdate>,
    caller: &Caller,
    (before, after): (&Gateway, &mut Gateway),
    found: Option<Found>,
) -> Result<()> {
    let now = engine.clock().now();
    let separator = &engine.settings().federation.name_separator;
    let record = federated(now, &permit.actor().email, caller);
    if let Some(found) = &found {
        discovery::describe(after, found, now);
    }
    let sealed = credentials::seal(engine.keys(), &after.id, &after.auth)?;

    let _turn = engine.federation().turn().await;
    refuse_clash(engine, permit.scope(), &Checked::of(after), Some(&after.id)).await?;
    let rows = discovery::stored(engine, &after.id).await?;
    let taken = Taken::for_changed(engine, before, after).await?;
    let origin = Origin { gateway: after, separator, record: &record, taken: &taken };
    let plan = items_after(origin, rows, found.as_ref(), (&before.owned, &after.owned));
    let mut tx = engine.db().begin().await?;
    store::gateways::update(&mut tx, after, sealed.as_deref(), before.record.version).await?;
    discovery::write(&mut tx, &plan).await?;
    pinning::write(engine, &mut tx, (after, &plan), &permit.actor().email, caller).await?;
    if found.is_some() && !before.reachable {
        discovery::answering(&mut tx, &after.id).await?;
    }
    let details = json!({ "name": after.name, "changed": differences(before, after) });
    let deed = audit::Deed::done("gateway.update", "gateway", after.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await
}

/// The items after the change: newly discovered or only renamed, and owned as their gateway now is.
fn items_after(origin: Origin<'_>, rows: Stored, found: Option<&Found>, owned: (&Owned, &Owned)) -> Plan {
    let (before, after) = owned;
    let mut plan = match found {
        Some(found) => discovery::plan(origin, rows.clone(), found),
        None => discovery::rename(origin, rows.clone()),
    };
    plan.reown(rows, &origin.taken.uris, |item| carried(item, before, after));
    plan
}

/// The names of the members that changed, for the audit record. Values could be secrets and stay out.
fn differences(before: &Gateway, after: &Gateway) -> Vec<&'static str> {
    let pairs = [
        ("name", before.name != after.name),
        ("url", before.url != after.url),
        ("description", before.description != after.description),
        ("transport", before.transport != after.transport),
        ("protocol", before.protocol != after.protocol),
        ("auth", before.auth != after.auth),
        ("passthrough_headers", before.passthrough_headers != after.passthrough_headers),
        ("refresh_interval_seconds", before.refresh_interval_seconds != after.refresh_interval_seconds),
        ("tags", before.tags != after.tags),
        ("owned", before.owned != after.owned),
    ];
    pairs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
