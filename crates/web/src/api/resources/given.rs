//! Bodies of `POST` and `PUT /resources`, in both spellings.

use domain::{Error, Result, Visibility};
use engine::{
    ownership::Wish,
    resources::{ChangeResource, NewResource},
};
use serde::Deserialize;

use crate::api::given::{Tags, wish};

/// The body of `POST /resources`: the resource in a wrapper.
#[derive(Debug, Deserialize)]
pub(super) struct Wrapped {
    resource: ResourceUpdate,
    #[serde(default, alias = "teamId")]
    team_id: Option<String>,
    #[serde(default)]
    visibility: Option<Visibility>,
}

/// Members that both bodies have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ResourceUpdate {
    uri: Option<String>,
    name: Option<String>,
    description: Option<String>,
    #[serde(alias = "mimeType")]
    mime_type: Option<String>,
    content: Option<String>,
    tags: Option<Tags>,
    visibility: Option<Visibility>,
    #[serde(alias = "teamId")]
    team_id: Option<String>,
}

impl Wrapped {
    /// The engine's input.
    pub(super) fn into_new(self) -> Result<NewResource> {
        let Self { resource, team_id, visibility } = self;
        let required = |field: &str| Error::invalid(field, "is required");
        Ok(NewResource {
            wish: wish(visibility, team_id, (resource.visibility, resource.team_id)),
            uri: resource.uri.ok_or_else(|| required("uri"))?,
            name: resource.name.ok_or_else(|| required("name"))?,
            description: resource.description,
            mime_type: resource.mime_type,
            content: resource.content.ok_or_else(|| required("content"))?,
            tags: resource.tags.map(|tags| tags.0).unwrap_or_default(),
        })
    }
}

impl ResourceUpdate {
    /// The engine's input.
    pub(super) fn into_change(self) -> ChangeResource {
        ChangeResource {
            uri: self.uri,
            mime_type: self.mime_type,
            content: self.content,
            name: self.name,
            description: self.description,
            tags: self.tags.map(|tags| tags.0),
            wish: Wish { visibility: self.visibility, team_id: self.team_id },
        }
    }
}
