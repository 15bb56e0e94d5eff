//! Gateways: registered upstream MCP servers.
//!
//! What the API registers is probed before it is stored, and stored with everything it offers in one transaction.
//! What stands in the operator's file (`file`) can be listed here and changed only there. A row that the scope
//! does not show does not exist; credentials are decrypted here and nowhere else.

mod address;
mod change;
mod create;
pub mod credentials;
mod federation;
mod file;
mod input;
mod refresh;
mod reverse;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use domain::{
    Caller, Error, Owned, Result, Scope,
    gateway::{Gateway, UpstreamAuth},
    id::GatewayId,
    permission::grant,
};
use serde_json::json;
use store::gateways::GatewayRow;

pub(crate) use self::refresh::background;
pub use self::{
    change::{set_enabled, update},
    create::create,
    credentials::{AuthInput, MASK},
    federation::Federation,
    file::{sync_builtin, sync_file},
    input::{ChangeGateway, NewGateway},
    refresh::{Refreshed, refresh},
    reverse::{Published, publish, withdraw},
};
pub use crate::discovery::Counts;
use crate::{Engine, Permit, audit, catalogue, ownership, policy, query::Query};

/// How many tools, prompts and resources a gateway offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offer {
    /// Tools.
    pub tools: usize,
    /// Prompts.
    pub prompts: usize,
    /// Resources and templates.
    pub resources: usize,
}

/// The gateways that the actor sees, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    permit: &Permit<grant::GatewaysRead>,
    query: &Query,
) -> Result<Vec<Gateway>> {
    let rows = store::gateways::list(engine.db(), &permit.rows(), query).await?;
    Ok(rows.into_iter().map(|row| shown(permit, lenient(engine, row))).collect())
}

/// One gateway.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::GatewaysRead>, id: &str) -> Result<Gateway> {
    visible(engine, &permit.rows(), id).await.map(|row| shown(permit, lenient(engine, row)))
}

/// How much each of the gateways offers.
#[crate::boxed]
pub async fn offers(
    engine: &Engine,
    _permit: &Permit<grant::GatewaysRead>,
    gateways: &[Gateway],
) -> Result<HashMap<GatewayId, Offer>> {
    offers_of(engine, gateways).await
}

/// The offer of one gateway that was just changed by the same caller.
pub async fn offer_after<P: domain::Grant>(
    engine: &Engine,
    _permit: &Permit<P>,
    gateway: &Gateway,
) -> Result<Offer> {
    let mut offers = offers_of(engine, std::slice::from_ref(gateway)).await?;
    Ok(offers.remove(&gateway.id).unwrap_or_default())
}

async fn offers_of(engine: &Engine, gateways: &[Gateway]) -> Result<HashMap<GatewayId, Offer>> {
    let mut offers: HashMap<GatewayId, Offer> = HashMap::new();
    for (id, tools, prompts, resources) in store::gateways::offers(engine.db()).await? {
        offers.insert(id, Offer { tools, prompts, resources });
    }
    offers.retain(|id, _| gateways.iter().any(|gateway| gateway.id == *id));
    Ok(offers)
}

/// Removes a gateway with everything it offers.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<grant::GatewaysDelete>,
    caller: &Caller,
    id: &str,
) -> Result<()> {
    let gateway = visible(engine, permit.scope(), id).await?.gateway;
    ownership::may_change(permit, &gateway.owned)?;
    refuse_file(&gateway)?;
    let _turn = engine.federation().turn().await;
    let mut tx = engine.db().begin().await?;
    store::gateways::delete(&mut tx, &gateway.id).await?;
    let deed = audit::Deed::done("gateway.delete", "gateway", gateway.id.as_str())
        .with(json!({ "name": gateway.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    engine.pool().close(&gateway.id).await;
    catalogue::changed(engine).await
}

/// What readers of tools, prompts and resources are told of their gateway.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// How it is spoken to.
    pub transport: domain::gateway::Transport,
    /// Where it is; only for those who see the gateway itself.
    pub url: Option<String>,
    /// The kind of its credentials; only for those who see the gateway itself.
    pub auth_kind: Option<&'static str>,
}

/// The gateways behind items that the actor sees.
pub async fn sources<P>(engine: &Engine, permit: &Permit<P>) -> Result<HashMap<GatewayId, Source>> {
    let of = |gateway: Gateway| {
        let (actor, reads) = (permit.actor(), domain::Permission::GatewaysRead);
        let seen = actor.may(reads) && policy::reaches(actor, reads, &gateway.owned);
        let auth_kind = gateway.auth.kind().filter(|_| seen);
        let source = Source {
            name: gateway.name,
            slug: gateway.slug,
            transport: gateway.transport,
            url: seen.then(|| shown_url(permit, &gateway.owned, gateway.url)),
            auth_kind,
        };
        (gateway.id, source)
    };
    Ok(load_all(engine).await?.into_iter().map(of).collect())
}

/// A gateway as the actor may see it: the secrets in its URL are for those who may change it.
fn shown<P>(permit: &Permit<P>, gateway: Gateway) -> Gateway {
    let url = shown_url(permit, &gateway.owned, gateway.url);
    Gateway { url, ..gateway }
}

fn shown_url<P>(permit: &Permit<P>, owned: &Owned, url: String) -> String {
    let changes = policy::narrow::<grant::GatewaysUpdate, _>(permit);
    if changes.is_ok_and(|permit| permit.may_change(owned)) { url } else { address::masked(&url) }
}

/// Every gateway with its credentials, for the catalogue. One whose credentials do not open is switched off in
/// what is returned: it must not be called without them, and must not keep the others from being served.
pub(crate) async fn load_all(engine: &Engine) -> Result<Vec<Gateway>> {
    let rows = store::gateways::all(engine.db()).await?;
    Ok(rows.into_iter().map(|row| lenient(engine, row)).collect())
}

/// Where a gateway is and how it is spoken to.
pub(crate) fn target(gateway: &Gateway) -> upstream::Target {
    upstream::Target {
        gateway: gateway.id.clone(),
        name: gateway.name.clone(),
        url: gateway.url.clone(),
        transport: gateway.transport,
        auth: gateway.auth.clone(),
        protocol: gateway.protocol,
        dialect: gateway.dialect.clone(),
        revision: revision(gateway),
    }
}

/// A number that changes when connections to the upstream have to be made anew, and not when a person edits a
/// description. It is compared within one process only.
pub(crate) fn revision(gateway: &Gateway) -> i64 {
    let mut hasher = DefaultHasher::new();
    (&gateway.url, gateway.transport, gateway.protocol as u8).hash(&mut hasher);
    gateway.auth.kind().hash(&mut hasher);
    match &gateway.auth {
        UpstreamAuth::None => {}
        UpstreamAuth::Basic { username, password } => (username, password.expose()).hash(&mut hasher),
        UpstreamAuth::Bearer { token } => token.expose().hash(&mut hasher),
        UpstreamAuth::Headers(headers) => {
            for (name, value) in headers {
                (name, value.expose()).hash(&mut hasher);
            }
        }
    }
    hasher.finish().cast_signed()
}

/// The gateway behind an item that the actor sees, without its credentials.
pub(crate) async fn owner_of(engine: &Engine, id: &GatewayId) -> Result<Gateway> {
    let row = store::gateways::get(engine.db(), id).await?;
    row.map(|row| row.gateway).ok_or_else(|| Error::not_found("Gateway", id.as_str()))
}

/// The id of a gateway that `scope` sees.
pub(crate) async fn id_of(engine: &Engine, scope: &Scope, id: &str) -> Result<GatewayId> {
    visible(engine, scope, id).await.map(|row| row.gateway.id)
}

async fn visible(engine: &Engine, scope: &Scope, id: &str) -> Result<GatewayRow> {
    let missing = || Error::not_found("Gateway", id);
    let parsed = GatewayId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(missing)?;
    let row = store::gateways::get(engine.db(), &parsed).await?;
    row.filter(|row| scope.sees(&row.gateway.owned)).ok_or_else(missing)
}

/// The gateway with its credentials; fails where they do not open.
fn opened(engine: &Engine, row: GatewayRow) -> Result<Gateway> {
    let auth = credentials::open(engine.keys(), &row.gateway.id, row.sealed_auth.as_deref())?;
    Ok(Gateway { auth, ..row.gateway })
}

fn lenient(engine: &Engine, row: GatewayRow) -> Gateway {
    match credentials::open(engine.keys(), &row.gateway.id, row.sealed_auth.as_deref()) {
        Ok(auth) => Gateway { auth, ..row.gateway },
        Err(error) => {
            tracing::error!(%error, gateway = %row.gateway.id, "a gateway is switched off until its credentials are set again");
            let last_error = Some("its stored credentials do not open; set them again".to_owned());
            Gateway { enabled: false, reachable: false, last_error, ..row.gateway }
        }
    }
}

/// Whether a gateway is the operator's, from the servers file or built in.
pub fn is_from_file(gateway: &Gateway) -> bool {
    gateway.record.created_via == file::VIA
}

fn refuse_file(gateway: &Gateway) -> Result<()> {
    if is_from_file(gateway) {
        let name = &gateway.name;
        let text =
            format!("Gateway {name} comes from the operator's servers file; change it there and restart");
        return Err(Error::Refused(text));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
