//! Deciding about definitions that upstreams changed, or that were held back: look, approve, reject.
//!
//! Whoever decides names the fingerprint that they looked at, so that nothing is approved that came in between. What was
//! found is for those who may change tools: its texts are meant for models and are not shown to everybody. Decisions
//! about all of an upstream are in [`whole`].

pub mod whole;

use content::definitions;
pub use content::definitions::Change;
use domain::{
    Caller, Error, Result,
    item::Tool,
    permission::grant,
    pin::{Definition, Pin, PinState},
};
use serde_json::{Value, json};
pub use store::pins::Pinned;

use super::visible;
use crate::{
    Engine, Permit, audit, catalogue,
    discovery::{merging::described, pinning::of_row},
    ownership,
};

/// The states of what waits for a decision.
pub const WAITING: [PinState; 3] = [PinState::Quarantined, PinState::Pending, PinState::Changed];

/// A tool with its pin, and what its upstream changed.
#[derive(Debug)]
pub struct View {
    /// The tool.
    pub tool: Tool,
    /// Its pin.
    pub pin: Pin,
    /// Every change from what was approved to what is offered.
    pub changes: Vec<Change>,
}

/// The pins in these states of the tools that the actor sees, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    states: &[PinState],
    page: (i64, i64),
) -> Result<Vec<Pinned>> {
    store::pins::list(engine.db(), &permit.rows(), states, page).await
}

/// The pin of one tool.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<grant::ToolsUpdate>, id: &str) -> Result<View> {
    let tool = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &tool.owned)?;
    let pin = of(engine, &tool).await?;
    Ok(View { changes: changes(&pin), tool, pin })
}

/// What somebody decides about a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Serves what the upstream offers from now on.
    Approve,
    /// Goes on with what was approved; what the upstream offers is not asked about again. A tool of which nothing was
    /// ever approved stays held back.
    Reject,
}

impl Verb {
    const fn action(self) -> &'static str {
        match self {
            Self::Approve => "tool.approve",
            Self::Reject => "tool.reject",
        }
    }
}

/// A decision that is still to be stored.
struct Decision {
    tool: Tool,
    before: Pin,
    after: Pin,
}

/// Decides about the definition of one tool that has this fingerprint.
#[crate::boxed]
pub async fn decide(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    caller: &Caller,
    verb: Verb,
    (id, fingerprint): (&str, &str),
) -> Result<View> {
    let _turn = engine.federation().turn().await;
    let (tool, pin, offered) = undecided(engine, permit, id, fingerprint).await?;
    let decision = decision(verb, tool, pin, offered);
    let mut views = store_decisions(engine, permit, caller, verb, vec![decision]).await?;
    views.pop().ok_or_else(|| Error::internal("a decision was not stored"))
}

fn decision(verb: Verb, mut tool: Tool, before: Pin, offered: Definition) -> Decision {
    let after = match verb {
        Verb::Approve => {
            if tool.description == described(&tool.definition) {
                tool.description = described(&offered.text);
            }
            tool.definition.clone_from(&offered.text);
            Pin {
                state: PinState::Approved,
                approved: Some(offered),
                offered: None,
                rejected: None,
                class: None,
                ..before.clone()
            }
        }
        Verb::Reject => {
            Pin { state: PinState::Rejected, rejected: Some(offered.fingerprint), ..before.clone() }
        }
    };
    tool.held = after.holds();
    Decision { tool, before, after }
}

async fn undecided(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    id: &str,
    fingerprint: &str,
) -> Result<(Tool, Pin, Definition)> {
    let tool = visible(engine, permit.scope(), id).await?;
    ownership::may_change(permit, &tool.owned)?;
    let pin = of(engine, &tool).await?;
    let Some(offered) = pin.undecided().cloned() else {
        return Err(Error::Conflict(format!(
            "Tool {} has nothing to decide about: what its upstream says is served",
            tool.name
        )));
    };
    if offered.fingerprint != fingerprint {
        return Err(Error::Conflict(format!(
            "The upstream of tool {} offers another definition by now; look at it and decide again",
            tool.name
        )));
    }
    Ok((tool, pin, offered))
}

/// Stores decisions, all or none, each with its audit record.
async fn store_decisions(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    caller: &Caller,
    verb: Verb,
    decisions: Vec<Decision>,
) -> Result<Vec<View>> {
    let now = engine.clock().now();
    let email = &permit.actor().email;
    let mut views = Vec::with_capacity(decisions.len());
    let mut tx = engine.db().begin().await?;
    for Decision { mut tool, before, mut after } in decisions {
        after.decided_at = Some(now);
        after.decided_by = Some(email.clone());
        ownership::changed(&mut tool.record, now, email, caller);
        store::tools::update(&mut tx, &tool, tool.record.version).await?;
        let deed = audit::Deed::done(verb.action(), "tool", tool.id.as_str()).with(details(&tool, &before));
        audit::record(engine, &mut tx, email, caller, deed).await?;
        tool.record.version += 1;
        views.push(View { changes: changes(&after), tool, pin: after });
    }
    let pins: Vec<Pin> = views.iter().map(|view| view.pin.clone()).collect();
    store::pins::save(&mut tx, &pins).await?;
    store::sequences::bump(&mut tx, "catalogue").await?;
    tx.commit().await?;
    catalogue::changed(engine).await?;
    Ok(views)
}

fn details(tool: &Tool, before: &Pin) -> Value {
    json!({
        "name": tool.name, "was": before.state.as_str(), "class": before.class,
        "approved": before.approved.as_ref().map(|known| &known.fingerprint),
        "offered": before.offered.as_ref().map(|known| &known.fingerprint),
        "rules": before.findings.iter().map(|finding| &finding.rule).collect::<Vec<_>>(),
    })
}

/// The pin of a tool; of one that is older than pins are, the pin that the next discovery gives it.
async fn of(engine: &Engine, tool: &Tool) -> Result<Pin> {
    let stored = store::pins::get(engine.db(), &tool.gateway_id, &tool.original_name).await?;
    Ok(stored.unwrap_or_else(|| of_row(tool)))
}

fn changes(pin: &Pin) -> Vec<Change> {
    let value = |definition: &Definition| {
        definitions::parse(&definition.text).unwrap_or_else(|| Value::String(definition.text.clone()))
    };
    match (&pin.approved, &pin.offered) {
        (Some(approved), Some(offered)) => definitions::compare(&value(approved), &value(offered)).changes,
        _ => Vec::new(),
    }
}
