//! Lists for MCP clients: prepared objects of the snapshot, joined. Costs what is listed.

use std::sync::Arc;

use domain::{Error, Grant, Owned, Permission, Result};
use serde_json::value::RawValue;

use crate::{
    catalogue::{Item, Kind},
    policy::{self, Act, Permit, Question, methods::word},
    resolve::Place,
};

/// Items on one page. Clients that do not page get by with one page of a large gateway.
pub const PAGE: usize = 1000;

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// The objects, as a JSON array.
    pub array: Box<RawValue>,
    /// The cursor of the next page; the front door seals it.
    pub next: Option<String>,
}

/// The page of `kind` after `cursor`, as the permit's scope sees it. A cursor is the name after which the page
/// starts, so that pages neither repeat nor miss what stays while the catalogue changes.
pub fn page<P: Grant>(permit: &Permit<P>, place: &Place, kind: Kind, cursor: Option<&str>) -> Result<Page> {
    let question = Question::of(permission(kind));
    policy::check(permit.actor(), &question)?;
    let reaches =
        |row: &Owned| policy::decide(permit.actor(), &question.about(word(kind), Act::Use, row)).is_ok();
    let prefix = place.server().map(|server| server.prefix).unwrap_or_default();
    let items = place.snapshot.list(place.server(), kind);
    let start = cursor.map_or(0, |after| items.partition_point(|item| item.exposed(prefix) <= after));
    let mut array = String::from("[");
    let mut last: Option<&Arc<Item>> = None;
    let mut shown = 0;
    let mut next = None;
    for item in items.iter().skip(start).filter(|item| reaches(&item.owned)) {
        let name = item.exposed(prefix);
        // Rows that share a name are shown once: the one that a call would reach.
        if last.is_some_and(|last| last.exposed(prefix) == name) {
            continue;
        }
        let winner = place.snapshot.find(place.server(), kind, name, reaches).unwrap_or(item);
        if winner.held {
            continue;
        }
        if shown == PAGE {
            next = last.map(|last| last.exposed(prefix).to_owned());
            break;
        }
        if shown > 0 {
            array.push(',');
        }
        array.push_str(winner.object(prefix).get());
        last = Some(item);
        shown += 1;
    }
    array.push(']');
    let array = RawValue::from_string(array).map_err(Error::internal)?;
    Ok(Page { array, next })
}

/// What listing and reading a kind needs.
pub fn permission(kind: Kind) -> Permission {
    match kind {
        Kind::Tool => Permission::ToolsRead,
        Kind::Prompt => Permission::PromptsRead,
        Kind::Resource | Kind::Template => Permission::ResourcesRead,
    }
}
