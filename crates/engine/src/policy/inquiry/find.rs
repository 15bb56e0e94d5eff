//! Looks for what a question is about, among the rows that the one who asks may know of.

use std::sync::Arc;

use domain::{Actor, Outcome, Owned, Permission, Result, TraceStep};

use super::{At, Inquiry, Row, Thing};
use crate::{
    Engine,
    catalogue::{Item, Kind, ServerView, Snapshot},
    policy::{Act, Question, decide, explain},
    resolve,
};

/// What was found, and how that went.
#[derive(Default)]
pub(super) struct Found {
    pub(super) server: At,
    pub(super) object: Option<Row>,
    pub(super) steps: Vec<TraceStep>,
}

/// Who asks, whom the question is about, and whether both are one person.
type Who<'a> = (&'a Arc<Actor>, &'a Arc<Actor>, bool);

/// Whether a row may be told of. One's own other token was shown, so what it reaches is no secret either.
fn told((asking, subject, own): Who<'_>, reading: &[Permission], row: &Owned) -> bool {
    reading.iter().any(|permission| {
        let question = Question::of(*permission).about("row", Act::Use, row);
        decide(asking, &question).is_ok() || (own && decide(subject, &question).is_ok())
    })
}

/// Looks for the virtual server and the thing.
pub(super) async fn everything(engine: &Engine, who: Who<'_>, inquiry: &Inquiry) -> Result<Found> {
    let snapshot = engine.catalogue().snapshot();
    let mut found = Found::default();
    let server = inquiry.server.as_deref().and_then(|name| server(&snapshot, who, name, &mut found));
    match &inquiry.about {
        None => {}
        Some((Thing::Server, name)) => {
            let view = self::server(&snapshot, who, name, &mut found);
            found.object = view.map(|view| (view.id.to_string(), view.name.clone(), view.owned.clone()));
        }
        Some((Thing::Gateway, name)) => gateway(engine, who, name, &mut found).await?,
        Some((thing, name)) => {
            let items = candidates(&snapshot, server.as_deref(), *thing, name);
            let chosen = chosen(who, *thing, &items);
            match (chosen, &server) {
                (Some(item), Some(view)) if !inside(&snapshot, view, item) => {
                    found.steps.push(standing(*thing, name, item));
                    found.steps.push(not_in_server(*thing, view));
                    found.object = Some(row(item));
                }
                (Some(item), _) => {
                    found.steps.push(standing(*thing, name, item));
                    found.object = Some(row(item));
                }
                (None, _) => not_found(engine, who, (*thing, name), &mut found).await?,
            }
        }
    }
    Ok(found)
}

fn row(item: &Item) -> Row {
    (item.id.to_string(), item.name.to_string(), item.owned.clone())
}

fn kinds(thing: Thing) -> &'static [Kind] {
    match thing {
        Thing::Tool => &[Kind::Tool],
        Thing::Prompt => &[Kind::Prompt],
        Thing::Resource => &[Kind::Resource, Kind::Template],
        Thing::Server | Thing::Gateway => &[],
    }
}

/// Everything that a client could mean by `name` here; where nothing is, everything that anybody could.
fn candidates(snapshot: &Snapshot, server: Option<&ServerView>, thing: Thing, name: &str) -> Vec<Arc<Item>> {
    let places = [Some(server), server.is_some().then_some(None)];
    for place in places.into_iter().flatten() {
        let named = kinds(thing).iter().flat_map(|kind| snapshot.named(place, *kind, name));
        let by_id = kinds(thing).iter().flat_map(|kind| snapshot.list(place, *kind));
        let by_id = by_id.filter(|item| *item.id == *name);
        let templates = if thing == Thing::Resource { snapshot.list(place, Kind::Template) } else { &[] };
        let made = templates.iter().filter(|item| resolve::templates::serves(&item.name, name));
        let all: Vec<Arc<Item>> = named.chain(by_id).chain(made).cloned().collect();
        if !all.is_empty() {
            return all;
        }
    }
    Vec::new()
}

/// The one that the subject's request reaches, else the first; always one that may be told of.
fn chosen<'a>(who: Who<'_>, thing: Thing, items: &'a [Arc<Item>]) -> Option<&'a Arc<Item>> {
    let told = |item: &&Arc<Item>| told(who, thing.reading(), &item.owned);
    let reached = |item: &&Arc<Item>| {
        let question = Question::of(thing.permission()).about(thing.word(), Act::Use, &item.owned);
        decide(who.1, &question).is_ok()
    };
    items.iter().filter(told).find(reached).or_else(|| items.iter().find(told))
}

/// That it is registered; or that it is, and held back.
fn standing(thing: Thing, name: &str, item: &Item) -> TraceStep {
    if !item.held {
        return registered(thing, name);
    }
    TraceStep {
        step: "object",
        outcome: Outcome::Denied,
        why: format!("The {} is held back until somebody decides about its definition.", thing.word()).into(),
        change: Some("Look at its pin, and approve or reject what its upstream says.".into()),
    }
}

fn inside(snapshot: &Snapshot, server: &ServerView, item: &Arc<Item>) -> bool {
    let named = snapshot.named(Some(server), item.kind, item.exposed(server.prefix));
    named.iter().any(|other| other.id == item.id)
}

fn server(snapshot: &Snapshot, who: Who<'_>, name: &str, found: &mut Found) -> Option<Arc<ServerView>> {
    let named = |server: &&Arc<ServerView>| server.id.as_str() == name || server.name == name;
    let told = |server: &&Arc<ServerView>| told(who, Thing::Server.reading(), &server.owned);
    let view = snapshot.servers().filter(named).find(told).cloned();
    let Some(view) = view else {
        found.steps.push(hidden("server", "virtual server", name, who.2));
        return None;
    };
    found.server = Some(view.id.clone());
    let question = Question::of(Thing::Server.permission()).about("virtual server", Act::Use, &view.owned);
    let mut seen = explain::trace(who.1, &question).into_iter();
    let refused =
        seen.find(|step| step.outcome == Outcome::Denied && ["visibility", "team"].contains(&step.step));
    let why = format!("The virtual server {} is switched on, and the credential reaches it.", view.id);
    found.steps.push(match refused {
        Some(step) => TraceStep { step: "server", ..step },
        None => passed("server", why),
    });
    Some(view)
}

async fn gateway(engine: &Engine, who: Who<'_>, name: &str, found: &mut Found) -> Result<()> {
    let all = store::gateways::all(engine.db()).await?;
    let mut gateways = all.into_iter().map(|row| row.gateway);
    let gateway = gateways.find(|gateway| {
        [gateway.id.as_str(), &gateway.name, &gateway.slug].contains(&name)
            && told(who, Thing::Gateway.reading(), &gateway.owned)
    });
    match gateway {
        Some(gateway) => {
            found.steps.push(registered(Thing::Gateway, name));
            found.object = Some((gateway.id.to_string(), gateway.name, gateway.owned));
        }
        None => found.steps.push(hidden("object", "gateway", name, who.2)),
    }
    Ok(())
}

/// Nothing that is switched on. Auditors are told where it is only switched off.
async fn not_found(
    engine: &Engine,
    who: Who<'_>,
    (thing, name): (Thing, &str),
    found: &mut Found,
) -> Result<()> {
    if super::subject::may_ask(who.0).is_ok() {
        let rows = registered_rows(engine, thing).await?;
        let is_it = |row: &Row| (row.0 == name || row.1 == name) && told(who, thing.reading(), &row.2);
        if let Some(row) = rows.into_iter().find(is_it) {
            found.object = Some(row);
            found.steps.push(TraceStep {
                step: "object",
                outcome: Outcome::Denied,
                why: format!("The {} is switched off, or its gateway is.", thing.word()).into(),
                change: Some("Switch it on, and its gateway.".into()),
            });
            return Ok(());
        }
    }
    found.steps.push(hidden("object", thing.word(), name, who.2));
    Ok(())
}

async fn registered_rows(engine: &Engine, thing: Thing) -> Result<Vec<Row>> {
    let db = engine.db();
    Ok(match thing {
        Thing::Tool => {
            let rows = store::tools::all(db).await?.into_iter();
            rows.map(|row| (row.id.to_string(), row.name, row.owned)).collect()
        }
        Thing::Prompt => {
            let rows = store::prompts::all(db).await?.into_iter();
            rows.map(|row| (row.id.to_string(), row.name, row.owned)).collect()
        }
        Thing::Resource => {
            let rows = store::resources::all(db).await?.into_iter();
            rows.map(|row| (row.id.to_string(), row.uri, row.owned)).collect()
        }
        Thing::Server | Thing::Gateway => Vec::new(),
    })
}

fn passed(step: &'static str, why: String) -> TraceStep {
    TraceStep { step, outcome: Outcome::Passed, why: why.into(), change: None }
}

fn registered(thing: Thing, name: &str) -> TraceStep {
    passed("object", format!("The {} {} is registered.", thing.word(), short(name)))
}

fn not_in_server(thing: Thing, server: &ServerView) -> TraceStep {
    TraceStep {
        step: "object",
        outcome: Outcome::Denied,
        why: format!("The {} is not among those of the virtual server {}.", thing.word(), server.id).into(),
        change: Some("Add it to the virtual server, or send the request to /mcp.".into()),
    }
}

/// What one may not know of oneself does not exist; of others it may or may not.
fn hidden(step: &'static str, kind: &'static str, name: &str, own: bool) -> TraceStep {
    let why = format!("There is no {kind} {} that you may know of.", short(name));
    let change = "Check the name; if it is right, it is private to somebody, belongs to a team that you do not reach, or is switched off.";
    TraceStep {
        step,
        outcome: if own { Outcome::Denied } else { Outcome::Unknown },
        why: why.into(),
        change: Some(change.into()),
    }
}

/// A name as it was given, cut to a readable length.
fn short(name: &str) -> String {
    format!("{:?}", name.chars().take(128).collect::<String>())
}
