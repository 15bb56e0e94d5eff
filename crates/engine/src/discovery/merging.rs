//! What a listing changes in the stored rows of one gateway. Pure: rows and a listing in, changes out.
//!
//! A survivor keeps its id, its custom name, its tags, its visibility and whatever else people changed; what the
//! upstream no longer lists goes. A description follows the upstream's until somebody changes it here.

use std::collections::BTreeMap;

use domain::{
    gateway::Gateway,
    id::{PromptId, ResourceId, ToolId},
    item::{Prompt, Resource, Tool},
    name::display,
    record::Record,
};
use protocol::json::RawObject;

use super::{
    naming::{Candidate, assign, public},
    reading::{FoundNamed, FoundResource},
    taken::Taken,
};

/// What becomes of the rows.
#[derive(Debug)]
pub(crate) struct Changes<T> {
    /// New rows.
    pub(crate) add: Vec<T>,
    /// Rows to write again.
    pub(crate) update: Vec<T>,
    /// Rows to delete.
    pub(crate) remove: Vec<T>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self { add: Vec::new(), update: Vec::new(), remove: Vec::new(), notes: Vec::new() }
    }
}

/// Where new rows come from: their gateway, the separator of names, and the record that they start with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// The gateway.
    pub(crate) gateway: &'a Gateway,
    /// `GATEWAY_TOOL_NAME_SEPARATOR`.
    pub(crate) separator: &'a str,
    /// The record of new rows.
    pub(crate) record: &'a Record,
    /// What others hold.
    pub(crate) taken: &'a Taken,
}

/// Merges a listing of tools into the stored ones.
pub(crate) fn tools(origin: Origin<'_>, stored: Vec<Tool>, found: &[FoundNamed]) -> Changes<Tool> {
    let mut changes = Changes::default();
    let mut held: BTreeMap<String, Tool> =
        stored.into_iter().map(|tool| (tool.original_name.clone(), tool)).collect();
    let candidates: Vec<Candidate<'_>> = found
        .iter()
        .map(|new| {
            let old = held.get(&new.name).map(|tool| (tool.custom_name.as_str(), tool.custom_slug.as_str()));
            candidate(new, old)
        })
        .collect();
    let names = assign(&candidates, origin.separator, &origin.taken.tools);
    changes.notes = names.notes;
    for (new, slug) in found.iter().zip(names.slugs) {
        let name = public(&origin.gateway.slug, origin.separator, &slug);
        match held.remove(&new.name) {
            None => changes.add.push(new_tool(origin, new, slug, name)),
            Some(old) => {
                let mut tool = old.clone();
                if tool.description == described(&tool.definition) {
                    tool.description.clone_from(&new.description);
                }
                tool.definition.clone_from(&new.definition);
                (tool.custom_slug, tool.name) = (slug, name);
                changes.keep(tool, &old);
            }
        }
    }
    changes.remove.extend(held.into_values());
    changes
}

/// Merges a listing of prompts into the stored ones.
pub(crate) fn prompts(origin: Origin<'_>, stored: Vec<Prompt>, found: &[FoundNamed]) -> Changes<Prompt> {
    let mut changes = Changes::default();
    let mut held: BTreeMap<String, Prompt> =
        stored.into_iter().map(|prompt| (prompt.original_name.clone(), prompt)).collect();
    let candidates: Vec<Candidate<'_>> = found
        .iter()
        .map(|new| {
            let old =
                held.get(&new.name).map(|prompt| (prompt.custom_name.as_str(), prompt.custom_slug.as_str()));
            candidate(new, old)
        })
        .collect();
    let names = assign(&candidates, origin.separator, &origin.taken.prompts);
    changes.notes = names.notes;
    for (new, slug) in found.iter().zip(names.slugs) {
        let name = public(&origin.gateway.slug, origin.separator, &slug);
        match held.remove(&new.name) {
            None => changes.add.push(new_prompt(origin, new, slug, name)),
            Some(old) => {
                let mut prompt = old.clone();
                if prompt.description == described(&prompt.definition) {
                    prompt.description.clone_from(&new.description);
                }
                prompt.definition.clone_from(&new.definition);
                (prompt.custom_slug, prompt.name) = (slug, name);
                changes.keep(prompt, &old);
            }
        }
    }
    changes.remove.extend(held.into_values());
    changes
}

/// Merges a listing of resources, or of templates, into the stored ones of the same sort.
pub(crate) fn resources(
    origin: Origin<'_>,
    stored: Vec<Resource>,
    found: &[FoundResource],
) -> Changes<Resource> {
    let mut changes = Changes::default();
    let mut held: BTreeMap<String, Resource> =
        stored.into_iter().map(|resource| (resource.uri.clone(), resource)).collect();
    for new in found {
        match held.remove(&new.uri) {
            None => changes.add.push(new_resource(origin, new)),
            Some(old) => {
                let mut resource = old.clone();
                let (name, description) = (named(&resource.definition), described(&resource.definition));
                if name.as_deref().unwrap_or(&resource.uri) == resource.name {
                    resource.name.clone_from(&new.name);
                }
                if resource.description == description {
                    resource.description.clone_from(&new.description);
                }
                resource.mime_type.clone_from(&new.mime_type);
                resource.size = new.size;
                resource.definition.clone_from(&new.definition);
                changes.keep(resource, &old);
            }
        }
    }
    changes.remove.extend(held.into_values());
    changes
}

impl<T> Changes<T> {
    /// Adds the changes of another listing of the same kind.
    pub(crate) fn join(&mut self, other: Self) {
        self.add.extend(other.add);
        self.update.extend(other.update);
        self.remove.extend(other.remove);
        self.notes.extend(other.notes);
    }
}

/// New names for stored tools and prompts, after their gateway's name changed. What keeps its name is not in it.
pub(crate) fn renamed(
    origin: Origin<'_>,
    tools: Vec<Tool>,
    prompts: Vec<Prompt>,
) -> (Changes<Tool>, Changes<Prompt>) {
    let (mut tool_changes, mut prompt_changes) = (Changes::default(), Changes::default());
    let candidates: Vec<Candidate<'_>> = tools
        .iter()
        .map(|t| Candidate { original: &t.original_name, custom: &t.custom_name, held: Some(&t.custom_slug) })
        .collect();
    let slugs = assign(&candidates, origin.separator, &origin.taken.tools).slugs;
    for (old, slug) in tools.into_iter().zip(slugs) {
        let name = public(&origin.gateway.slug, origin.separator, &slug);
        let new = Tool { custom_slug: slug, name, ..old.clone() };
        tool_changes.keep(new, &old);
    }
    let candidates: Vec<Candidate<'_>> = prompts
        .iter()
        .map(|p| Candidate { original: &p.original_name, custom: &p.custom_name, held: Some(&p.custom_slug) })
        .collect();
    let slugs = assign(&candidates, origin.separator, &origin.taken.prompts).slugs;
    for (old, slug) in prompts.into_iter().zip(slugs) {
        let name = public(&origin.gateway.slug, origin.separator, &slug);
        let new = Prompt { custom_slug: slug, name, ..old.clone() };
        prompt_changes.keep(new, &old);
    }
    (tool_changes, prompt_changes)
}

impl<T: PartialEq> Changes<T> {
    /// That a row is reachable again is the store's business, for all rows of the gateway at once.
    fn keep(&mut self, new: T, old: &T) {
        if new != *old {
            self.update.push(new);
        }
    }
}

fn candidate<'a>(new: &'a FoundNamed, old: Option<(&'a str, &'a str)>) -> Candidate<'a> {
    let (custom, held) = old.map_or((new.name.as_str(), None), |(custom, slug)| (custom, Some(slug)));
    Candidate { original: &new.name, custom, held }
}

fn new_tool(origin: Origin<'_>, new: &FoundNamed, slug: String, name: String) -> Tool {
    Tool {
        id: ToolId::random(),
        gateway_id: origin.gateway.id.clone(),
        original_name: new.name.clone(),
        custom_name: new.name.clone(),
        custom_slug: slug,
        name,
        display_name: Some(new.title.clone().unwrap_or_else(|| display(&new.name))),
        description: new.description.clone(),
        definition: new.definition.clone(),
        enabled: true,
        reachable: true,
        held: false,
        tags: Vec::new(),
        owned: origin.gateway.owned.clone(),
        record: origin.record.clone(),
    }
}

fn new_prompt(origin: Origin<'_>, new: &FoundNamed, slug: String, name: String) -> Prompt {
    Prompt {
        id: PromptId::random(),
        gateway_id: origin.gateway.id.clone(),
        original_name: new.name.clone(),
        custom_name: new.name.clone(),
        custom_slug: slug,
        name,
        description: new.description.clone(),
        template: None,
        definition: new.definition.clone(),
        enabled: true,
        reachable: true,
        tags: Vec::new(),
        owned: origin.gateway.owned.clone(),
        record: origin.record.clone(),
    }
}

fn new_resource(origin: Origin<'_>, new: &FoundResource) -> Resource {
    Resource {
        id: ResourceId::random(),
        gateway_id: origin.gateway.id.clone(),
        uri: new.uri.clone(),
        template: new.template,
        name: new.name.clone(),
        description: new.description.clone(),
        mime_type: new.mime_type.clone(),
        size: new.size,
        content: None,
        definition: new.definition.clone(),
        enabled: true,
        reachable: true,
        tags: Vec::new(),
        owned: origin.gateway.owned.clone(),
        record: origin.record.clone(),
    }
}

/// The upstream's own description in a stored definition.
pub(crate) fn described(definition: &str) -> Option<String> {
    member(definition, "description")
}

fn named(definition: &str) -> Option<String> {
    member(definition, "name").filter(|name| !name.is_empty())
}

fn member(definition: &str, key: &str) -> Option<String> {
    let object = RawObject::parse(definition.as_bytes()).ok()?;
    object.text(key).map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests;
