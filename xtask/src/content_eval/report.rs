//! Rates with their counts, as a table for people and as JSON for programs.

use std::{collections::BTreeMap, fmt::Write};

/// Rows with an even number are for development, the others for judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Development,
    Judged,
    /// Every row.
    All,
}

impl Half {
    pub(super) const BOTH: [Self; 2] = [Self::Development, Self::Judged];

    /// The rows of a half.
    pub(super) fn of<T>(self, rows: &[T]) -> impl Iterator<Item = &T> {
        let step = if self == Self::All { 1 } else { 2 };
        rows.iter().skip(usize::from(self == Self::Judged)).step_by(step)
    }
}

/// What a rate should be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    Reported,
}

impl Bar {
    /// The value, and whether it is a least one.
    pub(super) fn value(self) -> Option<(f64, bool)> {
        match self {
            Self::AtLeast(bar) => Some((bar, true)),
            Self::AtMost(bar) => Some((bar, false)),
            Self::Reported => None,
        }
    }
}

/// One rate on one half.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) id: &'static str,
    pub(super) setting: String,
    pub(super) half: Half,
    pub(super) count: usize,
    pub(super) rows: usize,
    pub(super) bar: Bar,
    /// What is wrong with development rows.
    pub(super) wrong: Vec<String>,
}

impl Metric {
    /// `count` of `rows` in per cent.
    pub(super) fn value(&self) -> f64 {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        if self.rows == 0 { f64::NAN } else { 100.0 * number(self.count) / number(self.rows) }
    }

    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.id, self.setting)
    }

    fn passes(&self) -> Option<bool> {
        match self.bar {
            _ if self.rows == 0 => None,
            Bar::AtLeast(bar) => Some(self.value() >= bar),
            Bar::AtMost(bar) => Some(self.value() <= bar),
            Bar::Reported => None,
        }
    }

    fn bar(&self) -> String {
        match self.bar {
            Bar::AtLeast(bar) => format!(">= {bar}"),
            Bar::AtMost(bar) => format!("<= {bar}"),
            Bar::Reported => String::new(),
        }
    }
}

pub(super) fn table(metrics: &[Metric]) -> String {
    let mut out = String::from(
        "metric                                        development         judged              bar      \n",
    );
    let mut rows: BTreeMap<(usize, String), Vec<&Metric>> = BTreeMap::new();
    for (index, metric) in metrics.iter().enumerate() {
        let first = metrics.iter().position(|other| other.name() == metric.name()).unwrap_or(index);
        rows.entry((first, metric.name())).or_default().push(metric);
    }
    for ((_, name), halves) in rows {
        let _ = write!(out, "{name:<46}");
        for metric in &halves {
            let cell = format!("{:.2} % {}/{}", metric.value(), metric.count, metric.rows);
            let _ = write!(out, "{cell:<20}");
        }
        let verdict = match halves.last().and_then(|metric| metric.passes()) {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        };
        let _ =
            writeln!(out, "{:<9}{verdict}", halves.first().map(|metric| metric.bar()).unwrap_or_default());
    }
    out
}

pub(super) fn json(metrics: &[Metric]) -> serde_json::Value {
    let entry = |metric: &Metric| {
        let bar = match metric.bar {
            Bar::AtLeast(bar) | Bar::AtMost(bar) => Some(bar),
            Bar::Reported => None,
        };
        let half = if metric.half == Half::Development { "development" } else { "judged" };
        let value =
            serde_json::json!({"value": metric.value(), "n": metric.rows, "bar": bar, "ok": metric.passes()});
        (format!("{}/{half}", metric.name()), value)
    };
    metrics.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}
