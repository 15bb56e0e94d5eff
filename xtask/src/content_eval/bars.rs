//! `cargo xtask content-bars`: every bar of content security on all rows of a folder, once.
//!
//! Rates of attacks and benign texts are in per cent, losses in points, recall and precision between 0 and 1, times in
//! milliseconds. A set that is absent or empty has no rows and no verdict. P1, P12, I8, T1, T2 and T5 need no files.
//! Bars with parts have an entry for each of them, and one by their own name.

mod agreement;
mod own;
#[cfg(test)]
mod partial;
mod spelled;
mod summary;

use std::{fmt::Write as _, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::{
    attacks, data, definitions, personal,
    report::{Half, Metric},
    screen, speed,
};

const USAGE: &str = "usage: cargo xtask content-bars --data DIR [--json] [--missed]";

/// One bar.
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) value: Option<f64>,
    pub(super) rows: usize,
    /// The bar and whether it is a least value.
    pub(super) bar: Option<(f64, bool)>,
    /// Whether its parts, where it has any, are what they should be.
    pub(super) parts: Option<bool>,
}

impl Entry {
    pub(super) fn rate(id: &str, right: usize, rows: usize, bar: Option<(f64, bool)>) -> Self {
        let value = (rows > 0).then(|| 100.0 * number(right) / number(rows));
        Self { id: id.to_owned(), value, rows, bar, parts: None }
    }

    /// A bar for which nothing is measured here.
    fn absent(id: &str, bar: (f64, bool)) -> Self {
        Self::rate(id, 0, 0, Some(bar))
    }

    fn ok(&self) -> Option<bool> {
        let (bar, least) = self.bar?;
        let value = self.value?;
        let own = if least { value >= bar } else { value <= bar };
        Some(own && self.parts != Some(false))
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) fn command(mut arguments: impl Iterator<Item = String>) -> Result<ExitCode> {
    let (mut folder, mut as_json, mut missed) = (None, false, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => folder = arguments.next().map(PathBuf::from),
            "--json" => as_json = true,
            "--missed" => missed = true,
            _ => bail!("{USAGE}"),
        }
    }
    let Some(folder) = folder else { bail!("{USAGE}") };
    let mut out = std::io::stdout().lock();
    let data = data::Data::read(&folder)?;
    if missed {
        return show_missed(&mut out, &data);
    }
    let mut entries = rates(&data)?;
    entries.extend(speeds()?);
    let entries = summary::with(entries);
    if as_json {
        writeln!(out, "{}", as_object(&entries))?;
    } else {
        write!(out, "{}", table(&entries))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The rows that the rates in strict mode get wrong.
fn show_missed(out: &mut impl Write, data: &data::Data) -> Result<ExitCode> {
    for mode in ["strict", "moderate"] {
        let screen =
            screen(&[("CONTENT_PATTERN_VALIDATION_MODE", mode), ("CONTENT_PII_DETECTION_ENABLED", "false")])?;
        for metric in attacks::measure_half(data, &screen, mode, Half::All) {
            for row in &metric.wrong {
                writeln!(out, "{} {row}", metric.name())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every bar but those about time.
fn rates(data: &data::Data) -> Result<Vec<Entry>> {
    let patterns = |mode: &str| {
        screen(&[
            ("CONTENT_PATTERN_PROFILE", "structural"),
            ("CONTENT_PATTERN_VALIDATION_MODE", mode),
            ("CONTENT_PII_DETECTION_ENABLED", "false"),
        ])
    };
    let pii = |mode: &str| {
        screen(&[("CONTENT_PATTERN_DETECTION_ENABLED", "false"), ("CONTENT_PII_VALIDATION_MODE", mode)])
    };
    let mut entries = own::vectors(&patterns("strict")?);
    for mode in ["strict", "moderate"] {
        let metrics = attacks::measure_half(data, &patterns(mode)?, mode, Half::All);
        entries.extend(metrics.iter().filter_map(|metric| attack_entry(metric, mode)));
    }
    entries.push(agreement::measure(data)?);
    for mode in ["strict", "moderate"] {
        let metrics = personal::measure_half(data, &pii(mode)?, mode, Half::All);
        entries.extend(metrics.iter().filter_map(personal_entry));
    }
    entries.push(own::addresses(data, &pii("strict")?));
    entries.push(spelled::measure(&pii("strict")?));
    // Tables of others that are in none of the files.
    entries.push(Entry::absent("I4", (95.0, true)));
    entries.push(Entry::absent("I7", (99.0, true)));
    entries.extend(own::definitions());
    let metrics = definitions::measure_half(data, Half::All);
    entries.extend(metrics.iter().map(|metric| of(metric, metric.id)));
    Ok(entries)
}

/// `P12` comes after `P2`, and `P` before `I` before `T`.
fn order(id: &str) -> (usize, u32, String) {
    let family = ["P", "I", "T"].iter().position(|family| id.starts_with(family)).unwrap_or(3);
    let digits: String = id.chars().skip(1).take_while(char::is_ascii_digit).collect();
    (family, digits.parse().unwrap_or(u32::MAX), id.to_owned())
}

fn of(metric: &Metric, id: &str) -> Entry {
    let value = (metric.rows > 0).then(|| metric.value());
    Entry { id: id.to_owned(), value, rows: metric.rows, bar: metric.bar.value(), parts: None }
}

/// Attack rates are those of strict; what the contract has a bar for in both modes is named with its mode.
fn attack_entry(metric: &Metric, mode: &str) -> Option<Entry> {
    let strict = mode == "strict";
    match metric.id {
        "P8" => Some(of(metric, &format!("P8-{mode}"))),
        "P9" | "P11" => (!strict).then(|| of(metric, metric.id)),
        id if id.starts_with("P6") => {
            let mut entry = of(metric, &format!("{id}-{mode}"));
            entry.value = entry.value.map(|found| 100.0 - found);
            entry.bar = Some((if strict { 2.0 } else { 4.0 }, false));
            Some(entry)
        }
        "P13" => strict.then(|| {
            let mut entry = of(metric, "P13");
            entry.value = entry.value.map(|found| 100.0 - found);
            entry.bar = Some((2.0, false));
            entry
        }),
        id => (strict && id.starts_with('P')).then(|| of(metric, id)),
    }
}

fn personal_entry(metric: &Metric) -> Option<Entry> {
    if metric.id.starts_with("I6") {
        return (metric.setting == "moderate").then(|| of(metric, metric.id));
    }
    let mut entry = of(metric, metric.id);
    entry.value = entry.value.map(|value| value / 100.0);
    entry.bar = entry.bar.map(|(bar, least)| (bar / 100.0, least));
    Some(entry)
}

fn speeds() -> Result<Vec<Entry>> {
    let all = screen(&[])?;
    let timings = speed::measure(&all);
    let growth = |timing: &speed::Timing| timing.doubled.as_secs_f64() / timing.once.as_secs_f64();
    let prose = timings.last().map(|timing| timing.once.as_secs_f64() * 1e3);
    let worst = timings.iter().map(|timing| timing.once.as_secs_f64() * 1e3).reduce(f64::max);
    let steepest = timings.iter().map(growth).reduce(f64::max);
    let entry = |id: &str, value, rows, bar| Entry {
        id: id.to_owned(),
        value,
        rows,
        bar: Some((bar, false)),
        parts: None,
    };
    let mut entries = vec![
        entry("P12-p99-ms", Some(speed::document(&all).as_secs_f64() * 1e3), 1_000, 3.0),
        entry("P12-prose-ms", prose, 1, 3.0),
        entry("P12-growth", steepest, timings.len(), 2.3),
        entry("P12-description-ms", Some(speed::description(&all).as_secs_f64() * 1e3), 200, 0.06),
        entry("P12-cached-ms", Some(speed::cached()?.as_secs_f64() * 1e3), 200, 0.002),
    ];
    entries.push(Entry { bar: None, ..entry("P12-adversarial-ms", worst, timings.len(), 0.0) });
    Ok(entries)
}

fn table(entries: &[Entry]) -> String {
    let mut out = String::from("bar                       value        n  bar\n");
    for entry in entries {
        let value = entry.value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        let bar = entry
            .bar
            .map_or_else(String::new, |(bar, least)| format!("{} {bar}", if least { ">=" } else { "<=" }));
        let verdict = match entry.ok() {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None if entry.rows == 0 => "absent",
            None => "",
        };
        let _ = writeln!(out, "{:<20}{value:>11} {:>8}  {bar:<9}{verdict}", entry.id, entry.rows);
    }
    out
}

fn as_object(entries: &[Entry]) -> Value {
    let object = entries.iter().map(|entry| {
        let bar = entry.bar.map(|(bar, _)| bar);
        (entry.id.clone(), json!({ "value": entry.value, "n": entry.rows, "bar": bar, "ok": entry.ok() }))
    });
    Value::Object(object.collect::<Map<_, _>>())
}
