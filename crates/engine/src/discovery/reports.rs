//! Definitions of tools, prompts and resources read for what they hide, before anything is decided or stored.
//!
//! With the operator's rules, as everything else: what they allow in a submission holds no tool back. Reading is work for
//! a processor, not for the runtime, and is done outside of transactions.

use std::sync::Arc;

use content::definitions::{Remark, Report, report};
use domain::{Error, Result};

use super::reading::{FoundNamed, FoundResource};
use crate::Engine;

/// One report for each tool of a listing, in its order.
pub(super) async fn of(engine: &Engine, tools: &[FoundNamed]) -> Result<Vec<Report>> {
    let texts: Vec<String> = tools.iter().map(|tool| tool.definition.clone()).collect();
    let content = Arc::clone(engine.content());
    let read = move || texts.iter().map(|text| report(content.screen(), text)).collect();
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}

/// What was found in a prompt, a resource or a template, which are served as they are and recorded.
#[derive(Debug, Clone)]
pub(crate) struct Remarked {
    /// `prompt` or `resource`.
    pub(crate) kind: &'static str,
    /// The upstream's name of it, or its URI.
    pub(crate) name: String,
    /// What was found.
    pub(crate) remarks: Vec<Remark>,
}

/// Those of which there is something to say.
pub(super) async fn of_others<'a>(
    engine: &Engine,
    prompts: impl Iterator<Item = &'a FoundNamed> + Send,
    resources: impl Iterator<Item = &'a FoundResource> + Send,
) -> Result<Vec<Remarked>> {
    let prompts = prompts.map(|prompt| ("prompt", prompt.name.clone(), prompt.definition.clone()));
    let resources = resources.map(|row| ("resource", row.uri.clone(), row.definition.clone()));
    let texts: Vec<(&'static str, String, String)> = prompts.chain(resources).collect();
    let content = Arc::clone(engine.content());
    let read = move || {
        let each = texts.into_iter().map(|(kind, name, definition)| {
            let found = report(content.screen(), &definition).remarks;
            Remarked { kind, name, remarks: found.into_iter().map(|(remark, _)| remark).collect() }
        });
        each.filter(|one| !one.remarks.is_empty()).collect()
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)
}
