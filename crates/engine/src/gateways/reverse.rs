//! Gateways behind a connection that a program opened to this one (`crate::reverse_proxy`).
//!
//! The program's owner and the name that it gives make the gateway: it is registered the first time, private unless the
//! program says otherwise, and found again every other time, with what people have made of it meanwhile. While nobody is
//! connected, it is marked as not answering. Invariant: nobody serves a gateway of somebody else's.

use domain::{
    Caller, Error, Result, Visibility,
    gateway::{Gateway, ProtocolChoice, Transport, UpstreamAuth},
    id::GatewayId,
    name,
    permission::grant,
};
use tokio::io::DuplexStream;
use upstream::attached::SCHEME;

use super::{
    create::{refuse_clash, take_in, unprobed},
    input::Checked,
    refresh,
};
use crate::{
    Engine, Permit, content_security, content_security::Text, ownership, ownership::Wish, reverse_proxy::Mark,
};

/// Why a gateway that nobody serves does not answer.
pub(super) const GONE: &str = "The program that serves it is not connected";

/// What a program wants to serve.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Who may use it; private where nothing is said.
    pub wish: Wish,
}

/// Whether a gateway is one of these.
pub(super) fn is_reverse(gateway: &Gateway) -> bool {
    gateway.url.starts_with(SCHEME)
}

/// Serves a gateway over a connection, from now on and for as long as that lasts. What `mark` then says is served is
/// to be withdrawn when the connection ends, also where this came to nothing or was not waited for.
#[crate::boxed]
pub async fn publish(
    engine: &Engine,
    permit: &Permit<grant::GatewaysCreate>,
    caller: &Caller,
    (published, connection): (Published, DuplexStream),
    mark: Mark,
) -> Result<Gateway> {
    let name = published.name.trim();
    name::check_name("name", name).map_err(|problem| Error::Invalid(vec![problem]))?;
    let owner = permit.actor().email.clone();
    let key = format!("{owner}/{name}");
    let url = format!("{SCHEME}{key}");
    let known = super::load_all(engine).await?;
    let known = known.into_iter().find(|gateway| gateway.url == url && gateway.owned.owner_email == owner);
    let Some(gateway) = known else {
        let id = GatewayId::random();
        mark.serves(&id);
        engine.pool().attached().offer(&key, connection);
        return create(engine, permit, caller, (published, url, id)).await;
    };
    if !gateway.enabled {
        return Err(Error::Refused(format!("Gateway {} is switched off; switch it on first", gateway.name)));
    }
    mark.serves(&gateway.id);
    // What is left of an earlier connection does not stand in the way of this one.
    engine.pool().close(&gateway.id).await;
    engine.pool().attached().offer(&key, connection);
    match refresh::again(engine, &gateway, (&owner, caller)).await? {
        None => Ok(gateway),
        Some(error) => Err(Error::upstream(error)),
    }
}

async fn create(
    engine: &Engine,
    permit: &Permit<grant::GatewaysCreate>,
    caller: &Caller,
    (published, url, id): (Published, String, GatewayId),
) -> Result<Gateway> {
    let name = published.name.trim().to_owned();
    let slug = name::slug(&name, &engine.settings().federation.name_separator);
    if slug.is_empty() {
        return Err(Error::invalid("name", "must have a letter or a digit"));
    }
    let texts = [
        Text::metadata("name", Some(&name)),
        Text::metadata("description", published.description.as_deref()),
    ];
    let actor = &permit.actor().email;
    content_security::screen(engine, actor, caller, ("gateway", &name), texts.into_iter().flatten()).await?;
    let visibility = published.wish.visibility.unwrap_or(Visibility::Private);
    let wish = Wish { visibility: Some(visibility), ..published.wish };
    let owned = ownership::of_new(engine, permit, &wish).await?;
    let checked = Checked {
        name,
        slug,
        url,
        description: published.description,
        transport: Transport::Stdio,
        protocol: ProtocolChoice::Auto,
        auth: UpstreamAuth::None,
        passthrough_headers: Vec::new(),
        refresh_interval_seconds: None,
        tags: Vec::new(),
    };
    refuse_clash(engine, permit.scope(), &checked, None).await?;
    let record = ownership::made(engine.clock().now(), actor, caller);
    let mut gateway = Gateway { owned, ..unprobed(id, checked, record) };
    take_in(engine, permit, caller, &mut gateway).await?;
    Ok(gateway)
}

/// Notes that nobody serves a gateway any more.
#[crate::boxed]
pub async fn withdraw(engine: &Engine, gateway: &GatewayId) {
    if engine.reverse_sessions().serves(gateway) {
        // It is back already, over another connection.
        return;
    }
    engine.pool().close(gateway).await;
    // A refresh that is under way has written what it read, or sees that it comes too late.
    let _turn = engine.federation().turn().await;
    engine.federation().withdrawn(gateway);
    if let Err(error) = refresh::lost(engine, gateway, GONE).await {
        tracing::warn!(%error, %gateway, "a gateway whose connection ended could not be marked");
    }
}
