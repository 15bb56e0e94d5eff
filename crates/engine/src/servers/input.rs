//! What a virtual server can be made of, and everything that can be wrong with it, reported at once.

use std::{collections::HashSet, hash::Hash};

use domain::{
    Error, Problem, Result,
    id::{PromptId, ResourceId, ServerId, ToolId},
    name,
    record::Tag,
    server::{Prefix, Server},
};

use crate::ownership::{self, Wish};

/// The ids of the chosen items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T = String, P = String, R = String> {
    /// Tools.
    pub tools: Vec<T>,
    /// Prompts.
    pub prompts: Vec<P>,
    /// Resources and templates.
    pub resources: Vec<R>,
}

impl<T, P, R> Default for Choice<T, P, R> {
    fn default() -> Self {
        Self { tools: Vec::new(), prompts: Vec::new(), resources: Vec::new() }
    }
}

/// Parsed ids.
pub(super) type Ids = Choice<ToolId, PromptId, ResourceId>;

/// A virtual server to be made.
#[derive(Debug, Clone, Default)]
pub struct NewServer {
    /// Its id, where the client wants to choose it.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// For people and for models.
    pub description: Option<String>,
    /// The URL of a picture.
    pub icon: Option<String>,
    /// `gateway`, which is the default, or `none`.
    pub prefix: Option<String>,
    /// Its items.
    pub choice: Choice,
    /// Tags.
    pub tags: Vec<String>,
    /// Who may know of it.
    pub wish: Wish,
}

/// A change of a virtual server; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct ChangeServer {
    /// The id, which cannot be changed and may be repeated.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// For people and for models.
    pub description: Option<String>,
    /// The URL of a picture.
    pub icon: Option<String>,
    /// `gateway` or `none`.
    pub prefix: Option<String>,
    /// Its tools, all of them.
    pub tools: Option<Vec<String>>,
    /// Its prompts, all of them.
    pub prompts: Option<Vec<String>>,
    /// Its resources and templates, all of them.
    pub resources: Option<Vec<String>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Who may know of it.
    pub wish: Wish,
}

/// The checked members of an input.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) icon: Option<String>,
    pub(super) prefix: Prefix,
    pub(super) choice: Ids,
    pub(super) tags: Vec<Tag>,
}

impl NewServer {
    pub(super) fn check(&self) -> Result<Checked> {
        let mut problems = Vec::new();
        if self.id.as_deref().is_some_and(|id| ServerId::parse(id).is_none()) {
            problems.push(problem("id", "must be a UUID"));
        }
        let checked = Checked {
            name: name(&self.name, &mut problems),
            description: description(self.description.clone(), &mut problems),
            icon: icon(self.icon.clone(), &mut problems),
            prefix: prefix(self.prefix.as_deref(), Prefix::default(), &mut problems),
            choice: Choice {
                tools: ids("associated_tools", &self.choice.tools, ToolId::parse, &mut problems),
                prompts: ids("associated_prompts", &self.choice.prompts, PromptId::parse, &mut problems),
                resources: ids(
                    "associated_resources",
                    &self.choice.resources,
                    ResourceId::parse,
                    &mut problems,
                ),
            },
            tags: ownership::tags_after(&[], Some(&self.tags), &mut problems),
        };
        if problems.is_empty() { Ok(checked) } else { Err(Error::Invalid(problems)) }
    }
}

impl ChangeServer {
    pub(super) fn check(&self, before: &Server) -> Result<Checked> {
        let mut problems = Vec::new();
        if self.id.as_deref().is_some_and(|id| ServerId::parse(id).as_ref() != Some(&before.id)) {
            problems.push(problem("id", "cannot be changed"));
        }
        let or_before =
            |field, given: &Option<Vec<String>>| given.as_ref().map(|given| (field, given.clone()));
        let tools = or_before("associated_tools", &self.tools);
        let prompts = or_before("associated_prompts", &self.prompts);
        let resources = or_before("associated_resources", &self.resources);
        let checked = Checked {
            name: self.name.as_deref().map_or_else(|| before.name.clone(), |text| name(text, &mut problems)),
            description: description(self.description.clone(), &mut problems)
                .or_else(|| before.description.clone()),
            icon: icon(self.icon.clone(), &mut problems).or_else(|| before.icon.clone()),
            prefix: prefix(self.prefix.as_deref(), before.prefix, &mut problems),
            choice: Choice {
                tools: tools.map_or_else(
                    || before.tools.clone(),
                    |(field, given)| ids(field, &given, ToolId::parse, &mut problems),
                ),
                prompts: prompts.map_or_else(
                    || before.prompts.clone(),
                    |(field, given)| ids(field, &given, PromptId::parse, &mut problems),
                ),
                resources: resources.map_or_else(
                    || before.resources.clone(),
                    |(field, given)| ids(field, &given, ResourceId::parse, &mut problems),
                ),
            },
            tags: ownership::tags_after(&before.tags, self.tags.as_deref(), &mut problems),
        };
        if problems.is_empty() { Ok(checked) } else { Err(Error::Invalid(problems)) }
    }
}

fn problem(field: impl Into<String>, message: &str) -> Problem {
    Problem { field: field.into(), message: message.to_owned() }
}

fn name(text: &str, problems: &mut Vec<Problem>) -> String {
    problems.extend(name::check_name("name", text.trim()).err());
    text.trim().to_owned()
}

fn description(text: Option<String>, problems: &mut Vec<Problem>) -> Option<String> {
    problems.extend(ownership::long_texts(&[("description", text.as_deref(), 8192)]));
    text
}

/// The picture is fetched by browsers, never by the gateway; so only its form is looked at.
fn icon(text: Option<String>, problems: &mut Vec<Problem>) -> Option<String> {
    let text = text.filter(|text| !text.is_empty());
    let fine = |text: &str| {
        let known = ["https://", "http://", "data:image/"].iter().any(|start| text.starts_with(start));
        known && text.len() <= 2048 && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    if text.as_deref().is_some_and(|text| !fine(text)) {
        problems.push(problem("icon", "must be an http, https or data:image URL of at most 2048 characters"));
    }
    text
}

fn prefix(text: Option<&str>, otherwise: Prefix, problems: &mut Vec<Problem>) -> Prefix {
    match text {
        None => otherwise,
        Some("gateway") => Prefix::Gateway,
        Some("none") => Prefix::None,
        Some(_) => {
            problems.push(problem("prefix", "must be gateway or none"));
            otherwise
        }
    }
}

/// The parsed ids, each once, in their order.
fn ids<T: Clone + Eq + Hash>(
    field: &str,
    given: &[String],
    parse: fn(&str) -> Option<T>,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    let (mut ids, mut seen) = (Vec::new(), HashSet::new());
    for (at, text) in given.iter().enumerate() {
        match parse(text.trim()) {
            Some(id) if !seen.insert(id.clone()) => {}
            Some(id) => ids.push(id),
            None => {
                problems.push(problem(format!("{field}[{at}]"), "must be an id of 32 hexadecimal digits"));
            }
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_reported_with_its_field() {
        let bad = NewServer {
            id: Some("mine".to_owned()),
            name: "<b>".to_owned(),
            description: Some("d".repeat(9000)),
            icon: Some("javascript:alert(1)".to_owned()),
            prefix: Some("some".to_owned()),
            choice: Choice { tools: vec![ToolId::random().into(), "echo".to_owned()], ..Choice::default() },
            tags: vec!["!".to_owned()],
            wish: Wish::default(),
        };
        let Err(Error::Invalid(problems)) = bad.check() else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["id", "name", "description", "icon", "prefix", "associated_tools[1]", "tags"]);
    }

    #[test]
    fn ids_are_taken_once_with_and_without_dashes() {
        let dashed = "0f8fad5b-d9cb-469f-a165-70867728950e".to_owned();
        let plain = dashed.replace('-', "");
        let choice = Choice { tools: vec![dashed, plain.clone()], ..Choice::default() };
        let checked = NewServer { name: "a".to_owned(), choice, ..NewServer::default() }.check().unwrap();
        assert_eq!(checked.choice.tools, [ToolId::from_stored(plain)]);
        assert_eq!(checked.prefix, Prefix::Gateway);
    }
}
