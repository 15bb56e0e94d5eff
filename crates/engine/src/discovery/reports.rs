//! Definitions of tools read for what they hide, before anything is decided or stored.
//!
//! With the operator's rules, as everything else: what they allow in a submission holds no tool back. Reading is work for
//! a processor, not for the runtime, and is done outside of transactions.

use std::sync::Arc;

use content::definitions::{Report, report};
use domain::{Error, Result};

use super::reading::FoundNamed;
use crate::Engine;

/// One report for each tool of a listing, in its order.
pub(super) async fn of(engine: &Engine, tools: &[FoundNamed]) -> Result<Vec<Report>> {
    let texts: Vec<String> = tools.iter().map(|tool| tool.definition.clone()).collect();
    let content = Arc::clone(engine.content());
    let read = move || texts.iter().map(|text| report(content.screen(), text)).collect();
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}
