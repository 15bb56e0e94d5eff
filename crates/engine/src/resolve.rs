//! From a name to something that may be called. The only maker of a [`Callable`].
//!
//! What the actor may not see does not exist: both are `NotFound`, with the same text.

pub(crate) mod templates;

use std::sync::Arc;

use domain::{Error, Grant, Owned, Result, Visibility, id::ServerId};

use crate::{
    catalogue::{Item, Kind, ServerView, Snapshot},
    engine::Engine,
    policy::Permit,
};

/// Proof that the actor of a permit may use an item.
#[derive(Debug)]
pub struct Callable {
    item: Arc<Item>,
}

impl Callable {
    /// What may be used.
    pub fn item(&self) -> &Arc<Item> {
        &self.item
    }
}

/// Where a call came in: everything, or one virtual server.
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) server: Option<Arc<ServerView>>,
}

impl Place {
    /// The virtual server, if it is one.
    pub fn server(&self) -> Option<&ServerView> {
        self.server.as_deref()
    }

    /// Whether the actor sees anything of a kind here.
    pub fn has<P: Grant>(&self, permit: &Permit<P>, kind: Kind) -> bool {
        let list = self.snapshot.list(self.server(), kind);
        list.iter().any(|item| usable(permit, &item.owned))
    }
}

/// Opens the place that a path names. A server that is unknown, switched off or invisible is `NotFound`.
pub fn place<P>(engine: &Engine, permit: &Permit<P>, server: Option<&str>) -> Result<Place> {
    let snapshot = engine.catalogue().snapshot();
    let Some(id) = server else {
        return Ok(Place { snapshot, server: None });
    };
    let not_found = || Error::not_found("Server", id);
    // Only the stored form is a name of the server: 32 lower-case hexadecimal digits.
    let parsed = ServerId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(not_found)?;
    let view = snapshot.server(&parsed, permit.scope()).cloned().ok_or_else(not_found)?;
    Ok(Place { snapshot, server: Some(view) })
}

/// A tool by its name in this place.
pub fn tool<P: Grant>(permit: &Permit<P>, place: &Place, name: &str) -> Result<Callable> {
    named(permit, place, Kind::Tool, name).ok_or_else(|| Error::not_found("Tool", name))
}

/// A prompt by its name in this place.
pub fn prompt<P: Grant>(permit: &Permit<P>, place: &Place, name: &str) -> Result<Callable> {
    named(permit, place, Kind::Prompt, name).ok_or_else(|| Error::not_found("Prompt", name))
}

/// A resource by its URI in this place: listed, or matched by a template.
pub fn resource<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Callable> {
    named(permit, place, Kind::Resource, uri)
        .or_else(|| {
            let mine = |item: &Item| usable(permit, &item.owned) && !withheld(permit, place, item, uri);
            templates::best(place.snapshot.list(place.server(), Kind::Template), uri, mine)
                .map(|item| Callable { item: Arc::clone(item) })
        })
        .ok_or_else(|| Error::not_found("Resource", uri))
}

/// Whether the gateway of a template has the very resource as a row that is switched off or not the actor's to use: a
/// template never serves what was withheld.
fn withheld<P: Grant>(permit: &Permit<P>, place: &Place, template: &Item, uri: &str) -> bool {
    let rows = place.snapshot.registered(&template.peer.target.gateway, uri);
    rows.iter().any(|row| !row.enabled || !usable(permit, &row.owned))
}

/// A resource template by the template itself, for completion.
pub fn template<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Callable> {
    named(permit, place, Kind::Template, uri).ok_or_else(|| Error::not_found("Resource", uri))
}

fn named<P: Grant>(permit: &Permit<P>, place: &Place, kind: Kind, name: &str) -> Option<Callable> {
    let item = place.snapshot.find(place.server(), kind, name, permit.scope())?;
    usable(permit, &item.owned).then(|| Callable { item: Arc::clone(item) })
}

/// Whether the permit reaches the row: seen by the scope, and the permission held in the row's team.
fn usable<P: Grant>(permit: &Permit<P>, row: &Owned) -> bool {
    permit.scope().sees(row) && (row.visibility != Visibility::Team || permit.covers(row.team_id.as_ref()))
}
