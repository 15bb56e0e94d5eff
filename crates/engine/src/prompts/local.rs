//! Prompts that are registered here: made and changed by people, screened before they are stored, rendered from the
//! snapshot.

use content::Kind;
use domain::{
    Caller, Error, Problem, Result,
    id::{GatewayId, PromptId},
    item::Prompt,
    name,
    permission::grant,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::claims::Claim;

use super::{ChangePrompt, custom_name, template};
use crate::{
    Engine, Permit, audit, catalogue, content_security,
    content_security::Text,
    discovery::taken,
    ownership::{self, Wish},
};

/// Arguments of one prompt.
const ARGUMENTS: usize = 100;

/// An argument of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name, as the template uses it.
    pub name: String,
    /// For people and models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it may not be left out.
    #[serde(default)]
    pub required: bool,
}

/// A prompt to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewPrompt {
    /// Its name; the public name is its slug.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The template.
    pub template: String,
    /// What the template is given.
    pub arguments: Vec<Argument>,
    /// Tags.
    pub tags: Vec<String>,
    /// Who may know of it.
    pub wish: Wish,
}

/// Registers a prompt.
#[crate::boxed]
pub async fn create(
    engine: &Engine,
    permit: &Permit<grant::PromptsCreate>,
    caller: &Caller,
    new: NewPrompt,
) -> Result<Prompt> {
    let by = &permit.actor().email;
    let change = ChangePrompt {
        custom_name: Some(new.name.clone()),
        description: new.description.clone(),
        template: Some(new.template.clone()),
        arguments: Some(new.arguments.clone()),
        tags: Some(new.tags.clone()),
        wish: Wish::default(),
    };
    screened(engine, by, caller, &new.name, &change).await?;
    let separator = &engine.settings().federation.name_separator;
    let mut problems = wrong(&change, separator);
    let tags = ownership::tags_after(&[], Some(&new.tags), &mut problems);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let owned = ownership::of_new(engine, permit, &new.wish).await?;
    let slug = name::slug(&new.name, separator);
    let prompt = Prompt {
        id: PromptId::random(),
        gateway_id: GatewayId::here(),
        definition: definition(&new.name, &new.arguments),
        original_name: new.name.clone(),
        custom_name: new.name,
        name: slug.clone(),
        custom_slug: slug,
        description: new.description,
        template: Some(new.template),
        enabled: true,
        reachable: true,
        tags,
        owned,
        record: ownership::made(engine.clock().now(), by, caller),
    };
    let _turn = engine.federation().turn().await;
    refuse_taken(engine, &prompt).await?;
    let mut tx = engine.db().begin().await?;
    store::prompts::insert(&mut tx, &prompt).await?;
    let details = json!({ "name": prompt.name, "visibility": prompt.owned.visibility });
    let deed = audit::Deed::done("prompt.create", "prompt", prompt.id.as_str()).with(details);
    audit::record(engine, &mut tx, by, caller, deed).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await?;
    Ok(prompt)
}

/// Changes a prompt that is registered here, which the actor may change.
pub(super) async fn update(
    engine: &Engine,
    permit: &Permit<grant::PromptsUpdate>,
    caller: &Caller,
    before: Prompt,
    change: ChangePrompt,
) -> Result<Prompt> {
    let by = &permit.actor().email;
    let custom = custom_name(&before, &change).map(str::to_owned);
    let change = ChangePrompt { custom_name: custom, ..change };
    screened(engine, by, caller, before.id.as_str(), &change).await?;
    let separator = &engine.settings().federation.name_separator;
    let mut problems = wrong(&change, separator);
    let tags = ownership::tags_after(&before.tags, change.tags.as_deref(), &mut problems);
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let owned = ownership::of_changed(engine, permit, &before.owned, &change.wish).await?;
    let custom_name = change.custom_name.unwrap_or_else(|| before.custom_name.clone());
    let slug = name::slug(&custom_name, separator);
    let arguments = change.arguments.unwrap_or_else(|| template::arguments(&before.definition));
    let mut after = Prompt {
        definition: definition(&before.original_name, &arguments),
        name: slug.clone(),
        custom_slug: slug,
        custom_name,
        description: change.description.or_else(|| before.description.clone()),
        template: change.template.or_else(|| before.template.clone()),
        tags,
        owned,
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    ownership::changed(&mut after.record, engine.clock().now(), by, caller);
    let _turn = engine.federation().turn().await;
    if after.name != before.name || ownership::wider(&after.owned, &before.owned) {
        refuse_taken(engine, &after).await?;
    }
    super::write(engine, permit, caller, &after, "prompt.update").await?;
    after.record.version += 1;
    Ok(after)
}

async fn screened(engine: &Engine, by: &str, caller: &Caller, id: &str, change: &ChangePrompt) -> Result<()> {
    let template = change.template.as_deref();
    let arguments = change.arguments.iter().flatten();
    let arguments =
        arguments.filter_map(|argument| Text::metadata("arguments", argument.description.as_deref()));
    let texts = [
        template.map(|value| Text { field: "template", kind: Kind::Prompt, mime: None, value }),
        Text::metadata("name", change.custom_name.as_deref()),
        Text::metadata("description", change.description.as_deref()),
    ];
    let texts = texts.into_iter().flatten().chain(arguments).chain(Text::tags(change.tags.as_deref()));
    content_security::screen(engine, by, caller, ("prompt", id), texts).await
}

fn wrong(change: &ChangePrompt, separator: &str) -> Vec<Problem> {
    let mut problems = ownership::long_texts(&[("description", change.description.as_deref(), 8192)]);
    let mut problem = |field: &str, message: &str| {
        problems.push(Problem { field: field.to_owned(), message: message.to_owned() });
    };
    if let Some(custom) = &change.custom_name
        && (name::slug(custom, separator).is_empty()
            || custom.chars().count() > 255
            || custom.chars().any(char::is_control))
    {
        problem("name", "must be at most 255 characters with a letter or a digit among them");
    }
    for argument in change.arguments.iter().flatten() {
        let proper = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if argument.name.is_empty() || argument.name.len() > 255 || !argument.name.chars().all(proper) {
            problem("arguments", "must have names of at most 255 letters, digits and underscores");
        }
    }
    if change.arguments.as_ref().is_some_and(|arguments| arguments.len() > ARGUMENTS) {
        problem("arguments", "must be at most 100");
    }
    problems.extend(change.template.as_deref().and_then(template::problem));
    problems
}

/// The object of listings. The description is put in with the public name.
fn definition(name: &str, arguments: &[Argument]) -> String {
    json!({ "name": name, "arguments": arguments }).to_string()
}

async fn refuse_taken(engine: &Engine, prompt: &Prompt) -> Result<()> {
    let taken =
        || Error::AlreadyExists { kind: ownership::kind(&prompt.owned, "Prompt"), name: prompt.name.clone() };
    let same = |other: &Prompt| {
        other.gateway_id.is_here()
            && other.id != prompt.id
            && other.name == prompt.name
            && taken::meet(&other.owned, &prompt.owned)
    };
    if store::prompts::all(engine.db()).await?.iter().any(same) {
        return Err(taken());
    }
    taken::refuse(
        engine,
        Claim::PromptName,
        &prompt.gateway_id,
        ("", &prompt.owned),
        (&prompt.name, &prompt.owned),
    )
    .await
}
