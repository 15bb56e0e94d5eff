//! The record of violations, in the contract's form: in the log, in the metrics, and in the audit chain, from which
//! administrators list them.

use content::{Action, Family, Finding, Kind};
use domain::{
    Caller, Error, Result, Timestamp,
    audit::{AuditEvent, AuditRow},
    permission::grant::AdminSecurityAudit,
};
use serde_json::{Value, json};

use super::{Found, Subject};
use crate::{
    Engine, Permit,
    audit::{self, Deed},
    discovery::reports::Remarked,
};

/// The action of audit records about violations.
const ACTION: &str = "content.violation";
/// Findings that one record names.
const NAMED: usize = 20;
/// Prompts and resources of one listing that have a record.
const MOST_LISTED: usize = 200;
/// What stands for the name of something that was refused for its name.
const WITHHELD: &str = "(withheld)";
/// Ids that are noted; longer ones are names that nothing has.
const LONGEST_ID: usize = 255;

/// What is noted of one violation.
struct Noted<'a> {
    message: &'static str,
    kind: String,
    family: &'a str,
    mode: &'static str,
    action: &'static str,
    place: Value,
}

pub(super) async fn record(
    engine: &Engine,
    actor: &str,
    caller: &Caller,
    subject: Subject<'_>,
    found: &[Found<'_>],
) -> Result<()> {
    let noted = found.iter().map(|found| noted(engine, found.field, found.action, &found.finding));
    note(engine, actor, caller, subject, noted.collect()).await
}

fn noted<'a>(engine: &Engine, field: &str, action: Action, finding: &'a Finding) -> Noted<'a> {
    let settings = &engine.settings().content;
    let personal = finding.family == Family::Pii;
    let mode = if personal { settings.pii_mode } else { settings.pattern_mode };
    Noted {
        message: if personal {
            "Content PII violation detected"
        } else {
            "Content pattern violation detected"
        },
        kind: finding.violation_type(),
        family: finding.family.as_str(),
        mode: mode.as_str(),
        action: action.as_str(),
        place: json!({
            "field": field, "rule": finding.rule, "start": finding.span.start, "end": finding.span.end,
        }),
    }
}

/// Records what was found in prompts and resources that an upstream lists, in the transaction that stores them: they are
/// not the caller's words, so that they are served and an administrator is told.
pub(crate) async fn listed(
    engine: &Engine,
    tx: &mut store::Tx,
    actor: &str,
    caller: &Caller,
    remarked: &[Remarked],
) -> Result<()> {
    for one in remarked.iter().take(MOST_LISTED) {
        let all = one.remarks.iter();
        let all = all.map(|remark| noted(engine, &remark.field, Action::Log, &remark.finding)).collect();
        note_within(engine, tx, (actor, caller), (one.kind, &one.name), all).await?;
    }
    Ok(())
}

pub(super) async fn too_large(
    engine: &Engine,
    actor: &str,
    caller: &Caller,
    subject: Subject<'_>,
    error: &Error,
) -> Result<()> {
    let Error::TooLarge { limit, actual, .. } = error else { return Ok(()) };
    let noted = Noted {
        message: "Content size violation detected",
        kind: "size".to_owned(),
        family: "size",
        mode: "strict",
        action: "blocked",
        place: json!({ "limit": limit, "actual": actual }),
    };
    note(engine, actor, caller, subject, vec![noted]).await
}

async fn note(
    engine: &Engine,
    actor: &str,
    caller: &Caller,
    subject: Subject<'_>,
    noted: Vec<Noted<'_>>,
) -> Result<()> {
    let mut tx = engine.db().begin().await?;
    note_within(engine, &mut tx, (actor, caller), subject, noted).await?;
    tx.commit().await
}

async fn note_within(
    engine: &Engine,
    tx: &mut store::Tx,
    (actor, caller): (&str, &Caller),
    (kind, id): Subject<'_>,
    noted: Vec<Noted<'_>>,
) -> Result<()> {
    let user = masked(actor);
    // What is not stored is known by its name, and the name may be what was found.
    let named = engine.content().screen().screen(Kind::Metadata, None, id).findings.is_empty();
    let id = if named && id.len() <= LONGEST_ID { id } else { WITHHELD };
    for noted in &noted {
        engine.stats().violation(noted.family, noted.action);
        tracing::warn!(
            user, violation_type = noted.kind, validation_mode = noted.mode, action = noted.action,
            correlation_id = &*caller.request_id, content_type = kind, place = %noted.place, "{}", noted.message
        );
    }
    let count = noted.len();
    let shown = noted.iter().take(NAMED).map(|noted| {
        json!({
            "message": noted.message, "violation_type": noted.kind, "family": noted.family,
            "validation_mode": noted.mode, "action": noted.action, "place": noted.place,
        })
    });
    let details = json!({ "violations": shown.collect::<Vec<_>>(), "count": count });
    let refused = noted.iter().any(|noted| noted.action == "blocked");
    let outcome = if refused { "denied" } else { "success" };
    let deed = Deed { action: ACTION, kind, id, outcome, details };
    audit::record(engine, tx, actor, caller, deed).await
}

/// One submission with violations, as administrators see it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The number of the audit record.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, masked.
    pub user: String,
    /// The request.
    pub correlation_id: Option<String>,
    /// The kind of thing: `resource`, `prompt`.
    pub kind: String,
    /// Its id, or the name of one that was not stored.
    pub id: String,
    /// What was found.
    pub violations: Vec<Value>,
    /// How many were found, with those that are not listed.
    pub count: u64,
}

/// Violations before the one numbered `before`, newest first.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    _: &Permit<AdminSecurityAudit>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Recorded>> {
    let rows = store::audit::list_of(engine.db(), ACTION, before, i64::from(limit)).await?;
    Ok(rows.into_iter().map(recorded).collect())
}

fn recorded(row: AuditRow) -> Recorded {
    let AuditEvent { at, actor, target_kind, target_id, request_id, mut details, .. } = row.event;
    let violations = match details.get_mut("violations").map(Value::take) {
        Some(Value::Array(violations)) => violations,
        _ => Vec::new(),
    };
    Recorded {
        number: row.seq,
        at,
        user: masked(&actor),
        correlation_id: request_id,
        kind: target_kind,
        id: target_id,
        violations,
        count: details.get("count").and_then(Value::as_u64).unwrap_or_default(),
    }
}

/// An e-mail address as the contract's log shows it: `user@*****.com`.
fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        None => "*****".to_owned(),
        Some((user, domain)) => {
            let end = domain.rsplit_once('.').map_or("", |(_, end)| end);
            let dot = if end.is_empty() { "" } else { "." };
            format!("{user}@*****{dot}{end}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_as_in_the_contract() {
        assert_eq!(masked("user@company.com"), "user@*****.com");
        assert_eq!(masked("user@mail.company.co.uk"), "user@*****.uk");
        assert_eq!(masked("user@host"), "user@*****");
        assert_eq!(masked("system:job"), "*****");
    }
}
