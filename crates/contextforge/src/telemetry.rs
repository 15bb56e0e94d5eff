//! Log lines: JSON for machines, text for a terminal.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::ProcessSettings;

/// Starts logging to standard error. Called once.
pub(crate) fn start(settings: &ProcessSettings) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(settings.log_level.to_ascii_lowercase())?;
    let json = settings
        .log_format
        .as_deref()
        .map_or_else(|| !std::io::stderr().is_terminal(), |format| format == "json");
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()?;
    } else {
        let colours = std::io::stderr().is_terminal();
        registry
            .with(fmt::layer().with_ansi(colours).with_target(false).with_writer(std::io::stderr))
            .try_init()?;
    }
    Ok(())
}
