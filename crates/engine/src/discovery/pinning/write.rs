//! Pins written with the rows they belong to, and an audit record for every tool that is held back, changed or let go.

use domain::{
    Caller, Result,
    gateway::Gateway,
    pin::{Pin, PinState},
};
use serde_json::json;

use crate::{audit, content_security, discovery::Plan, engine::Engine};

/// Audit records of one discovery; more are counted in one.
const MOST_RECORDS: usize = 200;

/// Writes what a discovery makes of the pins, in the transaction of its rows.
pub(crate) async fn write(
    engine: &Engine,
    tx: &mut store::Tx,
    (gateway, plan): (&Gateway, &Plan),
    actor: &str,
    caller: &Caller,
) -> Result<()> {
    store::pins::save(tx, &plan.pinned.pins).await?;
    store::pins::forget(tx, &gateway.id, &plan.pinned.forgotten).await?;
    let news: Vec<&Pin> = plan.pinned.pins.iter().filter(|pin| is_news(pin)).collect();
    for pin in news.iter().take(MOST_RECORDS) {
        let rules: Vec<&str> = pin.findings.iter().map(|finding| finding.rule.as_str()).collect();
        let details = json!({
            "gateway": gateway.name, "tool": pin.original_name, "state": pin.state.as_str(), "class": pin.class,
            "rules": rules,
            "approved": pin.approved.as_ref().map(|known| &known.fingerprint),
            "offered": pin.offered.as_ref().map(|known| &known.fingerprint),
        });
        let deed = audit::Deed::done("tool.pin", "gateway", gateway.id.as_str()).with(details);
        audit::record(engine, tx, actor, caller, deed).await?;
    }
    if news.len() > MOST_RECORDS {
        let details = json!({ "gateway": gateway.name, "more": news.len() - MOST_RECORDS });
        let deed = audit::Deed::done("tool.pin", "gateway", gateway.id.as_str()).with(details);
        audit::record(engine, tx, actor, caller, deed).await?;
    }
    content_security::listed(engine, tx, actor, caller, &plan.remarked).await
}

/// A first definition in which nothing was found is in the record of its gateway.
fn is_news(pin: &Pin) -> bool {
    pin.state != PinState::Approved || !pin.findings.is_empty()
}
