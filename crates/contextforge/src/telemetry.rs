//! Log lines: JSON for machines, text for a terminal.

use std::io::IsTerminal;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        self, FmtContext,
        format::{FormatEvent, FormatFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::config::ProcessSettings;

/// Starts logging to standard error. Called once.
pub(crate) fn start(settings: &ProcessSettings) -> anyhow::Result<()> {
    let directives = directives(&settings.log_level).map_err(anyhow::Error::msg)?;
    let filter = EnvFilter::builder().parse(directives)?;
    let json = settings
        .log_format
        .as_deref()
        .map_or_else(|| !std::io::stderr().is_terminal(), |format| format.eq_ignore_ascii_case("json"));
    let registry = tracing_subscriber::registry().with(filter);
    if json {
        let lines = fmt::layer().json().flatten_event(true).map_event_format(ContractLevels);
        registry.with(lines.with_writer(std::io::stderr)).try_init()?;
    } else {
        let colours = std::io::stderr().is_terminal();
        registry
            .with(fmt::layer().with_ansi(colours).with_target(false).with_writer(std::io::stderr))
            .try_init()?;
    }
    Ok(())
}

/// Lines in JSON with the levels of the contract's records, where a warning is a `WARNING`.
struct ContractLevels<F>(F);

impl<S, N, F> FormatEvent<S, N> for ContractLevels<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        if *event.metadata().level() != Level::WARN {
            return self.0.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        // The level comes before everything that an event says.
        writer.write_str(&line.replacen(r#""level":"WARN""#, r#""level":"WARNING""#, 1))
    }
}

/// The filter that `LOG_LEVEL` names: a level, or levels with the parts of the program that they are for. The filter's
/// own reader would take a level that it does not know for the name of a part, and log nothing else. Python's levels
/// are understood.
pub(crate) fn directives(level: &str) -> Result<String, String> {
    let words: Result<Vec<String>, ()> = level.split(',').map(directive).collect();
    words.map(|words| words.join(",")).map_err(|()| {
        "must be error, warn, info, debug, trace or off, or a list such as info,upstream=debug".to_owned()
    })
}

fn directive(text: &str) -> Result<String, ()> {
    let text = text.trim().to_ascii_lowercase();
    let Some((part, level)) = text.rsplit_once('=') else { return known(&text).map(str::to_owned) };
    let named = part.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c)) && !part.is_empty();
    if named { known(level).map(|level| format!("{part}={level}")) } else { Err(()) }
}

fn known(level: &str) -> Result<&str, ()> {
    match level {
        "off" | "error" | "warn" | "info" | "debug" | "trace" => Ok(level),
        "warning" => Ok("warn"),
        "critical" | "fatal" => Ok("error"),
        _ => Err(()),
    }
}

/// What is wrong with `LOG_FORMAT`.
pub(crate) fn format_problem(format: Option<&str>) -> Option<&'static str> {
    let known = |format: &str| ["json", "text"].iter().any(|known| format.eq_ignore_ascii_case(known));
    format.filter(|format| !known(format)).map(|_| "must be json or text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_known_or_refused() {
        assert_eq!(directives("WARNING").unwrap(), "warn");
        assert_eq!(directives("info, upstream::http=DEBUG").unwrap(), "info,upstream::http=debug");
        assert_eq!(directives("CRITICAL").unwrap(), "error");
        for wrong in ["loud", "", "info,loud", "upstream=loud", "=info", "info,", "a b=info"] {
            assert!(directives(wrong).unwrap_err().contains("error, warn, info, debug, trace"), "{wrong:?}");
        }
        assert!(format_problem(Some("xml")).is_some() && format_problem(Some("JSON")).is_none());
    }
}
