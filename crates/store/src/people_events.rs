//! The part of the audit record that is about people: logins, passwords, accounts.

use domain::{Result, audit::AuditEvent, id::UserId};

use crate::{columns::from_json, db::Db, sql::Sql};

/// What happened to an account.
#[derive(Debug, Clone)]
pub struct PersonEvent {
    /// Its number in the audit record.
    pub seq: i64,
    /// The record.
    pub event: AuditEvent,
    /// The address of the account now, where it still exists.
    pub email: Option<String>,
}

/// Whose events are wanted.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Everybody's.
    Anybody,
    /// Those of one account.
    Account(UserId),
    /// Those under an address without an account.
    Stranger(String),
}

/// Events, newest first.
#[crate::boxed]
pub async fn list(db: &Db, whose: &Whose, limit: i64, offset: i64) -> Result<Vec<PersonEvent>> {
    let sql = Sql::new("SELECT audit.seq, audit.event, users.email FROM audit")
        .text(" LEFT JOIN users ON users.id = audit.target_id WHERE audit.target_kind = 'user'");
    let sql = match whose {
        Whose::Anybody => sql,
        Whose::Account(id) => sql.push(" AND audit.target_id = ", id.as_str()),
        Whose::Stranger(email) => sql.text(" AND audit.target_id = ''").push(" AND audit.actor = ", email),
    };
    let sql = sql.push(" ORDER BY audit.seq DESC LIMIT ", limit).push(" OFFSET ", offset);
    let rows: Vec<(i64, String, Option<String>)> = db.all(sql).await?;
    let event = |(seq, text, email): (i64, String, Option<String>)| {
        Ok(PersonEvent { seq, event: from_json(&text)?, email })
    };
    rows.into_iter().map(event).collect()
}
