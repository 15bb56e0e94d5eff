//! Credentials that do not count any more, though they are signed and not expired.
//!
//! Every row that ends or changes a credential takes the next number of the sequence `revocation`, so that a replica
//! that reads what is above its own number ([`changes`]) misses nothing: writers take turns. A revoked token is kept
//! until some time after its own end ([`forget_expired`]), one without an end for good.

use domain::{Result, Timestamp};

use crate::{
    db::{Db, Tx},
    sequences,
    sql::{Column, Sql},
};

/// The sequence that the rows are numbered with.
pub const SEQUENCE: &str = "revocation";
const PEOPLE: &str = "SELECT email, valid_after, disabled, seq FROM tokens_valid_after";

/// A token that is revoked.
#[derive(Debug, Clone, Copy)]
pub struct Revocation<'a> {
    /// The token's id.
    pub jti: &'a str,
    /// Whose it was.
    pub email: &'a str,
    /// When it was revoked.
    pub at: Timestamp,
    /// When it would have ended anyway.
    pub expires_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<&'a str>,
}

/// What became of somebody's credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonMark {
    /// Whose.
    pub email: String,
    /// Tokens issued before this do not count; zero where that was never said.
    pub valid_after: Timestamp,
    /// Whether none of them counts.
    pub disabled: bool,
    /// The number of the change.
    pub seq: i64,
}

/// A token of the catalogue that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenMark {
    /// Its id.
    pub jti: String,
    /// Whether it may be used.
    pub is_active: bool,
    /// The number of the change.
    pub seq: i64,
}

/// What ended or changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids of revoked tokens, and when they would have ended anyway.
    pub revoked: Vec<(String, Option<Timestamp>)>,
    /// People.
    pub people: Vec<PersonMark>,
    /// Tokens of the catalogue.
    pub tokens: Vec<TokenMark>,
}

/// Revokes a token, also in the catalogue where it has a row. Doing it again changes nothing.
#[crate::boxed]
pub async fn revoke(tx: &mut Tx, revocation: &Revocation<'_>) -> Result<()> {
    let row: Vec<Column> = vec![
        ("is_active", false.into()),
        ("revoked_at", revocation.at.into()),
        ("revoked_by", revocation.email.into()),
        ("revocation_reason", revocation.reason.into()),
    ];
    let row = Sql::update("api_tokens", row).text(", name_key = id").push(" WHERE id = ", revocation.jti);
    tx.run(row.text(" AND revoked_at IS NULL")).await?;
    let columns = vec![
        ("jti", revocation.jti.into()),
        ("email", revocation.email.into()),
        ("revoked_at", revocation.at.into()),
        ("expires_at", revocation.expires_at.into()),
        ("reason", revocation.reason.into()),
        ("seq", sequences::bump(tx, SEQUENCE).await?.into()),
    ];
    tx.run(Sql::insert("revoked_tokens", columns).text(" ON CONFLICT (jti) DO NOTHING")).await.map(|_| ())
}

/// Whether a token was revoked.
#[crate::boxed]
pub async fn is_revoked(db: &Db, jti: &str) -> Result<bool> {
    let statement = Sql::new("SELECT revoked_at FROM revoked_tokens").push(" WHERE jti = ", jti);
    Ok(db.one::<(i64,)>(statement).await?.is_some())
}

/// The ids of the revoked tokens that would still count at `now`.
#[crate::boxed]
pub async fn revoked(db: &Db, now: Timestamp) -> Result<Vec<String>> {
    let statement = Sql::new("SELECT jti FROM revoked_tokens")
        .push(" WHERE expires_at IS NULL OR expires_at > ", now)
        .text(" ORDER BY revoked_at, jti");
    let rows: Vec<(String,)> = db.all(statement).await?;
    Ok(rows.into_iter().map(|(jti,)| jti).collect())
}

/// Removes revocations of tokens that have ended; gives their number.
#[crate::boxed]
pub async fn forget_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.run(Sql::new("DELETE FROM revoked_tokens").push(" WHERE expires_at <= ", now)).await
}

/// Lets a person's tokens count only if they were issued at `valid_after` or later. Never moves back.
///
/// Tokens say when they were issued in whole seconds, so the time is taken up to the next one: what was issued in the
/// same second, before, does not count. Whoever issues a token in that second dates it with the time that this gives.
#[crate::boxed]
pub async fn set_valid_after(tx: &mut Tx, email: &str, valid_after: Timestamp) -> Result<Timestamp> {
    let after = match Timestamp::from_seconds(valid_after.seconds()) {
        whole if whole == valid_after => whole,
        below => Timestamp::from_seconds(below.seconds() + 1),
    };
    let columns = mark(tx, email, after, false).await?;
    let statement = Sql::insert("tokens_valid_after", columns)
        .text(" ON CONFLICT (email) DO UPDATE SET valid_after = excluded.valid_after, seq = excluded.seq")
        .text(" WHERE tokens_valid_after.valid_after < excluded.valid_after");
    tx.run(statement).await?;
    Ok(after)
}

/// Notes whether somebody's credentials count at all.
#[crate::boxed]
pub async fn set_disabled(tx: &mut Tx, email: &str, disabled: bool) -> Result<()> {
    let columns = mark(tx, email, Timestamp(0), disabled).await?;
    let statement = Sql::insert("tokens_valid_after", columns)
        .text(" ON CONFLICT (email) DO UPDATE SET disabled = excluded.disabled, seq = excluded.seq");
    tx.run(statement).await.map(|_| ())
}

/// Notes that what somebody may do has changed.
#[crate::boxed]
pub async fn touch(tx: &mut Tx, email: &str) -> Result<()> {
    let columns = mark(tx, email, Timestamp(0), false).await?;
    let statement = Sql::insert("tokens_valid_after", columns)
        .text(" ON CONFLICT (email) DO UPDATE SET seq = excluded.seq");
    tx.run(statement).await.map(|_| ())
}

async fn mark(tx: &mut Tx, email: &str, valid_after: Timestamp, disabled: bool) -> Result<Vec<Column>> {
    Ok(vec![
        ("email", email.into()),
        ("valid_after", valid_after.into()),
        ("disabled", disabled.into()),
        ("seq", sequences::bump(tx, SEQUENCE).await?.into()),
    ])
}

/// Since when a person's tokens count, where that was set.
#[crate::boxed]
pub async fn valid_after(db: &Db, email: &str) -> Result<Option<Timestamp>> {
    let statement = Sql::new("SELECT valid_after FROM tokens_valid_after").push(" WHERE email = ", email);
    let row: Option<(i64,)> = db.one(statement).await?;
    Ok(row.filter(|(time,)| *time > 0).map(|(time,)| Timestamp(time)))
}

/// What ended or changed above the number `since`, without tokens that ended before `now` by themselves.
#[crate::boxed]
pub async fn changes(db: &Db, since: i64, now: Timestamp) -> Result<Changes> {
    let revoked = Sql::new("SELECT jti, expires_at FROM revoked_tokens")
        .push(" WHERE seq > ", since)
        .push(" AND (expires_at IS NULL OR expires_at > ", now)
        .text(")");
    let revoked: Vec<(String, Option<i64>)> = db.all(revoked).await?;
    let tokens = Sql::new("SELECT id, is_active, seq FROM api_tokens")
        .push(" WHERE seq > ", since)
        .push(" AND expires_at > ", now);
    let tokens: Vec<(String, bool, i64)> = db.all(tokens).await?;
    Ok(Changes {
        revoked: revoked.into_iter().map(|(jti, end)| (jti, end.map(Timestamp))).collect(),
        people: people(db, Sql::new(PEOPLE).push(" WHERE seq > ", since)).await?,
        tokens: tokens.into_iter().map(|(jti, is_active, seq)| TokenMark { jti, is_active, seq }).collect(),
    })
}

/// All that has ended and would still count at `now`: what a process begins with.
#[crate::boxed]
pub async fn ended(db: &Db, now: Timestamp) -> Result<Changes> {
    let revoked = Sql::new("SELECT jti, expires_at FROM revoked_tokens")
        .push(" WHERE expires_at IS NULL OR expires_at > ", now);
    let revoked: Vec<(String, Option<i64>)> = db.all(revoked).await?;
    let ends = Sql::new(PEOPLE).push(" WHERE disabled = ", true).text(" OR valid_after > 0");
    Ok(Changes {
        revoked: revoked.into_iter().map(|(jti, end)| (jti, end.map(Timestamp))).collect(),
        people: people(db, ends).await?,
        tokens: Vec::new(),
    })
}

async fn people(db: &Db, sql: Sql) -> Result<Vec<PersonMark>> {
    let rows: Vec<(String, i64, bool, i64)> = db.all(sql).await?;
    let mark = |(email, valid_after, disabled, seq)| PersonMark {
        email,
        valid_after: Timestamp(valid_after),
        disabled,
        seq,
    };
    Ok(rows.into_iter().map(mark).collect())
}
