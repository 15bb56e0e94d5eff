//! Resources that are registered here: made and changed by people, screened before they are stored, read from the
//! snapshot.

use content::Kind;
use domain::{
    Caller, Error, Problem, Result,
    id::{GatewayId, ResourceId},
    item::Resource,
    permission::grant,
};
use serde_json::json;
use store::claims::Claim;

use super::ChangeResource;
use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::taken,
    ownership::{self, Wish},
};

const LONGEST_URI: usize = 255;

/// A resource to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewResource {
    /// Its URI, of any scheme.
    pub uri: String,
    /// For people.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Its media type; `text/plain` where none is given.
    pub mime_type: Option<String>,
    /// Its text.
    pub content: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Who may know of it.
    pub wish: Wish,
}

/// Registers a resource.
#[crate::boxed]
pub async fn create(
    engine: &Engine,
    permit: &Permit<grant::ResourcesCreate>,
    caller: &Caller,
    new: NewResource,
) -> Result<Resource> {
    let by = &permit.actor().email;
    let mime_type = new.mime_type.clone().unwrap_or_else(|| "text/plain".to_owned());
    let change = ChangeResource {
        uri: Some(new.uri.clone()),
        mime_type: Some(mime_type.clone()),
        content: Some(new.content.clone()),
        name: Some(new.name.clone()),
        description: new.description.clone(),
        tags: Some(new.tags.clone()),
        wish: Wish::default(),
    };
    screened(engine, by, caller, &new.uri, (&change, Some(&mime_type))).await?;
    let mut problems = wrong(&change);
    let tags = ownership::tags_after(&[], Some(&new.tags), &mut problems);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let owned = ownership::of_new(engine, permit, &new.wish).await?;
    let mut resource = Resource {
        id: ResourceId::random(),
        gateway_id: GatewayId::here(),
        uri: new.uri,
        template: false,
        name: new.name,
        description: new.description,
        mime_type: Some(mime_type),
        size: None,
        content: Some(new.content),
        definition: String::new(),
        enabled: true,
        reachable: true,
        tags,
        owned,
        record: ownership::made(engine.clock().now(), by, caller),
    };
    describe(&mut resource);
    let _turn = engine.federation().turn().await;
    refuse_taken(engine, &resource).await?;
    let mut tx = engine.db().begin().await?;
    store::resources::insert(&mut tx, &resource).await?;
    let details = json!({ "uri": resource.uri, "visibility": resource.owned.visibility });
    let deed = audit::Deed::done("resource.create", "resource", resource.id.as_str()).with(details);
    audit::record(engine, &mut tx, by, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await?;
    Ok(resource)
}

/// Changes a resource that is registered here, which the actor may change.
pub(super) async fn update(
    engine: &Engine,
    permit: &Permit<grant::ResourcesUpdate>,
    caller: &Caller,
    before: Resource,
    change: ChangeResource,
) -> Result<Resource> {
    let by = &permit.actor().email;
    // The media type decides how a text is read: with another one the stored text has to pass anew.
    let mime_type = change.mime_type.clone().or_else(|| before.mime_type.clone());
    let moved = mime_type != before.mime_type;
    let content = change.content.clone().or_else(|| before.content.clone().filter(|_| moved));
    let change = ChangeResource { content, ..change };
    screened(engine, by, caller, before.id.as_str(), (&change, mime_type.as_deref())).await?;
    let mut problems = wrong(&change);
    let tags = ownership::tags_after(&before.tags, change.tags.as_deref(), &mut problems);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    let mut after = Resource {
        uri: change.uri.unwrap_or_else(|| before.uri.clone()),
        name: change.name.unwrap_or_else(|| before.name.clone()),
        description: change.description.or_else(|| before.description.clone()),
        mime_type,
        content: change.content.or_else(|| before.content.clone()),
        tags,
        owned,
        ..before.clone()
    };
    describe(&mut after);
    if after == before {
        return Ok(before);
    }
    ownership::changed(&mut after.record, engine.clock().now(), by, caller);
    let _turn = engine.federation().turn().await;
    if after.uri != before.uri || ownership::wider(&after.owned, &before.owned) {
        refuse_taken(engine, &after).await?;
    }
    super::write(engine, permit, caller, &after, "resource.update").await?;
    after.record.version += 1;
    Ok(after)
}

async fn screened(
    engine: &Engine,
    by: &str,
    caller: &Caller,
    id: &str,
    (change, mime): (&ChangeResource, Option<&str>),
) -> Result<()> {
    let content = change.content.as_deref();
    let texts = [
        content.map(|value| Text { field: "content", kind: Kind::Resource, mime, value }),
        Text::metadata("uri", change.uri.as_deref()),
        Text::metadata("name", change.name.as_deref()),
        Text::metadata("description", change.description.as_deref()),
        Text::metadata("mime_type", change.mime_type.as_deref()),
    ];
    let texts = texts.into_iter().flatten().chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, by, caller, ("resource", id), texts).await
}

fn wrong(change: &ChangeResource) -> Vec<Problem> {
    let mut problems = ownership::long_texts(&[
        ("name", change.name.as_deref(), 255),
        ("description", change.description.as_deref(), 8192),
        ("mime_type", change.mime_type.as_deref(), 255),
    ]);
    let mut problem = |field: &str, message: &str| {
        problems.push(Problem { field: field.to_owned(), message: message.to_owned() });
    };
    let control =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().any(char::is_control));
    if change.name.as_ref().is_some_and(|name| name.trim().is_empty()) || control(&change.name) {
        problem("name", "must not be empty and must not hold control characters");
    }
    if control(&change.mime_type) || change.mime_type.as_ref().is_some_and(|mime| !mime.contains('/')) {
        problem("mime_type", "must be a media type such as text/markdown");
    }
    if change.uri.as_deref().is_some_and(|uri| !is_uri(uri)) {
        let message =
            "must be a URI of at most 255 characters without spaces, quotation marks, braces, < > \\ or ..";
        problem("uri", message);
    }
    problems
}

fn is_uri(uri: &str) -> bool {
    let improper = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '\\' | '{' | '}')
    };
    !uri.is_empty()
        && uri.chars().count() <= LONGEST_URI
        && !uri.starts_with('/')
        && !uri.contains("..")
        && !uri.chars().any(improper)
}

/// Makes the size and the object of listings. The name and the description are put in when it is listed.
fn describe(resource: &mut Resource) {
    let size = resource.content.as_deref().map_or(0, str::len);
    resource.size = i64::try_from(size).ok();
    let definition = json!({
        "uri": resource.uri, "name": resource.name, "mimeType": resource.mime_type, "size": size,
    });
    resource.definition = definition.to_string();
}

async fn refuse_taken(engine: &Engine, resource: &Resource) -> Result<()> {
    let taken = || {
        let kind = ownership::kind(&resource.owned, "Resource");
        Error::Conflict(format!("{kind} already exists with URI: {}", resource.uri))
    };
    let same = |other: &Resource| {
        other.gateway_id.is_here()
            && other.id != resource.id
            && other.uri == resource.uri
            && taken::meet(&other.owned, &resource.owned)
    };
    if store::resources::all(engine.db()).await?.iter().any(same) {
        return Err(taken());
    }
    let (before, after) = (("", &resource.owned), (resource.uri.as_str(), &resource.owned));
    taken::refuse(engine, Claim::ResourceUri, &resource.gateway_id, before, after).await
}

#[cfg(test)]
mod tests {
    use super::is_uri;

    #[test]
    fn uris_have_any_scheme_and_no_tricks() {
        for uri in ["res://doc/1", "file:///a/b.md", "notes", "urn:isbn:0451450523"] {
            assert!(is_uri(uri), "{uri}");
        }
        for uri in ["", "/etc/passwd", "res://../a", "res://a b", "res://<a>", "res://{id}", "res://a\\b"] {
            assert!(!is_uri(uri), "{uri}");
        }
        assert!(!is_uri(&"a".repeat(256)));
    }
}
