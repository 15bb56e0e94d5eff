//! Which definition of a tool is served, and whether the tool is held back. Pure: pins and a listing in, pins out.
//!
//! What was approved stays in service, byte for byte, until somebody decides; only what is suspicious is held back as
//! well, because an upstream that begins to deceive is not to be called. `tofu` takes a tool that appears later at a known
//! upstream as it took the first ones, unless something is found in it or it is an approved tool under a new name; the
//! threat catalogue would have it wait, but then no upstream could grow without an operator. `approve` has it wait. A
//! tool that was quarantined stays so until somebody decides or the upstream says again what was approved.

mod judge;
mod write;

use std::collections::{HashMap, HashSet};

use content::{
    PinMode,
    definitions::{self, Report},
};
use domain::{
    Timestamp,
    item::Tool,
    pin::{Definition, Pin, PinState},
};
use protocol::json::RawObject;

pub(crate) use self::{judge::of_row, write::write};
use super::{
    Stored,
    merging::{Changes, Origin},
    reading::FoundNamed,
};

/// Pins of tools that are gone, kept for each gateway; the oldest go first.
const MOST_GONE: usize = 1_000;

/// What is decided of a listing.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    /// The tools as they are served.
    pub(crate) items: Vec<FoundNamed>,
    /// The upstream's names of those that are held back.
    pub(crate) held: HashSet<String>,
    /// Pins that are new or changed.
    pub(crate) pins: Vec<Pin>,
    /// Names of pins that are forgotten.
    pub(crate) forgotten: Vec<String>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
}

/// A listing with what was found in each of its tools.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) items: &'a [FoundNamed],
    pub(super) reports: &'a [Report],
    pub(super) mode: PinMode,
}

/// What is known before the listing is looked at.
struct Known<'a> {
    mode: PinMode,
    now: Timestamp,
    gateway: &'a domain::id::GatewayId,
    /// Bodies of approved tools that are gone, with their names.
    gone: HashMap<String, String>,
}

/// Decides about every tool of a listing.
pub(super) fn decide(origin: Origin<'_>, stored: &Stored, found: Listing<'_>) -> Pinned {
    let pins: HashMap<&str, &Pin> = stored.pins.iter().map(|pin| (pin.original_name.as_str(), pin)).collect();
    let rows: HashMap<&str, &Tool> =
        stored.tools.iter().map(|tool| (tool.original_name.as_str(), tool)).collect();
    let listed: HashSet<&str> = found.items.iter().map(|item| item.name.as_str()).collect();
    let unknown: Vec<&str> =
        listed.iter().copied().filter(|name| !pins.contains_key(name) && !rows.contains_key(name)).collect();
    let known = Known {
        mode: found.mode,
        now: origin.record.created_at,
        gateway: &origin.gateway.id,
        gone: if unknown.is_empty() { HashMap::new() } else { gone(stored, &listed) },
    };
    let alike = definitions::lookalikes(unknown, origin.taken.originals.iter().map(|name| &**name));
    let mut pinned = Pinned::default();
    for (item, report) in found.items.iter().zip(found.reports) {
        let before = pins.get(item.name.as_str()).map(|pin| (*pin).clone());
        let after = match (&before, rows.get(item.name.as_str())) {
            (Some(pin), _) => judge::again(&known, pin.clone(), item, report),
            (None, Some(row)) => judge::again(&known, judge::of_row(row), item, report),
            (None, None) => judge::first(&known, item, report, alike.contains_key(item.name.as_str())),
        };
        pinned.take(item, before.as_ref(), after);
    }
    pinned.forgotten = forgotten(stored, &listed);
    pinned
}

impl Pinned {
    fn take(&mut self, item: &FoundNamed, before: Option<&Pin>, after: Pin) {
        if after.holds() {
            self.held.insert(item.name.clone());
        }
        self.items.push(served(item, after.approved.as_ref()));
        if before == Some(&after) {
            return;
        }
        if let Some(note) = told(&after) {
            self.notes.push(note);
        }
        self.pins.push(after);
    }

    /// Marks the rows that are held back, also those that the listing does not change.
    pub(super) fn mark(&self, changes: &mut Changes<Tool>, stored: &[Tool]) {
        let holds = |tool: &Tool| self.held.contains(&tool.original_name);
        for tool in changes.add.iter_mut().chain(&mut changes.update) {
            tool.held = holds(tool);
        }
        let gone: HashSet<_> =
            changes.update.iter().chain(&changes.remove).map(|tool| tool.id.clone()).collect();
        let others = stored.iter().filter(|tool| !gone.contains(&tool.id) && tool.held != holds(tool));
        changes
            .update
            .extend(others.map(|tool| Tool { held: holds(tool), ..tool.clone() }).collect::<Vec<_>>());
    }

    /// How many tools have something new to decide about and are served as before.
    pub(super) fn drifted(&self, changes: &Changes<Tool>) -> usize {
        let updated: HashSet<&str> = changes.update.iter().map(|tool| tool.original_name.as_str()).collect();
        let drifted = |pin: &&Pin| pin.offered.is_some() && pin.approved.is_some();
        self.pins.iter().filter(drifted).filter(|pin| !updated.contains(pin.original_name.as_str())).count()
    }
}

/// The line for people about a pin that changed.
fn told(pin: &Pin) -> Option<String> {
    let name = &pin.original_name;
    let class = pin.class.as_deref().unwrap_or("new");
    match pin.state {
        PinState::Approved | PinState::Rejected => None,
        PinState::Changed => Some(format!(
            "{name}: its definition changed ({class}); the approved one is served until somebody decides"
        )),
        PinState::Pending => Some(format!("{name}: it waits to be approved and is not served")),
        PinState::Quarantined => {
            let mut rules: Vec<&str> = pin
                .findings
                .iter()
                .filter(|finding| finding.holds)
                .map(|finding| finding.rule.as_str())
                .collect();
            rules.dedup();
            let why = if rules.is_empty() { class.to_owned() } else { rules.join(", ") };
            Some(format!("{name}: it is held back ({why}) until somebody decides"))
        }
    }
}

/// The tool as it is served: as approved, or as listed where nothing was approved.
fn served(item: &FoundNamed, approved: Option<&Definition>) -> FoundNamed {
    let Some(approved) = approved.filter(|approved| approved.text != item.definition) else {
        return item.clone();
    };
    let object = RawObject::parse(approved.text.as_bytes()).unwrap_or_default();
    let text = |key: &str| object.text(key).map(std::borrow::Cow::into_owned);
    FoundNamed {
        name: item.name.clone(),
        title: text("title"),
        description: text("description"),
        definition: approved.text.clone(),
    }
}

/// Bodies of approved tools that the upstream lists no more. Without a description a body says too little to be known by.
fn gone(stored: &Stored, listed: &HashSet<&str>) -> HashMap<String, String> {
    let approved = stored.pins.iter().filter(|pin| !listed.contains(pin.original_name.as_str()));
    let bodies = approved.filter_map(|pin| {
        let body = judge::body(&pin.approved.as_ref()?.text)?;
        Some((body, pin.original_name.clone()))
    });
    bodies.collect()
}

fn forgotten(stored: &Stored, listed: &HashSet<&str>) -> Vec<String> {
    let mut gone: Vec<&Pin> =
        stored.pins.iter().filter(|pin| !listed.contains(pin.original_name.as_str())).collect();
    gone.sort_by_key(|pin| std::cmp::Reverse(pin.seen_at));
    gone.into_iter().skip(MOST_GONE).map(|pin| pin.original_name.clone()).collect()
}

#[cfg(test)]
mod tests;
