//! Finding out what an upstream offers, and bringing the stored rows up to it.
//!
//! [`fetch`] asks the upstream, outside any transaction; [`plan`] is pure and says what changes; [`write`] does it.
//! Rows vanish only after a complete listing: an upstream that is down or refuses one list loses nothing.

pub(crate) mod merging;
pub(crate) mod naming;
pub(crate) mod pinning;
pub(crate) mod reading;
pub(crate) mod reports;
pub(crate) mod taken;

use std::{collections::HashSet, time::Duration};

use content::{PinMode, definitions::Report};
use domain::{
    Error, Owned, Result, Timestamp,
    gateway::Gateway,
    id::GatewayId,
    item::{Prompt, Resource, Tool},
    pin::Pin,
};
use protocol::json::RawObject;
use upstream::{Connected, ListKind, Target, attached::SCHEME};

use self::{
    merging::{Changes, Origin},
    pinning::Pinned,
    reading::{FoundNamed, FoundResource, Listed},
    reports::Remarked,
};
use crate::{engine::Engine, ownership};

/// The longest that one discovery may take, all lists together.
const LIMIT: Duration = Duration::from_mins(2);
/// The same for a program that is connected (`gateways::reverse`).
const LIMIT_OF_PROGRAMS: Duration = Duration::from_secs(30);

/// What an upstream says of itself. A list that it refused is absent.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) connected: Connected,
    pub(crate) tools: Listed<FoundNamed>,
    /// What was found in each of them.
    pub(crate) reports: Vec<Report>,
    /// What is to be done about changes.
    pub(crate) pinning: PinMode,
    pub(crate) prompts: Option<Listed<FoundNamed>>,
    pub(crate) resources: Option<Listed<FoundResource>>,
    pub(crate) templates: Option<Listed<FoundResource>>,
    /// What was found in prompts, resources and templates.
    pub(crate) remarked: Vec<Remarked>,
    pub(crate) notes: Vec<String>,
}

/// The rows of one gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stored {
    pub(crate) tools: Vec<Tool>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) pins: Vec<Pin>,
}

/// What becomes of them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tools: Changes<Tool>,
    pub(crate) prompts: Changes<Prompt>,
    pub(crate) resources: Changes<Resource>,
    /// Which definitions are served.
    pub(crate) pinned: Pinned,
    /// What was found in new and changed prompts and resources.
    pub(crate) remarked: Vec<Remarked>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
}

/// How many rows came, changed and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New rows.
    pub added: usize,
    /// Rows whose definition or name changed.
    pub updated: usize,
    /// Deleted rows.
    pub removed: usize,
}

impl<T> Changes<T> {
    /// The counts for people.
    pub(crate) fn counts(&self) -> Counts {
        Counts { added: self.add.len(), updated: self.update.len(), removed: self.remove.len() }
    }

    fn is_empty(&self) -> bool {
        self.add.is_empty() && self.update.is_empty() && self.remove.is_empty()
    }
}

impl Plan {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        let rows = self.tools.is_empty() && self.prompts.is_empty() && self.resources.is_empty();
        rows && self.pinned.pins.is_empty() && self.pinned.forgotten.is_empty()
    }

    /// Whether a prompt or a resource is new or changed.
    fn brings(&self, one: &Remarked) -> bool {
        let (prompts, resources) = (&self.prompts, &self.resources);
        match one.kind {
            "prompt" => {
                prompts.add.iter().chain(&prompts.update).any(|prompt| prompt.original_name == one.name)
            }
            _ => resources.add.iter().chain(&resources.update).any(|resource| resource.uri == one.name),
        }
    }

    /// The counts of tools; one whose upstream changed it counts as updated, whatever is served.
    pub(crate) fn tool_counts(&self) -> Counts {
        let counts = self.tools.counts();
        Counts { updated: counts.updated + self.pinned.drifted(&self.tools), ..counts }
    }

    /// Gives every row that stays the ownership that `carry` says, where it says one. `stored` are the rows before.
    /// A resource whose URI is in `held` is never shown to more people than before.
    pub(crate) fn reown(
        &mut self,
        stored: Stored,
        held: &HashSet<String>,
        carry: impl Fn(&Owned) -> Option<Owned>,
    ) {
        reown(&mut self.tools, stored.tools, &|row| carry(&row.owned));
        reown(&mut self.prompts, stored.prompts, &|row| carry(&row.owned));
        reown(&mut self.resources, stored.resources, &|row| {
            let kept = |owned: &Owned| held.contains(&row.uri) && ownership::wider(owned, &row.owned);
            carry(&row.owned).filter(|owned| !kept(owned))
        });
    }
}

/// What tools, prompts and resources have in common.
trait Row {
    fn key(&self) -> &str;
    fn owned(&mut self) -> &mut Owned;
}

macro_rules! rows { ($($kind:ty),*) => { $(impl Row for $kind {
    fn key(&self) -> &str { self.id.as_str() }
    fn owned(&mut self) -> &mut Owned { &mut self.owned }
})* } }
rows!(Tool, Prompt, Resource);

fn reown<T: Row>(changes: &mut Changes<T>, stored: Vec<T>, carry: &impl Fn(&T) -> Option<Owned>) {
    for row in &mut changes.update {
        if let Some(owned) = carry(row) {
            *row.owned() = owned;
        }
    }
    let touched: HashSet<String> =
        changes.update.iter().chain(&changes.remove).map(|row| row.key().to_owned()).collect();
    for mut row in stored.into_iter().filter(|row| !touched.contains(row.key())) {
        if let Some(owned) = carry(&row) {
            *row.owned() = owned;
            changes.update.push(row);
        }
    }
}

/// Connects and reads every page of every list that the upstream announces. Few run at once; programs that connected by
/// themselves are not among those, because anybody can connect as many as there are places and let none of them answer.
/// How many are connected is limited elsewhere.
pub(crate) async fn fetch(engine: &Engine, target: &Target) -> Result<Found> {
    if target.url.starts_with(SCHEME) {
        return within(LIMIT_OF_PROGRAMS, ask(engine, target)).await;
    }
    let _slot = engine.federation().slot().await?;
    within(LIMIT, ask(engine, target)).await
}

async fn within(limit: Duration, asking: impl Future<Output = Result<Found>>) -> Result<Found> {
    tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        let message = format!("it did not list its tools within {} seconds", limit.as_secs());
        Err(Error::Upstream { message, timeout: true })
    })
}

async fn ask(engine: &Engine, target: &Target) -> Result<Found> {
    let pool = engine.pool();
    let connected = pool.connect(target).await?;
    let capabilities = RawObject::parse(&*connected.capabilities).unwrap_or_default();
    let offers = |key: &str| capabilities.get(key).is_some_and(|value| value.get() != "null");
    let (with_tools, with_prompts, with_resources) =
        (offers("tools"), offers("prompts"), offers("resources"));
    let tools = if with_tools { pool.list(target, ListKind::Tools).await? } else { Vec::new() };
    let mut notes = Vec::new();
    let mut prompts = Some(Listed::default());
    let (mut resources, mut templates) = (Some(Listed::default()), Some(Listed::default()));
    if with_prompts {
        let raw = pool.list(target, ListKind::Prompts).await;
        prompts = kept(raw, "prompts", &mut notes).map(|raw| reading::prompts(&raw));
    }
    if with_resources {
        let raw = pool.list(target, ListKind::Resources).await;
        resources = kept(raw, "resources", &mut notes).map(|raw| reading::resources(&raw, false));
        let raw = pool.list(target, ListKind::Templates).await;
        templates = kept(raw, "resource templates", &mut notes).map(|raw| reading::resources(&raw, true));
    }
    let tools = reading::tools(&tools);
    let (reports, pinning) = (reports::of(engine, &tools.items).await?, engine.settings().pins.mode);
    let others = [&resources, &templates].into_iter().flatten().flat_map(|listed| &listed.items);
    let named = prompts.iter().flat_map(|listed| &listed.items);
    let remarked = reports::of_others(engine, named, others).await?;
    Ok(Found { connected, tools, reports, pinning, prompts, resources, templates, remarked, notes })
}

/// Tools are what an upstream is registered for; a refused list of something else is a note, not a failure.
fn kept<T>(list: Result<T>, what: &str, notes: &mut Vec<String>) -> Option<T> {
    list.map_err(|error| notes.push(format!("{what} could not be listed: {}", told(&error)))).ok()
}

/// The text of an error that people may read.
pub(crate) fn told(error: &Error) -> String {
    match error {
        Error::Internal(_) | Error::Unavailable(_) => {
            tracing::error!(%error, "discovery failed");
            "internal error".to_owned()
        }
        other => other.to_string(),
    }
}

/// The rows of a gateway as they are stored.
pub(crate) async fn stored(engine: &Engine, gateway: &GatewayId) -> Result<Stored> {
    Ok(Stored {
        tools: store::tools::of_gateway(engine.db(), gateway).await?,
        prompts: store::prompts::of_gateway(engine.db(), gateway).await?,
        resources: store::resources::of_gateway(engine.db(), gateway).await?,
        pins: store::pins::of_gateway(engine.db(), gateway).await?,
    })
}

/// What the listing changes.
pub(crate) fn plan(origin: Origin<'_>, stored: Stored, found: &Found) -> Plan {
    let mut plan = Plan { notes: found.notes.clone(), ..Plan::default() };
    let listing =
        pinning::Listing { items: &found.tools.items, reports: &found.reports, mode: found.pinning };
    plan.pinned = pinning::decide(origin, &stored, listing);
    plan.tools = merging::tools(origin, stored.tools.clone(), &plan.pinned.items);
    plan.pinned.mark(&mut plan.tools, &stored.tools);
    plan.notes.extend(found.tools.skipped.iter().chain(&plan.pinned.notes).cloned());
    plan.notes.append(&mut plan.tools.notes);
    if let Some(prompts) = &found.prompts {
        plan.prompts = merging::prompts(origin, stored.prompts, &prompts.items);
        plan.notes.extend(prompts.skipped.iter().cloned());
        plan.notes.append(&mut plan.prompts.notes);
    }
    let (templates, resources) = stored.resources.into_iter().partition(|resource| resource.template);
    for (rows, list) in [(resources, &found.resources), (templates, &found.templates)] {
        if let Some(list) = list {
            plan.resources.join(merging::resources(origin, rows, &list.items));
            plan.notes.extend(list.skipped.iter().cloned());
        }
    }
    plan.remarked = found.remarked.iter().filter(|one| plan.brings(one)).cloned().collect();
    plan
}

/// What a new name of the gateway changes.
pub(crate) fn rename(origin: Origin<'_>, stored: Stored) -> Plan {
    let (tools, prompts) = merging::renamed(origin, stored.tools, stored.prompts);
    Plan { tools, prompts, ..Plan::default() }
}

/// Writes what the upstream says of itself into its gateway.
pub(crate) fn describe(gateway: &mut Gateway, found: &Found, now: Timestamp) {
    let connected = &found.connected;
    gateway.dialect = Some(connected.dialect.clone());
    connected.capabilities.get().clone_into(&mut gateway.capabilities);
    gateway.server_info = connected.server_info.as_ref().map(|info| info.get().to_owned());
    gateway.instructions.clone_from(&connected.instructions);
    gateway.skipped_tools.clone_from(&found.tools.skipped);
    gateway.reachable = true;
    gateway.last_error = None;
    gateway.last_seen = Some(now);
    gateway.last_refresh_at = Some(now);
}

/// Carries a change of a gateway's ownership over to its items: those that were owned as it was follow it, and
/// none may stay visible to people who do not see the gateway any more.
pub(crate) fn carried(item: &Owned, before: &Owned, after: &Owned) -> Option<Owned> {
    let follows = item == before || ownership::wider(item, after);
    (follows && item != after).then(|| after.clone())
}

/// Writes the changes. Rows go before others come, so that a name is free when it changes hands.
pub(crate) async fn write(tx: &mut store::Tx, plan: &Plan) -> Result<()> {
    write_tools(tx, &plan.tools).await?;
    write_prompts(tx, &plan.prompts).await?;
    write_resources(tx, &plan.resources).await
}

async fn write_tools(tx: &mut store::Tx, changes: &Changes<Tool>) -> Result<()> {
    for tool in &changes.remove {
        store::tools::delete(tx, &tool.id).await?;
    }
    for tool in &changes.update {
        store::tools::update(tx, tool, tool.record.version).await?;
    }
    store::tools::upsert(tx, &changes.add).await
}

async fn write_prompts(tx: &mut store::Tx, changes: &Changes<Prompt>) -> Result<()> {
    for prompt in &changes.remove {
        store::prompts::delete(tx, &prompt.id).await?;
    }
    for prompt in &changes.update {
        store::prompts::update(tx, prompt, prompt.record.version).await?;
    }
    store::prompts::upsert(tx, &changes.add).await
}

async fn write_resources(tx: &mut store::Tx, changes: &Changes<Resource>) -> Result<()> {
    for resource in &changes.remove {
        store::resources::delete(tx, &resource.id).await?;
    }
    for resource in &changes.update {
        store::resources::update(tx, resource, resource.record.version).await?;
    }
    store::resources::upsert(tx, &changes.add).await
}

/// Notes that everything a gateway offers answers again.
pub(crate) async fn answering(tx: &mut store::Tx, gateway: &GatewayId) -> Result<()> {
    store::tools::mark_reachable(tx, gateway, true).await?;
    store::prompts::mark_reachable(tx, gateway, true).await?;
    store::resources::mark_reachable(tx, gateway, true).await
}

#[cfg(test)]
mod tests {
    use domain::{Visibility, id::TeamId};

    use super::*;

    #[test]
    fn items_follow_their_gateway_and_never_reach_further() {
        let owned = |visibility, team: Option<&str>| Owned {
            visibility,
            team_id: team.map(TeamId::from_stored),
            owner_email: "a".to_owned(),
        };
        let (public, team, private) = (
            owned(Visibility::Public, None),
            owned(Visibility::Team, Some("t")),
            owned(Visibility::Private, None),
        );
        assert_eq!(carried(&public, &public, &team), Some(team.clone()), "followed");
        assert_eq!(carried(&private, &public, &team), None, "narrower than the gateway, and stays");
        assert_eq!(carried(&team, &public, &private), Some(private.clone()), "would reach further");
        assert_eq!(carried(&private, &private, &public), Some(public));
    }
}
