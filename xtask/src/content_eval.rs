//! `cargo xtask content-eval`: how well content screening tells attacks and personal data from documents.
//!
//! Reads labelled files from a folder outside of the repository and prints rates. Rules are developed on the rows with
//! an even number and judged on those with an odd one, which are printed beside them. Nothing is learned here.

mod attacks;
pub(crate) mod bars;
mod data;
mod definitions;
mod mutate;
mod personal;
mod report;
mod speed;

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use content::{ContentSettings, Screen};

use report::{Half, Metric};

const USAGE: &str = "usage: cargo xtask content-eval --data DIR [--json] [--missed METRIC]\n\n  \
    --json            print JSON only\n  \
    --speed           time texts that are made to be slow, instead of rates\n  \
    --missed METRIC   print the development rows that METRIC (or all) gets wrong, for example P3/structural/strict\n";

struct Options {
    data: PathBuf,
    json: bool,
    missed: Option<String>,
    speed: bool,
}

pub(crate) fn command(arguments: impl Iterator<Item = String>) -> Result<ExitCode> {
    let options = options(arguments)?;
    if options.speed {
        return speed(&mut std::io::stdout().lock());
    }
    let data = data::Data::read(&options.data)?;
    let mut metrics = Vec::new();
    for (profile, modes) in [("structural", &["strict", "moderate"][..]), ("seed", &["strict"])] {
        for mode in modes {
            let screen = screen(&[
                ("CONTENT_PATTERN_PROFILE", profile),
                ("CONTENT_PATTERN_VALIDATION_MODE", mode),
                ("CONTENT_PII_DETECTION_ENABLED", "false"),
            ])?;
            metrics.extend(attacks::measure(&data, &screen, &format!("{profile}/{mode}")));
        }
    }
    for mode in ["strict", "moderate"] {
        let screen =
            screen(&[("CONTENT_PATTERN_DETECTION_ENABLED", "false"), ("CONTENT_PII_VALIDATION_MODE", mode)])?;
        metrics.extend(personal::measure(&data, &screen, mode));
    }
    metrics.extend(definitions::measure(&data));
    let mut out = std::io::stdout().lock();
    if let Some(name) = &options.missed {
        missed(&mut out, &metrics, name)?;
    } else if options.json {
        writeln!(out, "{}", report::json(&metrics))?;
    } else {
        write!(out, "{}", report::table(&metrics))?;
        writeln!(out, "{}", report::json(&metrics))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let (mut data, mut json, mut missed, mut speed) = (None, false, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => data = arguments.next().map(PathBuf::from),
            "--json" => json = true,
            "--speed" => speed = true,
            "--missed" => missed = arguments.next(),
            _ => bail!("{USAGE}"),
        }
    }
    let data = if speed { data.or(Some(PathBuf::new())) } else { data };
    Ok(Options { data: data.context(USAGE)?, json, missed, speed })
}

/// Prints the times for texts that are made to be slow.
fn speed(out: &mut impl Write) -> Result<ExitCode> {
    let screen = screen(&[])?;
    for timing in speed::measure(&screen) {
        let growth = timing.doubled.as_secs_f64() / timing.once.as_secs_f64();
        writeln!(
            out,
            "{:<16} 100 KB {:>8.2} ms, doubled x{growth:.2}",
            format!("{:?}", timing.piece),
            timing.once.as_secs_f64() * 1e3
        )?;
    }
    writeln!(out, "a description of 1 KB: {} us", speed::description(&screen).as_micros())?;
    Ok(ExitCode::SUCCESS)
}

fn screen(vars: &[(&str, &str)]) -> Result<Screen> {
    let vars = vars
        .iter()
        .chain(&[("CONTENT_PATTERN_CACHE_ENABLED", "false"), ("CONTENT_PATTERN_MAX_SCAN_SIZE", "10000000")]);
    let mut env = domain::Env::new(vars.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let settings = ContentSettings::read(&mut env).context("the settings of the evaluation are wrong")?;
    let (screen, problems) = Screen::new(&settings);
    if problems.is_empty() { Ok(screen) } else { bail!("{problems:?}") }
}

fn missed(out: &mut impl Write, metrics: &[Metric], name: &str) -> Result<()> {
    let wanted =
        |metric: &&Metric| metric.half == Half::Development && (name == "all" || metric.name() == name);
    for metric in metrics.iter().filter(wanted) {
        for row in &metric.wrong {
            writeln!(out, "{} {row}", metric.name())?;
        }
    }
    Ok(())
}
