//! Definitions of tools and text that instructs a model. Detection in free text is weak everywhere; it is reported and
//! advises only.

use content::definitions::{holds_back, review};
use serde_json::{Value, json};

use super::{
    data::Data,
    report::{Bar, Half, Metric},
};

pub(super) fn measure(data: &Data) -> Vec<Metric> {
    Half::BOTH.into_iter().flat_map(|half| measure_half(data, half)).collect()
}

/// The same on one half, or on everything.
pub(super) fn measure_half(data: &Data, half: Half) -> Vec<Metric> {
    let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let tools = half.of(&data.tools).map(|tool| parse(&tool.json));
    let mut out = vec![rate("T3-benign", Bar::AtMost(1.0), half, tools)];
    for (id, label) in [("T4-recall", "malicious"), ("T4-benign", "benign")] {
        let rows = half.of(&data.instructions).filter(|row| row.label == label);
        out.push(rate(id, Bar::Reported, half, rows.map(|row| json!({"description": row.text}))));
    }
    let poisoned = half.of(&data.poisoned).map(|row| json!({"description": row.text}));
    out.push(rate("T3", Bar::AtLeast(85.0), half, poisoned));
    out
}

fn rate(id: &'static str, bar: Bar, half: Half, definitions: impl Iterator<Item = Value>) -> Metric {
    let setting = "definitions".to_owned();
    let mut metric = Metric { id, setting, half, count: 0, rows: 0, bar, wrong: Vec::new() };
    for definition in definitions {
        let remarks = review(&definition);
        let held = holds_back(&remarks);
        metric.rows += 1;
        metric.count += usize::from(held);
        if held != matches!(id, "T4-recall" | "T3") {
            let rules: Vec<_> =
                remarks.iter().map(|remark| format!("{} {}", remark.field, remark.finding.rule)).collect();
            metric.wrong.push(format!(
                "{:.120} {rules:?}",
                definition.get("description").map(Value::to_string).unwrap_or_default()
            ));
        }
    }
    metric
}
