//! Definitions of tools read for what they hide, before anything is decided or stored.
//!
//! Reading is work for a processor, not for the runtime, and is done outside of transactions.

use std::sync::LazyLock;

use content::{
    ContentSettings, Screen,
    definitions::{Report, report},
};
use domain::{Env, Error, Result};

use super::reading::FoundNamed;

/// Descriptions are read with the rules of the contract's defaults, whatever the settings say of resources: a held tool
/// is looked at and released, nothing is refused.
static SCREEN: LazyLock<Option<Screen>> =
    LazyLock::new(|| Some(Screen::new(&ContentSettings::read(&mut Env::default())?).0));

/// One report for each tool of a listing, in its order.
pub(super) async fn of(tools: &[FoundNamed]) -> Result<Vec<Report>> {
    let texts: Vec<String> = tools.iter().map(|tool| tool.definition.clone()).collect();
    let read = move || {
        let screen =
            SCREEN.as_ref().ok_or_else(|| Error::internal("the defaults of content security are wrong"))?;
        Ok(texts.iter().map(|text| report(screen, text)).collect())
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}
