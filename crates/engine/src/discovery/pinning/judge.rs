//! One tool: what it was pinned to, what its upstream says now, and what that makes of it.

use content::{
    PinMode,
    definitions::{self, Class, Report, fingerprint::fingerprint},
};
use domain::{
    item::Tool,
    pin::{Definition, Pin, PinFinding, PinState},
};
use serde_json::Value;

use super::Known;
use crate::discovery::reading::FoundNamed;

/// Most findings that are kept of one definition.
const MOST_FINDINGS: usize = 50;

/// A tool that was not known.
pub(super) fn first(known: &Known<'_>, item: &FoundNamed, report: &Report, alike: bool) -> Pin {
    let offered = Definition { text: item.definition.clone(), fingerprint: report.fingerprint.clone() };
    let mut findings = findings(report);
    if alike {
        let message = "Could be taken for a tool of another upstream";
        findings.push(finding("name/lookalike", "/name", message));
    }
    let old_name = body(&item.definition).and_then(|body| known.gone.get(&body));
    if let Some(old) = old_name {
        let message = format!("Has the definition of {old}, which is gone");
        findings.push(finding("name/renamed", "/name", &message));
    }
    let state = match known.mode {
        PinMode::Off => PinState::Approved,
        _ if report.holds() || alike => PinState::Quarantined,
        PinMode::Tofu if old_name.is_none() => PinState::Approved,
        PinMode::Tofu | PinMode::Approve => PinState::Pending,
    };
    let approved = state == PinState::Approved;
    Pin {
        gateway_id: known.gateway.clone(),
        original_name: item.name.clone(),
        state,
        approved: approved.then(|| offered.clone()),
        offered: (!approved).then_some(offered),
        rejected: None,
        class: None,
        findings,
        seen_at: known.now,
        decided_at: None,
        decided_by: None,
    }
}

/// A tool that is known.
pub(super) fn again(known: &Known<'_>, pin: Pin, item: &FoundNamed, report: &Report) -> Pin {
    let is = |definition: &Option<Definition>| {
        definition.as_ref().is_some_and(|definition| definition.fingerprint == report.fingerprint)
    };
    if is(&pin.approved) {
        return match pin.state {
            PinState::Approved => pin,
            // The upstream went back to what was approved: there is nothing left to decide.
            _ => Pin { state: PinState::Approved, offered: None, class: None, seen_at: known.now, ..pin },
        };
    }
    let offered = Definition { text: item.definition.clone(), fingerprint: report.fingerprint.clone() };
    if known.mode == PinMode::Off {
        return Pin {
            state: PinState::Approved,
            approved: Some(offered),
            offered: None,
            class: None,
            findings: findings(report),
            seen_at: known.now,
            ..pin
        };
    }
    if is(&pin.offered) {
        return pin;
    }
    let class = pin.approved.as_ref().map(|approved| class(approved, &offered));
    let suspicious = class == Some(Class::Suspicious) || report.holds();
    let state = match pin.state {
        _ if pin.rejected.as_ref() == Some(&report.fingerprint) => PinState::Rejected,
        // What was held back for a reason is not let go by changing once more.
        PinState::Quarantined => PinState::Quarantined,
        _ if suspicious => PinState::Quarantined,
        _ if pin.approved.is_some() => PinState::Changed,
        _ => PinState::Pending,
    };
    Pin {
        state,
        offered: Some(offered),
        class: class.map(|class| class.as_str().to_owned()),
        findings: findings(report),
        seen_at: known.now,
        ..pin
    }
}

/// The pin of a row that is older than pins are: what is served was approved.
pub(crate) fn of_row(row: &Tool) -> Pin {
    Pin {
        gateway_id: row.gateway_id.clone(),
        original_name: row.original_name.clone(),
        state: PinState::Approved,
        approved: Some(Definition {
            text: row.definition.clone(),
            fingerprint: fingerprint(&parsed(&row.definition)),
        }),
        offered: None,
        rejected: None,
        class: None,
        findings: Vec::new(),
        seen_at: row.record.created_at,
        decided_at: None,
        decided_by: None,
    }
}

/// A definition as a value; one that cannot be read is the text itself, as its fingerprint is taken.
fn parsed(text: &str) -> Value {
    definitions::parse(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn class(approved: &Definition, offered: &Definition) -> Class {
    let difference = definitions::compare(&parsed(&approved.text), &parsed(&offered.text));
    // What differs in its fingerprint and in nothing that is compared is spelled differently.
    difference.class().unwrap_or(Class::Cosmetic)
}

/// What a definition says besides its name, where it says enough to be known by.
pub(super) fn body(text: &str) -> Option<String> {
    let mut value = definitions::parse(text)?;
    let members = value.as_object_mut()?;
    members.remove("name");
    let described =
        members.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    described.then(|| fingerprint(&value))
}

fn findings(report: &Report) -> Vec<PinFinding> {
    let found = report.remarks.iter().take(MOST_FINDINGS).map(|(remark, holds)| PinFinding {
        field: remark.field.clone(),
        rule: remark.finding.rule.to_string(),
        message: remark.finding.message.to_string(),
        holds: *holds,
    });
    found.collect()
}

fn finding(rule: &str, field: &str, message: &str) -> PinFinding {
    PinFinding { field: field.to_owned(), rule: rule.to_owned(), message: message.to_owned(), holds: true }
}
