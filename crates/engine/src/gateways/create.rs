//! Registering a gateway: check, probe, store; in this order, and nothing is stored of what could not be probed.

use domain::{
    Caller, Error, Problem, Result, Scope, Timestamp,
    gateway::{Gateway, UpstreamAuth},
    id::GatewayId,
    permission::grant,
    record::Record,
};
use serde_json::json;

use super::{
    address, credentials,
    input::{Checked, NewGateway, all_right},
    target,
};
use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::{self, Found, merging::Origin, pinning, taken::Taken},
    ownership,
};

/// Registers a gateway with everything it offers.
#[crate::boxed]
pub async fn create(
    engine: &Engine,
    permit: &Permit<grant::GatewaysCreate>,
    caller: &Caller,
    new: NewGateway,
) -> Result<Gateway> {
    let (checked, mut problems) = new.check(&engine.settings().federation.name_separator);
    problems.extend(url_problem(engine, &new.url, &problems).await);
    let checked = all_right(checked, problems)?;
    let texts =
        [Text::metadata("name", Some(&new.name)), Text::metadata("description", new.description.as_deref())];
    let texts = texts.into_iter().flatten().chain(Text::tags(Some(&new.tags)));
    content_security::screen(engine, &permit.actor().email, caller, ("gateway", &checked.name), texts)
        .await?;
    let owned = ownership::of_new(engine, permit, &new.wish).await?;
    refuse_clash(engine, permit.scope(), &checked, None).await?;
    let now = engine.clock().now();
    let record = ownership::made(now, &permit.actor().email, caller);
    let mut gateway = Gateway { owned, ..unprobed(GatewayId::random(), checked, record) };
    take_in(engine, permit, caller, &mut gateway).await?;
    Ok(gateway)
}

/// Asks a new gateway what it offers, and stores both.
pub(super) async fn take_in(
    engine: &Engine,
    permit: &Permit<grant::GatewaysCreate>,
    caller: &Caller,
    gateway: &mut Gateway,
) -> Result<()> {
    let stored = match probe(engine, gateway).await {
        Ok(found) => store_new(engine, permit, caller, gateway, found).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        engine.pool().close(&gateway.id).await;
        return Err(error);
    }
    catalogue::changed(engine).await
}

async fn store_new(
    engine: &Engine,
    permit: &Permit<grant::GatewaysCreate>,
    caller: &Caller,
    gateway: &mut Gateway,
    found: Found,
) -> Result<()> {
    let now = engine.clock().now();
    discovery::describe(gateway, &found, now);
    let record = federated(now, &permit.actor().email, caller);
    let separator = &engine.settings().federation.name_separator;
    let sealed = credentials::seal(engine.keys(), &gateway.id, &gateway.auth)?;

    let _turn = engine.federation().turn().await;
    // Somebody may have taken the name while the upstream was asked.
    refuse_clash(engine, permit.scope(), &Checked::of(gateway), None).await?;
    let taken = Taken::for_new(engine, gateway).await?;
    let origin = Origin { gateway, separator, record: &record, taken: &taken };
    let plan = discovery::plan(origin, discovery::Stored::default(), &found);
    let mut tx = engine.db().begin().await?;
    store::gateways::insert(&mut tx, gateway, sealed.as_deref()).await?;
    discovery::write(&mut tx, &plan).await?;
    pinning::write(engine, &mut tx, (gateway, &plan), &permit.actor().email, caller).await?;
    let details = json!({
        "name": gateway.name, "transport": gateway.transport, "visibility": gateway.owned.visibility,
        "tools": plan.tools.add.len(), "prompts": plan.prompts.add.len(), "resources": plan.resources.add.len(),
    });
    let deed = audit::Deed::done("gateway.create", "gateway", gateway.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await
}

/// The record of what discovery makes: by whom, and that it came from an upstream.
pub(super) fn federated(now: Timestamp, by: &str, caller: &Caller) -> Record {
    ownership::made(now, by, &Caller { via: "federation", ..caller.clone() })
}

/// A gateway as it is before anybody asked it.
pub(super) fn unprobed(id: GatewayId, checked: Checked, record: Record) -> Gateway {
    Gateway {
        id,
        name: checked.name,
        slug: checked.slug,
        url: checked.url,
        description: checked.description,
        transport: checked.transport,
        auth: checked.auth,
        protocol: checked.protocol,
        dialect: None,
        capabilities: "{}".to_owned(),
        server_info: None,
        instructions: None,
        enabled: true,
        reachable: false,
        last_seen: None,
        last_refresh_at: None,
        last_error: None,
        skipped_tools: Vec::new(),
        passthrough_headers: checked.passthrough_headers,
        refresh_interval_seconds: checked.refresh_interval_seconds,
        tags: checked.tags,
        owned: domain::Owned {
            visibility: domain::Visibility::Private,
            team_id: None,
            owner_email: record.created_by.clone(),
        },
        record,
    }
}

/// Asks an upstream that is not stored yet.
pub(super) async fn probe(engine: &Engine, gateway: &Gateway) -> Result<Found> {
    discovery::fetch(engine, &target(gateway)).await.map_err(|error| match error {
        internal @ (Error::Internal(_) | Error::Unavailable(_)) => internal,
        error => Error::upstream(format!(
            "Failed to initialize gateway at {}: {error}",
            address::masked(&gateway.url)
        )),
    })
}

/// Whether the outbound policy would refuse the URL; not asked where the URL is wrong already.
pub(super) async fn url_problem(engine: &Engine, url: &str, known: &[Problem]) -> Option<Problem> {
    if known.iter().any(|problem| problem.field == "url") {
        return None;
    }
    let message = match engine.egress().check_url(url.trim()).await {
        Ok(_) => return None,
        Err(Error::Invalid(problems)) => {
            problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ")
        }
        Err(error) => discovery::told(&error),
    };
    Some(Problem { field: "url".to_owned(), message })
}

/// Refuses a name that somebody whom the actor sees has, and the same upstream with the same credentials. Credentials
/// of others are not compared: the answer would tell whether a guess was right.
pub(super) async fn refuse_clash(
    engine: &Engine,
    scope: &Scope,
    wanted: &Checked,
    except: Option<&GatewayId>,
) -> Result<()> {
    let seen = |other: &&Gateway| scope.sees(&other.owned) && Some(&other.id) != except;
    for other in super::load_all(engine).await?.iter().filter(seen) {
        if other.slug == wanted.slug {
            return Err(Error::AlreadyExists { kind: "Gateway".to_owned(), name: wanted.name.clone() });
        }
        let known = other.auth == UpstreamAuth::None || is_mine(scope, &other.owned.owner_email);
        let same = other.url == wanted.url && other.transport == wanted.transport;
        if same && known && other.auth == wanted.auth {
            let kind = "Gateway with this URL and these credentials".to_owned();
            return Err(Error::AlreadyExists { kind, name: other.name.clone() });
        }
    }
    Ok(())
}

fn is_mine(scope: &Scope, owner: &str) -> bool {
    match scope {
        Scope::PublicOnly => false,
        Scope::Teams { email, .. } | Scope::Unrestricted { email } => email == owner,
    }
}

impl Checked {
    /// The members of a gateway that an input could name.
    pub(super) fn of(gateway: &Gateway) -> Self {
        Self {
            name: gateway.name.clone(),
            slug: gateway.slug.clone(),
            url: gateway.url.clone(),
            description: gateway.description.clone(),
            transport: gateway.transport,
            protocol: gateway.protocol,
            auth: gateway.auth.clone(),
            passthrough_headers: gateway.passthrough_headers.clone(),
            refresh_interval_seconds: gateway.refresh_interval_seconds,
            tags: gateway.tags.clone(),
        }
    }
}
