//! The audit chain: rows numbered without gaps, each with an HMAC over its number, the row before and its event.
//!
//! Rows are only ever appended. The hash covers the stored text of the event, not a text made again from it, so that a
//! later version of the program reads old rows as they are; the columns beside the text repeat parts of it for searches
//! and are compared when the chain is verified. Who can write to the database but has not got the key can only take
//! away the end of the chain together with its head, as a restored backup does; noticing that needs a copy elsewhere.

use aws_lc_rs::hmac;
use domain::{
    Error, Result,
    audit::{AuditEvent, AuditRow},
};

use crate::{
    columns::{from_json, json},
    db::{Db, Tx},
    sql::{Column, Sql},
};

/// Rows that are verified at a time.
const STEP: i64 = 1_000;
/// What the first row has in place of the hash of the row before.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const SELECT: &str =
    "SELECT seq, at, actor, action, target_kind, target_id, outcome, event, previous, hash FROM audit";

row! {
    struct Stored {
        seq: i64,
        at: i64,
        actor: String,
        action: String,
        target_kind: String,
        target_id: String,
        outcome: String,
        event: String,
        previous: String,
        hash: String,
    }
}

/// Appends an event. Whoever appends holds the head of the chain until the transaction ends; what is rolled back
/// leaves no gap.
#[crate::boxed]
pub async fn append(tx: &mut Tx, event: &AuditEvent, key: &[u8; 32]) -> Result<()> {
    let head = Sql::new("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash");
    let (seq, previous): (i64, String) =
        tx.one(head).await?.ok_or_else(|| Error::internal("the audit chain has no head"))?;
    let text = json(event)?;
    let hash = link(key, seq, &previous, &text);
    let columns: Vec<Column> = vec![
        ("seq", seq.into()),
        ("at", event.at.into()),
        ("actor", (&event.actor).into()),
        ("action", (&event.action).into()),
        ("target_kind", (&event.target_kind).into()),
        ("target_id", (&event.target_id).into()),
        ("outcome", (&event.outcome).into()),
        ("event", text.into()),
        ("previous", (&previous).into()),
        ("hash", (&hash).into()),
    ];
    tx.run(Sql::insert("audit", columns)).await?;
    tx.run(Sql::new("UPDATE audit_head SET").push(" hash = ", &hash).text(" WHERE id = 1")).await.map(|_| ())
}

/// Walks the chain. Gives the number of sound rows, and the first row that is missing or was changed.
#[crate::boxed]
pub async fn verify(db: &Db, key: &[u8; 32]) -> Result<(u64, Option<i64>)> {
    let mut sound = 0_u64;
    let mut next = 1_i64;
    let mut previous = NOTHING.to_owned();
    loop {
        // The head first: rows that are appended meanwhile come after it.
        let (end, hash): (i64, String) =
            db.must(Sql::new("SELECT seq, hash FROM audit_head WHERE id = 1")).await?;
        let page = Sql::new(SELECT).push(" WHERE seq >= ", next).push(" ORDER BY seq LIMIT ", STEP);
        let rows: Vec<Stored> = db.all(page).await?;
        let last = rows.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
        for row in rows {
            let at_head = row.seq == end && row.hash != hash;
            if row.seq != next || row.previous != previous || at_head || !is_sound(&row, key) {
                return Ok((sound, Some(next)));
            }
            previous = row.hash;
            next += 1;
            sound += 1;
        }
        // Rows cut off at the end leave a head that nothing leads to; rows beyond the head were not appended by us,
        // unless they came meanwhile, and then the head has moved.
        if last && next > end {
            let (end,): (i64,) = db.must(Sql::new("SELECT seq FROM audit_head WHERE id = 1")).await?;
            return Ok((sound, (end < next - 1).then_some(end + 1)));
        }
        if last {
            return Ok((sound, Some(next)));
        }
    }
}

fn is_sound(row: &Stored, key: &[u8; 32]) -> bool {
    let repeats = from_json::<AuditEvent>(&row.event).is_ok_and(|event| {
        event.at.0 == row.at
            && event.actor == row.actor
            && event.action == row.action
            && event.target_kind == row.target_kind
            && event.target_id == row.target_id
            && event.outcome == row.outcome
    });
    repeats && link(key, row.seq, &row.previous, &row.event) == row.hash
}

fn link(key: &[u8; 32], seq: i64, previous: &str, event: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(&seq.to_be_bytes());
    context.update(previous.as_bytes());
    context.update(event.as_bytes());
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    context.sign().as_ref().iter().flat_map(digits).collect()
}

/// The newest rows before `before`, newest first.
#[crate::boxed]
pub async fn list(db: &Db, before: Option<i64>, limit: i64) -> Result<Vec<AuditRow>> {
    let sql = Sql::new(SELECT).push_some(" WHERE seq < ", before).push(" ORDER BY seq DESC LIMIT ", limit);
    read(db, sql).await
}

/// The newest rows of one action before `before`, newest first.
#[crate::boxed]
pub async fn list_of(db: &Db, action: &str, before: Option<i64>, limit: i64) -> Result<Vec<AuditRow>> {
    let sql = Sql::new(SELECT).push(" WHERE action = ", action).push_some(" AND seq < ", before);
    read(db, sql.push(" ORDER BY seq DESC LIMIT ", limit)).await
}

async fn read(db: &Db, sql: Sql) -> Result<Vec<AuditRow>> {
    let rows: Vec<Stored> = db.all(sql).await?;
    let row = |row: Stored| {
        let event = from_json(&row.event)?;
        Ok(AuditRow { seq: row.seq, event, previous: row.previous, hash: row.hash })
    };
    rows.into_iter().map(row).collect()
}
