//! One decision about everything that an upstream changed: all of it or nothing, in one transaction.
//!
//! Instead of a fingerprint for each definition whoever decides names the time until which they looked; what was seen
//! later is left for another decision. What is held back for a reason is decided about where that state is asked for.

use std::collections::HashMap;

use domain::{Caller, Result, Timestamp, item::Tool, permission::grant, pin::PinState};

use super::{Decision, Verb, View, decision, store_decisions};
use crate::{Engine, Permit, gateways, ownership};

/// What is decided about.
#[derive(Debug)]
pub struct Whole {
    /// The id of the gateway.
    pub gateway: String,
    /// The newest definition that was looked at was first seen then.
    pub until: Timestamp,
    /// In these states.
    pub states: Vec<PinState>,
}

/// What was decided, and how much was seen later.
#[derive(Debug)]
pub struct Decided {
    /// The tools with their pins, as they are now.
    pub views: Vec<View>,
    /// Definitions that came in after what was looked at.
    pub later: usize,
}

/// Decides about every definition of a gateway that waits. Refused as a whole where the caller may not change one of the
/// tools; those that the caller does not see are left alone.
#[crate::boxed]
pub async fn decide(
    engine: &Engine,
    permit: &Permit<grant::ToolsUpdate>,
    caller: &Caller,
    verb: Verb,
    whole: Whole,
) -> Result<Decided> {
    let gateway = gateways::id_of(engine, permit.scope(), &whole.gateway).await?;
    let _turn = engine.federation().turn().await;
    let tools = store::tools::of_gateway(engine.db(), &gateway).await?.into_iter();
    let seen = tools.filter(|tool| permit.scope().sees(&tool.owned));
    let mut tools: HashMap<String, Tool> = seen.map(|tool| (tool.original_name.clone(), tool)).collect();
    let (mut decisions, mut later) = (Vec::<Decision>::new(), 0);
    for pin in store::pins::of_gateway(engine.db(), &gateway).await? {
        let Some(offered) = pin.undecided().filter(|_| whole.states.contains(&pin.state)).cloned() else {
            continue;
        };
        let Some(tool) = tools.remove(&pin.original_name) else { continue };
        ownership::may_change(permit, &tool.owned)?;
        if pin.seen_at > whole.until {
            later += 1;
        } else {
            decisions.push(decision(verb, tool, pin, offered));
        }
    }
    if decisions.is_empty() {
        return Ok(Decided { views: Vec::new(), later });
    }
    Ok(Decided { views: store_decisions(engine, permit, caller, verb, decisions).await?, later })
}
