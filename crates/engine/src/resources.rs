//! Resources and resource templates as people see and change them. The content of what upstreams offer stays there;
//! what is registered here is made and changed in `local`.

mod local;

use domain::{Caller, Error, Result, Scope, id::ResourceId, item::Resource, permission::grant, record::Tag};
use serde_json::json;
use store::claims::Claim;

pub use self::local::{NewResource, create};

use crate::{
    Engine, Permit, audit, catalogue, content_security, content_security::Text, discovery::taken, gateways,
    ownership, ownership::Wish, query::Query,
};

/// A change of a resource; absent members stay as they are. What the upstream says of it cannot be changed here.
#[derive(Debug, Clone, Default)]
pub struct ChangeResource {
    /// The URI, of a resource that is registered here.
    pub uri: Option<String>,
    /// The media type, of a resource that is registered here.
    pub mime_type: Option<String>,
    /// The text, of a resource that is registered here.
    pub content: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Who may know of it; never more people than know its gateway.
    pub wish: Wish,
}

/// The resources that the actor sees, newest first; templates where `templates` is set.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    permit: &Permit<grant::ResourcesRead>,
    templates: bool,
    query: &Query,
) -> Result<Vec<Resource>> {
    store::resources::list(engine.db(), &permit.rows(), templates, query).await
}

/// One resource.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::ResourcesRead>, id: &str) -> Result<Resource> {
    visible(engine, &permit.rows(), id).await
}

/// Changes a resource.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<grant::ResourcesUpdate>,
    caller: &Caller,
    id: &str,
    change: ChangeResource,
) -> Result<Resource> {
    let before = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &before.owned)?;
    if before.gateway_id.is_here() {
        return local::update(engine, permit, caller, before, change).await;
    }
    if change.content.is_some() {
        return Err(Error::invalid("content", "is its upstream's and cannot be changed here"));
    }
    let tags = check(&before, &change)?;
    let texts = [
        Text::metadata("name", change.name.as_deref()),
        Text::metadata("description", change.description.as_deref()),
    ];
    let texts = texts.into_iter().flatten().chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, &permit.actor().email, caller, ("resource", id), texts).await?;
    let gateway = gateways::owner_of(engine, &before.gateway_id).await?;
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    ownership::within(&owned, &gateway.owned)?;
    let mut after = Resource {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        description: change.description.or_else(|| before.description.clone()),
        tags,
        owned,
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    ownership::changed(&mut after.record, engine.clock().now(), &permit.actor().email, caller);
    let _turn = engine.federation().turn().await;
    let (old, new) = ((before.uri.as_str(), &before.owned), (after.uri.as_str(), &after.owned));
    taken::refuse(engine, Claim::ResourceUri, &before.gateway_id, old, new).await?;
    write(engine, permit, caller, &after, "resource.update").await?;
    after.record.version += 1;
    Ok(after)
}

/// Switches a resource on or off.
#[crate::boxed]
pub async fn set_enabled(
    engine: &Engine,
    permit: &Permit<grant::ResourcesUpdate>,
    caller: &Caller,
    id: &str,
    enabled: bool,
) -> Result<Resource> {
    let mut resource = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &resource.owned)?;
    if resource.enabled == enabled {
        return Ok(resource);
    }
    resource.enabled = enabled;
    ownership::changed(&mut resource.record, engine.clock().now(), &permit.actor().email, caller);
    let action = if enabled { "resource.activate" } else { "resource.deactivate" };
    write(engine, permit, caller, &resource, action).await?;
    resource.record.version += 1;
    Ok(resource)
}

/// Removes a resource. While its upstream lists it, the next discovery brings it back; switch it off to be rid of
/// it.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<grant::ResourcesDelete>,
    caller: &Caller,
    id: &str,
) -> Result<()> {
    let resource = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &resource.owned)?;
    let mut tx = engine.db().begin().await?;
    store::resources::delete(&mut tx, &resource.id).await?;
    let details = json!({ "uri": resource.uri });
    let deed = audit::Deed::done("resource.delete", "resource", resource.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn write<P>(
    engine: &Engine,
    permit: &Permit<P>,
    caller: &Caller,
    resource: &Resource,
    action: &str,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::resources::update(&mut tx, resource, resource.record.version).await?;
    let details = json!({ "uri": resource.uri, "visibility": resource.owned.visibility });
    let deed = audit::Deed::done(action, "resource", resource.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn visible(engine: &Engine, scope: &Scope, id: &str) -> Result<Resource> {
    let missing = || Error::not_found("Resource", id);
    let parsed = ResourceId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(missing)?;
    let resource = store::resources::get(engine.db(), &parsed).await?;
    resource.filter(|resource| scope.sees(&resource.owned)).ok_or_else(missing)
}

/// The tags after the change, or everything that is wrong with it.
fn check(before: &Resource, change: &ChangeResource) -> Result<Vec<Tag>> {
    let mut problems = ownership::long_texts(&[
        ("name", change.name.as_deref(), 255),
        ("description", change.description.as_deref(), 8192),
    ]);
    if change.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        problems.push(domain::Problem { field: "name".to_owned(), message: "must not be empty".to_owned() });
    }
    let tags = ownership::tags_after(&before.tags, change.tags.as_deref(), &mut problems);
    if problems.is_empty() { Ok(tags) } else { Err(Error::Invalid(problems)) }
}
