//! Bodies of `POST` and `PUT /prompts`, in both spellings.

use domain::{Error, Result, Visibility};
use engine::{
    ownership::Wish,
    prompts::{Argument, ChangePrompt, NewPrompt},
};
use serde::Deserialize;

use crate::api::given::{Tags, wish};

/// The body of `POST /prompts`: the prompt in a wrapper.
#[derive(Debug, Deserialize)]
pub(super) struct Wrapped {
    prompt: PromptUpdate,
    #[serde(default, alias = "teamId")]
    team_id: Option<String>,
    #[serde(default)]
    visibility: Option<Visibility>,
}

/// Members that both bodies have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptUpdate {
    /// ContextForge's older name of `custom_name`.
    name: Option<String>,
    #[serde(alias = "customName")]
    custom_name: Option<String>,
    description: Option<String>,
    template: Option<String>,
    arguments: Option<Vec<Argument>>,
    tags: Option<Tags>,
    visibility: Option<Visibility>,
    #[serde(alias = "teamId")]
    team_id: Option<String>,
}

impl Wrapped {
    /// The engine's input.
    pub(super) fn into_new(self) -> Result<NewPrompt> {
        let Self { prompt, team_id, visibility } = self;
        let required = |field: &str| Error::invalid(field, "is required");
        Ok(NewPrompt {
            wish: wish(visibility, team_id, (prompt.visibility, prompt.team_id)),
            name: prompt.name.or(prompt.custom_name).ok_or_else(|| required("name"))?,
            description: prompt.description,
            template: prompt.template.ok_or_else(|| required("template"))?,
            arguments: prompt.arguments.unwrap_or_default(),
            tags: prompt.tags.map(|tags| tags.0).unwrap_or_default(),
        })
    }
}

impl PromptUpdate {
    /// The engine's input.
    pub(super) fn into_change(self) -> ChangePrompt {
        ChangePrompt {
            custom_name: self.custom_name.or(self.name),
            description: self.description,
            template: self.template,
            arguments: self.arguments,
            tags: self.tags.map(|tags| tags.0),
            wish: Wish { visibility: self.visibility, team_id: self.team_id },
        }
    }
}
