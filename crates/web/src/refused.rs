//! What both front doors say of a submission that content security refused.

use domain::violation::Violation;
use serde_json::{Value, json};

/// Findings of content security, for REST and for the `data` of JSON-RPC errors. They never hold the text they are about.
pub(crate) fn content(violations: &[Violation]) -> Value {
    let shown = violations.iter().take(Violation::SHOWN).map(|violation| {
        json!({
            "field": violation.field, "family": violation.family, "rule": violation.rule,
            "violation_type": violation.rule.replace('/', "_"),
            "start": violation.start, "end": violation.end, "message": violation.message,
        })
    });
    let first = violations.first();
    json!({
        "error": "Content security violation",
        "message": Violation::join(violations),
        "family": first.map(|violation| violation.family),
        "rule": first.map(|violation| &violation.rule),
        "violation_type": first.map(|violation| violation.rule.replace('/', "_")),
        "violations": shown.collect::<Vec<_>>(),
        "count": violations.len(),
    })
}
