//! Bodies of `POST` and `PUT /servers`, in both spellings.

use domain::{Error, Problem, Result, Visibility};
use engine::{
    ownership::Wish,
    servers::{ChangeServer, Choice, NewServer},
};
use serde::Deserialize;
use serde_json::Value;

use crate::api::given::{Tags, Texts, wish};

/// The body of `POST /servers`: the server in a wrapper.
#[derive(Debug, Deserialize)]
pub(super) struct Wrapped {
    server: ServerUpdate,
    #[serde(default, alias = "teamId")]
    team_id: Option<String>,
    #[serde(default)]
    visibility: Option<Visibility>,
}

/// Members that both bodies have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerUpdate {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    icon: Option<String>,
    prefix: Option<String>,
    tags: Option<Tags>,
    #[serde(alias = "associatedTools")]
    associated_tools: Option<Texts>,
    #[serde(alias = "associatedPrompts")]
    associated_prompts: Option<Texts>,
    #[serde(alias = "associatedResources")]
    associated_resources: Option<Texts>,
    #[serde(alias = "associatedA2aAgents")]
    associated_a2a_agents: Option<Texts>,
    #[serde(alias = "teamId")]
    team_id: Option<String>,
    visibility: Option<Visibility>,
    #[serde(alias = "oauthEnabled")]
    oauth_enabled: Option<bool>,
    #[serde(alias = "oauthConfig")]
    oauth_config: Option<Value>,
}

impl Wrapped {
    /// The engine's input.
    pub(super) fn into_new(self) -> Result<NewServer> {
        let Self { server, team_id, visibility } = self;
        let wish = wish(visibility, team_id, (server.visibility, server.team_id.clone()));
        let change = server.into_change()?;
        Ok(NewServer {
            id: change.id,
            name: change.name.unwrap_or_default(),
            description: change.description,
            icon: change.icon,
            prefix: change.prefix,
            choice: Choice {
                tools: change.tools.unwrap_or_default(),
                prompts: change.prompts.unwrap_or_default(),
                resources: change.resources.unwrap_or_default(),
            },
            tags: change.tags.unwrap_or_default(),
            wish,
        })
    }
}

impl ServerUpdate {
    /// The engine's input.
    pub(super) fn into_change(self) -> Result<ChangeServer> {
        let unsupported = [
            ("associated_a2a_agents", self.associated_a2a_agents.is_some_and(|agents| !agents.0.is_empty())),
            ("oauth_enabled", self.oauth_enabled == Some(true)),
            ("oauth_config", self.oauth_config.is_some_and(|config| !config.is_null())),
        ];
        let problems: Vec<Problem> = unsupported
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(field, _)| Problem {
                field: field.to_owned(),
                message: "is not supported here".to_owned(),
            })
            .collect();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        Ok(ChangeServer {
            id: self.id,
            name: self.name,
            description: self.description,
            icon: self.icon,
            prefix: self.prefix,
            tools: self.associated_tools.map(|texts| texts.0),
            prompts: self.associated_prompts.map(|texts| texts.0),
            resources: self.associated_resources.map(|texts| texts.0),
            tags: self.tags.map(|tags| tags.0),
            wish: Wish { visibility: self.visibility, team_id: self.team_id },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapper_and_the_server_may_both_say_whose_it_is() {
        let body = r#"{"server":{"name":"v","associatedTools":"a,b","team_id":"inner"},"visibility":"team"}"#;
        let new = serde_json::from_str::<Wrapped>(body).unwrap().into_new().unwrap();
        assert_eq!(new.choice.tools, ["a", "b"]);
        assert_eq!(new.wish, Wish { visibility: Some(Visibility::Team), team_id: Some("inner".to_owned()) });
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let body = r#"{"associated_a2a_agents":["x"],"oauthEnabled":true,"oauth_config":{}}"#;
        let Err(Error::Invalid(problems)) = serde_json::from_str::<ServerUpdate>(body).unwrap().into_change()
        else {
            panic!("refused")
        };
        assert_eq!(problems.len(), 3);
    }
}
