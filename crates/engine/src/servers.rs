//! Virtual servers: chosen tools, prompts and resources under one address.
//!
//! What is chosen must be visible to whoever chooses, and may not be shown further than it is visible itself. The
//! names that a server shows are those of its items at the time of the call; nothing is copied.

mod choice;
mod input;

use std::collections::{HashMap, HashSet};

use domain::{
    Caller, Error, Owned, Result, Scope,
    id::{PromptId, ResourceId, ServerId, ToolId},
    item::{Prompt, Resource, Tool},
    permission::grant,
    server::Server,
};
use serde_json::json;

use self::input::Checked;
pub use self::input::{ChangeServer, Choice, NewServer};
use crate::{
    Engine, Permit, audit, catalogue, content_security, content_security::Text, ownership, policy,
    query::Query,
};

/// The servers that the actor sees, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    permit: &Permit<grant::ServersRead>,
    query: &Query,
) -> Result<Vec<Server>> {
    store::servers::list(engine.db(), &permit.rows(), query).await
}

/// One server.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::ServersRead>, id: &str) -> Result<Server> {
    visible(engine, &permit.rows(), id).await
}

/// Makes a virtual server.
#[crate::boxed]
pub async fn create(
    engine: &Engine,
    permit: &Permit<grant::ServersCreate>,
    caller: &Caller,
    new: NewServer,
) -> Result<Server> {
    let checked = new.check()?;
    let texts = [Text::metadata("name", Some(&checked.name)), described(new.description.as_deref())];
    let texts = texts.into_iter().flatten().chain(Text::tags(Some(&new.tags)));
    screened(engine, permit, caller, &checked.name, texts).await?;
    let owned = ownership::of_new(engine, permit, &new.wish).await?;
    let chosen = choice::look_up(engine, permit.scope(), &checked.choice).await?;
    choice::refuse_wider(&chosen, &owned)?;
    choice::refuse_collisions(&chosen, checked.prefix)?;
    let id = match new.id.as_deref() {
        None => ServerId::random(),
        Some(text) => ServerId::parse(text).ok_or_else(|| Error::invalid("id", "must be a UUID"))?,
    };
    let record = ownership::made(engine.clock().now(), &permit.actor().email, caller);
    let server = Server { id, owned, record, ..blank(checked) };
    let _turn = engine.federation().turn().await;
    if store::servers::get(engine.db(), &server.id).await?.is_some() {
        return Err(Error::AlreadyExists { kind: "Server".to_owned(), name: server.id.as_str().to_owned() });
    }
    refuse_taken(engine, permit.scope(), &server).await?;
    let mut tx = engine.db().begin().await?;
    store::servers::insert(&mut tx, &server).await?;
    note(engine, &mut tx, &permit.actor().email, caller, ("server.create", &server)).await?;
    tx.commit().await?;
    catalogue::changed(engine).await?;
    Ok(server)
}

/// Changes a virtual server.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<grant::ServersUpdate>,
    caller: &Caller,
    id: &str,
    change: ChangeServer,
) -> Result<Server> {
    let before = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &before.owned)?;
    let checked = change.check(&before)?;
    let texts = [Text::metadata("name", change.name.as_deref()), described(change.description.as_deref())];
    let texts = texts.into_iter().flatten().chain(Text::tags(change.tags.as_deref()));
    screened(engine, permit, caller, id, texts).await?;
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    let chosen = choice::look_up_changed(engine, permit.scope(), &checked.choice, &before).await?;
    choice::refuse_wider(&chosen, &owned)?;
    choice::refuse_collisions(&chosen, checked.prefix)?;
    let version = before.record.version;
    let (id, record) = (before.id.clone(), before.record.clone());
    let mut after = Server { id, owned, record, enabled: before.enabled, ..blank(checked) };
    if after == before {
        return Ok(before);
    }
    ownership::changed(&mut after.record, engine.clock().now(), &permit.actor().email, caller);
    let _turn = engine.federation().turn().await;
    refuse_taken(engine, permit.scope(), &after).await?;
    save(engine, permit, caller, ("server.update", &after), version).await?;
    after.record.version = version + 1;
    Ok(after)
}

/// Switches a virtual server on or off.
#[crate::boxed]
pub async fn set_enabled(
    engine: &Engine,
    permit: &Permit<grant::ServersUpdate>,
    caller: &Caller,
    id: &str,
    enabled: bool,
) -> Result<Server> {
    let mut server = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &server.owned)?;
    if server.enabled == enabled {
        return Ok(server);
    }
    let version = server.record.version;
    server.enabled = enabled;
    ownership::changed(&mut server.record, engine.clock().now(), &permit.actor().email, caller);
    let action = if enabled { "server.activate" } else { "server.deactivate" };
    save(engine, permit, caller, (action, &server), version).await?;
    server.record.version = version + 1;
    Ok(server)
}

/// Removes a virtual server; its items stay.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<grant::ServersDelete>,
    caller: &Caller,
    id: &str,
) -> Result<()> {
    let server = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &server.owned)?;
    let mut tx = engine.db().begin().await?;
    store::servers::delete(&mut tx, &server.id).await?;
    note(engine, &mut tx, &permit.actor().email, caller, ("server.delete", &server)).await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

/// The tools of a server that the actor sees, in the server's order.
#[crate::boxed]
pub async fn tools(
    engine: &Engine,
    permit: &Permit<grant::ServersRead>,
    id: &str,
    inactive: bool,
) -> Result<Vec<Tool>> {
    let reader = policy::narrow::<grant::ToolsRead, _>(permit)?;
    let server = visible(engine, &permit.rows(), id).await?;
    let rows = store::tools::by_ids(engine.db(), &reader.rows(), &server.tools).await?;
    Ok(rows.into_iter().filter(|tool| inactive || tool.enabled).collect())
}

/// The prompts of a server that the actor sees.
#[crate::boxed]
pub async fn prompts(
    engine: &Engine,
    permit: &Permit<grant::ServersRead>,
    id: &str,
    inactive: bool,
) -> Result<Vec<Prompt>> {
    let reader = policy::narrow::<grant::PromptsRead, _>(permit)?;
    let server = visible(engine, &permit.rows(), id).await?;
    let rows = store::prompts::by_ids(engine.db(), &reader.rows(), &server.prompts).await?;
    Ok(rows.into_iter().filter(|prompt| inactive || prompt.enabled).collect())
}

/// The resources of a server that the actor sees.
#[crate::boxed]
pub async fn resources(
    engine: &Engine,
    permit: &Permit<grant::ServersRead>,
    id: &str,
    inactive: bool,
) -> Result<Vec<Resource>> {
    let reader = policy::narrow::<grant::ResourcesRead, _>(permit)?;
    let server = visible(engine, &permit.rows(), id).await?;
    let rows = store::resources::by_ids(engine.db(), &reader.rows(), &server.resources).await?;
    Ok(rows.into_iter().filter(|resource| inactive || resource.enabled).collect())
}

/// The items of servers that a reader may know of.
#[derive(Debug, Default)]
pub struct Shown {
    /// Tools with their public names.
    pub tools: HashMap<ToolId, String>,
    /// Prompts.
    pub prompts: HashSet<PromptId>,
    /// Resources and templates.
    pub resources: HashSet<ResourceId>,
}

/// Which items of these servers the actor may know of.
pub async fn shown<P>(engine: &Engine, permit: &Permit<P>, servers: &[Server]) -> Result<Shown> {
    let ids = Choice {
        tools: servers.iter().flat_map(|server| server.tools.iter().cloned()).collect(),
        prompts: servers.iter().flat_map(|server| server.prompts.iter().cloned()).collect(),
        resources: servers.iter().flat_map(|server| server.resources.iter().cloned()).collect(),
    };
    let rows = choice::readable(engine, permit.actor(), &ids).await?;
    Ok(Shown {
        tools: rows.tools.into_iter().map(|tool| (tool.id, tool.name)).collect(),
        prompts: rows.prompts.into_iter().map(|prompt| prompt.id).collect(),
        resources: rows.resources.into_iter().map(|resource| resource.id).collect(),
    })
}

fn blank(checked: Checked) -> Server {
    let now = domain::Timestamp(0);
    Server {
        id: ServerId::from_stored(String::new()),
        name: checked.name,
        description: checked.description,
        icon: checked.icon,
        enabled: true,
        prefix: checked.prefix,
        tools: checked.choice.tools,
        prompts: checked.choice.prompts,
        resources: checked.choice.resources,
        tags: checked.tags,
        owned: Owned { visibility: domain::Visibility::Private, team_id: None, owner_email: String::new() },
        record: ownership::made(now, "", &Caller::default()),
    }
}

fn described(description: Option<&str>) -> Option<Text<'_>> {
    Text::metadata("description", description)
}

async fn screened<'a, P>(
    engine: &Engine,
    permit: &Permit<P>,
    caller: &Caller,
    id: &str,
    texts: impl Iterator<Item = Text<'a>> + Send,
) -> Result<()> {
    content_security::screen(engine, &permit.actor().email, caller, ("server", id), texts).await
}

async fn save<P>(
    engine: &Engine,
    permit: &Permit<P>,
    caller: &Caller,
    (action, server): (&str, &Server),
    version: i64,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::servers::update(&mut tx, server, version).await?;
    note(engine, &mut tx, &permit.actor().email, caller, (action, server)).await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn note(
    engine: &Engine,
    tx: &mut store::Tx,
    actor: &str,
    caller: &Caller,
    (action, server): (&str, &Server),
) -> Result<()> {
    let details = json!({
        "name": server.name, "visibility": server.owned.visibility, "enabled": server.enabled,
        "tools": server.tools.len(), "prompts": server.prompts.len(), "resources": server.resources.len(),
    });
    let deed = audit::Deed::done(action, "server", server.id.as_str()).with(details);
    audit::record(engine, tx, actor, caller, deed).await?;
    store::sequences::bump(tx, "catalogue").await.map(|_| ())
}

/// A name is taken among public servers, within a team, or among one's own private servers.
async fn refuse_taken(engine: &Engine, scope: &Scope, server: &Server) -> Result<()> {
    let same = |other: &Server| {
        let (a, b) = (&other.owned, &server.owned);
        other.id != server.id
            && other.name == server.name
            && a.visibility == b.visibility
            && match b.visibility {
                domain::Visibility::Public => true,
                domain::Visibility::Team => a.team_id == b.team_id,
                domain::Visibility::Private => a.owner_email == b.owner_email,
            }
    };
    let taken =
        store::servers::all(engine.db()).await?.iter().any(|other| scope.sees(&other.owned) && same(other));
    if taken {
        let kind = ownership::kind(&server.owned, "Server");
        return Err(Error::AlreadyExists { kind, name: server.name.clone() });
    }
    Ok(())
}

async fn visible(engine: &Engine, scope: &Scope, id: &str) -> Result<Server> {
    let missing = || Error::not_found("Server", id);
    let parsed = ServerId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(missing)?;
    let server = store::servers::get(engine.db(), &parsed).await?;
    server.filter(|server| scope.sees(&server.owned)).ok_or_else(missing)
}

#[cfg(test)]
pub(crate) mod tests;
