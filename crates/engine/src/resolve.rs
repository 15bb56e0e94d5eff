//! From a name to something that may be called. The only maker of a [`Callable`].
//!
//! What the actor may not see does not exist: both are `NotFound`, with the same text.

pub(crate) mod templates;

use std::sync::Arc;

use domain::{Error, Grant, Result, id::ServerId};

use crate::{
    catalogue::{Item, Kind, ServerView, Snapshot},
    engine::Engine,
    listing,
    policy::{Act, Permit, Question, decide, methods::word},
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
    pub fn has<P>(&self, permit: &Permit<P>, kind: Kind) -> bool {
        let question = Question::of(listing::permission(kind));
        let reaches = |row| decide(permit.actor(), &question.about(word(kind), Act::Use, row)).is_ok();
        self.snapshot.list(self.server(), kind).iter().any(|item| reaches(&item.owned))
    }
}

/// Opens the place that a path names. A server that is unknown, switched off or invisible is `NotFound`. A token that
/// is limited to one server finds itself there whatever the door, and finds no other.
pub fn place<P: Grant>(engine: &Engine, permit: &Permit<P>, server: Option<&str>) -> Result<Place> {
    let snapshot = engine.catalogue().snapshot();
    let bound = permit.actor().server.as_ref().map(ServerId::as_str);
    if let (Some(bound), Some(id)) = (bound, server)
        && bound != id
    {
        return Err(Error::not_found("Server", id));
    }
    let Some(id) = server.or(bound) else {
        return Ok(Place { snapshot, server: None });
    };
    let not_found = || Error::not_found("Server", id);
    // Only the stored form is a name of the server: 32 lower-case hexadecimal digits.
    let parsed = ServerId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(not_found)?;
    let view = snapshot.server(&parsed, |row| permit.reaches(row)).cloned().ok_or_else(not_found)?;
    Ok(Place { snapshot, server: Some(view) })
}

/// A tool by its name in this place. One that is held back is there, and says so.
pub fn tool<P: Grant>(permit: &Permit<P>, place: &Place, name: &str) -> Result<Callable> {
    let callable = named(permit, place, Kind::Tool, name).ok_or_else(|| Error::not_found("Tool", name))?;
    if callable.item.held {
        return Err(Error::Refused(format!(
            "Tool {name} is held back: its definition waits for the decision of an operator"
        )));
    }
    Ok(callable)
}

/// A prompt by its name in this place.
pub fn prompt<P: Grant>(permit: &Permit<P>, place: &Place, name: &str) -> Result<Callable> {
    named(permit, place, Kind::Prompt, name).ok_or_else(|| Error::not_found("Prompt", name))
}

/// A resource by its URI in this place: listed, or matched by a template.
pub fn resource<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Callable> {
    named(permit, place, Kind::Resource, uri)
        .or_else(|| {
            let mine = |item: &Item| permit.reaches(&item.owned) && !withheld(permit, place, item, uri);
            templates::best(place.snapshot.list(place.server(), Kind::Template), uri, mine)
                .map(|item| Callable { item: Arc::clone(item) })
        })
        .ok_or_else(|| Error::not_found("Resource", uri))
}

/// Whether the gateway of a template has the very resource as a row that is switched off or not the actor's to use: a
/// template never serves what was withheld.
fn withheld<P: Grant>(permit: &Permit<P>, place: &Place, template: &Item, uri: &str) -> bool {
    let rows = place.snapshot.registered(&template.peer.target.gateway, uri);
    rows.iter().any(|row| !row.enabled || !permit.reaches(&row.owned))
}

/// A resource template by the template itself, for completion.
pub fn template<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Callable> {
    named(permit, place, Kind::Template, uri).ok_or_else(|| Error::not_found("Resource", uri))
}

fn named<P: Grant>(permit: &Permit<P>, place: &Place, kind: Kind, name: &str) -> Option<Callable> {
    let item = place.snapshot.find(place.server(), kind, name, |row| permit.reaches(row))?;
    Some(Callable { item: Arc::clone(item) })
}
