//! Writes the audit record of a change inside the transaction that makes the change: both happen or neither.

use domain::{
    Caller, Result,
    audit::{AuditEvent, AuditRow},
    permission::grant::AuditRead,
};
use serde_json::Value;

use crate::{engine::Engine, policy::Permit};

/// What was done to which thing.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// `noun.verb`, for example `gateway.create`.
    pub action: &'a str,
    /// The kind of thing.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// `success`, `denied` or `failure`.
    pub outcome: &'a str,
    /// More, without secrets.
    pub details: Value,
}

impl<'a> Deed<'a> {
    /// A deed that succeeded, without details.
    pub fn done(action: &'a str, kind: &'a str, id: &'a str) -> Self {
        Self { action, kind, id, outcome: "success", details: Value::Object(serde_json::Map::new()) }
    }

    /// The same with details.
    #[must_use]
    pub fn with(self, details: Value) -> Self {
        Self { details, ..self }
    }
}

/// Appends to the chain, in the transaction of the change.
#[crate::boxed]
pub async fn record<'a>(
    engine: &'a Engine,
    tx: &mut store::Tx,
    actor: &str,
    caller: &Caller,
    deed: Deed<'a>,
) -> Result<()> {
    let event = AuditEvent {
        at: engine.clock().now(),
        actor: actor.to_owned(),
        action: deed.action.to_owned(),
        target_kind: deed.kind.to_owned(),
        target_id: deed.id.to_owned(),
        outcome: deed.outcome.to_owned(),
        ip: caller.ip.map(|ip| ip.to_string()),
        request_id: Some(caller.request_id.to_string()).filter(|id| !id.is_empty()),
        details: deed.details,
    };
    store::audit::append(tx, &event, engine.keys().audit()).await
}

/// The newest records before the one numbered `before`, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    _: &Permit<AuditRead>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    store::audit::list(engine.db(), before, i64::from(limit)).await
}
