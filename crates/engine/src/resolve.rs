//! From a name to something that may be called. The only maker of a [`Callable`].
//!
//! What the actor may not see does not exist: both are `NotFound`, with the same text.

use std::sync::Arc;

use domain::{Error, Grant, Result, id::ServerId};

use crate::{
    catalogue::{Item, Kind, ServerView, Snapshot},
    engine::Engine,
    listing,
    policy::{self, Permit},
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
        let (actor, permission) = (permit.actor(), listing::permission(kind));
        let list = self.snapshot.list(self.server(), kind);
        actor.may(permission) && list.iter().any(|item| policy::reaches(actor, permission, &item.owned))
    }
}

/// Opens the place that a path names. A server that is unknown, switched off or invisible is `NotFound`.
pub fn place<P: Grant>(engine: &Engine, permit: &Permit<P>, server: Option<&str>) -> Result<Place> {
    let snapshot = engine.catalogue().snapshot();
    let Some(id) = server else {
        return Ok(Place { snapshot, server: None });
    };
    let not_found = || Error::not_found("Server", id);
    // Only the stored form is a name of the server: 32 lower-case hexadecimal digits.
    let parsed = ServerId::parse(id).filter(|parsed| parsed.as_str() == id).ok_or_else(not_found)?;
    let view = snapshot.server(&parsed, |row| permit.reaches(row)).cloned().ok_or_else(not_found)?;
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
            let templates = place.snapshot.list(place.server(), Kind::Template);
            let matching = templates
                .iter()
                .find(|item| template_matches(&item.name, uri) && permit.reaches(&item.owned));
            matching.map(|item| Callable { item: Arc::clone(item) })
        })
        .ok_or_else(|| Error::not_found("Resource", uri))
}

/// A resource template by the template itself, for completion.
pub fn template<P: Grant>(permit: &Permit<P>, place: &Place, uri: &str) -> Result<Callable> {
    named(permit, place, Kind::Template, uri).ok_or_else(|| Error::not_found("Resource", uri))
}

fn named<P: Grant>(permit: &Permit<P>, place: &Place, kind: Kind, name: &str) -> Option<Callable> {
    let item = place.snapshot.find(place.server(), kind, name, |row| permit.reaches(row))?;
    Some(Callable { item: Arc::clone(item) })
}

/// Whether a URI could have been made from a template (RFC 6570). Every `{…}` stands for at least one character;
/// plain and `+`, `#`, `/` expressions are told apart by whether they may hold a slash. Linear in the URI for each
/// literal; never backtracks beyond the next literal.
pub(crate) fn template_matches(template: &str, uri: &str) -> bool {
    let mut rest = uri;
    let mut parts = template.split('{');
    let Some(stripped) = parts.next().and_then(|literal| rest.strip_prefix(literal)) else { return false };
    rest = stripped;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let Some((expression, literal)) = part.split_once('}') else { return false };
        let slashes = expression.starts_with(['+', '#', '/', '?', '&']);
        let end = if literal.is_empty() && parts.peek().is_none() {
            rest.len()
        } else if parts.peek().is_none() {
            match rest.strip_suffix(literal) {
                Some(value) => value.len(),
                None => return false,
            }
        } else {
            // The value is at least one character long.
            let Some(first) = rest.chars().next().map(char::len_utf8) else { return false };
            match rest.get(first..).and_then(|tail| tail.find(literal)) {
                Some(at) => at + first,
                None => return false,
            }
        };
        let (value, tail) = rest.split_at(end);
        if value.is_empty() || (!slashes && value.contains('/')) {
            return false;
        }
        rest = tail.strip_prefix(literal).unwrap_or(tail);
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::template_matches;

    #[test]
    fn templates_match_what_they_could_have_made() {
        assert!(template_matches("demo://item/{id}", "demo://item/7"));
        assert!(template_matches("test://template/{id}/data", "test://template/a-b/data"));
        assert!(template_matches("file:///{+path}", "file:///a/b/c"));
        assert!(template_matches("x://{a}/{b}", "x://1/2"));
        assert!(!template_matches("demo://item/{id}", "demo://item/"));
        assert!(!template_matches("demo://item/{id}", "demo://item/a/b"));
        assert!(!template_matches("test://template/{id}/data", "test://template/7/other"));
        assert!(!template_matches("demo://about", "demo://about/x"));
        assert!(template_matches("demo://about", "demo://about"));
    }
}
