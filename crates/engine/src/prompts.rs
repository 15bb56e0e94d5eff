//! Prompts as people see and change them. What upstreams make of them is `discovery`'s business; those that are
//! registered here are made and changed in `local`.

mod local;
pub(crate) mod template;

use domain::{Caller, Error, Problem, Result, Scope, id::PromptId, item::Prompt, name, permission::grant};
use serde_json::json;
use store::claims::Claim;

pub use self::local::{Argument, NewPrompt, create};

use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::{naming, taken},
    gateways, ownership,
    ownership::Wish,
    query::Query,
};

/// A change of a prompt; absent members stay as they are. What the upstream says of it cannot be changed here.
#[derive(Debug, Clone, Default)]
pub struct ChangePrompt {
    /// The name that people give it; the public name follows.
    pub custom_name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The template, of a prompt that is registered here.
    pub template: Option<String>,
    /// Its arguments, of a prompt that is registered here.
    pub arguments: Option<Vec<Argument>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Who may know of it; never more people than know its gateway.
    pub wish: Wish,
}

/// The prompts that the actor sees, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    permit: &Permit<grant::PromptsRead>,
    query: &Query,
) -> Result<Vec<Prompt>> {
    store::prompts::list(engine.db(), &permit.rows(), query).await
}

/// One prompt.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::PromptsRead>, id: &str) -> Result<Prompt> {
    visible(engine, &permit.rows(), id).await
}

/// Changes a prompt.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<grant::PromptsUpdate>,
    caller: &Caller,
    id: &str,
    change: ChangePrompt,
) -> Result<Prompt> {
    let before = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &before.owned)?;
    if before.gateway_id.is_here() {
        return local::update(engine, permit, caller, before, change).await;
    }
    // Clients that send a whole reply back send the empty template and the arguments of an upstream's prompt.
    if change.template.as_deref().is_some_and(|template| !template.is_empty()) {
        return Err(Error::invalid("template", "is its upstream's and cannot be changed here"));
    }
    let separator = &engine.settings().federation.name_separator;
    let (custom_slug, tags) = check(&before, &change, separator)?;
    let texts = [
        Text::metadata("custom_name", custom_name(&before, &change)),
        Text::metadata("description", change.description.as_deref()),
    ];
    let texts = texts.into_iter().flatten().chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, &permit.actor().email, caller, ("prompt", id), texts).await?;
    let gateway = gateways::owner_of(engine, &before.gateway_id).await?;
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    ownership::within(&owned, &gateway.owned)?;
    let mut after = Prompt {
        name: naming::public(&gateway.slug, separator, &custom_slug),
        custom_slug,
        custom_name: custom_name(&before, &change).unwrap_or(&before.custom_name).to_owned(),
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
    let siblings = store::prompts::of_gateway(engine.db(), &before.gateway_id).await?;
    if siblings.iter().any(|other| other.id != after.id && other.custom_slug == after.custom_slug) {
        return Err(Error::AlreadyExists { kind: ownership::kind(&after.owned, "Prompt"), name: after.name });
    }
    let (old, new) = ((before.name.as_str(), &before.owned), (after.name.as_str(), &after.owned));
    taken::refuse(engine, Claim::PromptName, &before.gateway_id, old, new).await?;
    write(engine, permit, caller, &after, "prompt.update").await?;
    after.record.version += 1;
    Ok(after)
}

/// Switches a prompt on or off.
#[crate::boxed]
pub async fn set_enabled(
    engine: &Engine,
    permit: &Permit<grant::PromptsUpdate>,
    caller: &Caller,
    id: &str,
    enabled: bool,
) -> Result<Prompt> {
    let mut prompt = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &prompt.owned)?;
    if prompt.enabled == enabled {
        return Ok(prompt);
    }
    prompt.enabled = enabled;
    ownership::changed(&mut prompt.record, engine.clock().now(), &permit.actor().email, caller);
    write(engine, permit, caller, &prompt, if enabled { "prompt.activate" } else { "prompt.deactivate" })
        .await?;
    prompt.record.version += 1;
    Ok(prompt)
}

/// Removes a prompt. While its upstream lists it, the next discovery brings it back; switch it off to be rid of it.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<grant::PromptsDelete>,
    caller: &Caller,
    id: &str,
) -> Result<()> {
    let prompt = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &prompt.owned)?;
    let mut tx = engine.db().begin().await?;
    store::prompts::delete(&mut tx, &prompt.id).await?;
    let deed =
        audit::Deed::done("prompt.delete", "prompt", prompt.id.as_str()).with(json!({ "name": prompt.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn write<P>(
    engine: &Engine,
    permit: &Permit<P>,
    caller: &Caller,
    prompt: &Prompt,
    action: &str,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    store::prompts::update(&mut tx, prompt, prompt.record.version).await?;
    let details = json!({ "name": prompt.name, "visibility": prompt.owned.visibility });
    let deed = audit::Deed::done(action, "prompt", prompt.id.as_str()).with(details);
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await
}

async fn visible(engine: &Engine, scope: &Scope, id: &str) -> Result<Prompt> {
    let missing = || Error::not_found("Prompt", id);
    let parsed = PromptId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(missing)?;
    let prompt = store::prompts::get(engine.db(), &parsed).await?;
    prompt.filter(|prompt| scope.sees(&prompt.owned)).ok_or_else(missing)
}

/// The slug and the tags after the change, or everything that is wrong with it.
fn check(
    before: &Prompt,
    change: &ChangePrompt,
    separator: &str,
) -> Result<(String, Vec<domain::record::Tag>)> {
    let mut problems = Vec::new();
    let mut slug = before.custom_slug.clone();
    let renamed = custom_name(before, change).filter(|custom| *custom != before.custom_name);
    if let Some(custom) = renamed {
        slug = name::slug(custom, separator);
        if slug.is_empty() || custom.chars().count() > 255 || custom.chars().any(char::is_control) {
            let message = "must be at most 255 characters with a letter or a digit among them".to_owned();
            problems.push(Problem { field: "custom_name".to_owned(), message });
        }
    }
    problems.extend(ownership::long_texts(&[("description", change.description.as_deref(), 8192)]));
    let tags = ownership::tags_after(&before.tags, change.tags.as_deref(), &mut problems);
    if problems.is_empty() { Ok((slug, tags)) } else { Err(Error::Invalid(problems)) }
}

/// The wanted name. Clients that send a whole reply back send the public name, which is no wish for another one.
fn custom_name<'a>(before: &Prompt, change: &'a ChangePrompt) -> Option<&'a str> {
    change.custom_name.as_deref().filter(|custom| *custom != before.name)
}
