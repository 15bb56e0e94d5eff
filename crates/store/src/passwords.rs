//! Former passwords, and the links that set a new one.
//!
//! Both hold hashes only. A link is found by the hash of its secret, is used once, and goes with its account.

use domain::{Result, Secret, Timestamp, id::UserId};

use crate::{
    db::{Db, Tx},
    sql::{Column, Sql},
};

/// A link that sets a new password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// Hexadecimal SHA-256 of its secret.
    pub token_hash: String,
    /// Whose password it sets.
    pub user_id: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

row! {
    struct StoredReset {
        token_hash: String,
        user_id: String,
        created_at: i64,
        expires_at: i64,
        used_at: Option<i64>,
    }
}

impl From<StoredReset> for Reset {
    fn from(row: StoredReset) -> Self {
        Self {
            token_hash: row.token_hash,
            user_id: UserId::from_stored(row.user_id),
            created_at: Timestamp(row.created_at),
            expires_at: Timestamp(row.expires_at),
            used_at: row.used_at.map(Timestamp),
        }
    }
}

const SELECT_RESET: &str =
    "SELECT token_hash, user_id, created_at, expires_at, used_at FROM password_resets WHERE token_hash = ";

/// Stores a link. Earlier ones of the same person that were not used end: there is one at a time.
#[crate::boxed]
pub async fn add_reset(tx: &mut Tx, reset: &Reset) -> Result<()> {
    let id = reset.user_id.as_str();
    tx.run(
        Sql::new("DELETE FROM password_resets").push(" WHERE user_id = ", id).text(" AND used_at IS NULL"),
    )
    .await?;
    let columns: Vec<Column> = vec![
        ("token_hash", (&reset.token_hash).into()),
        ("user_id", id.into()),
        ("created_at", reset.created_at.into()),
        ("expires_at", reset.expires_at.into()),
        ("used_at", reset.used_at.into()),
    ];
    tx.run(Sql::insert("password_resets", columns)).await.map(|_| ())
}

/// The link with this hash of a secret.
#[crate::boxed]
pub async fn reset(db: &Db, token_hash: &str) -> Result<Option<Reset>> {
    let row: Option<StoredReset> = db.one(Sql::new(SELECT_RESET).push("", token_hash)).await?;
    Ok(row.map(Reset::from))
}

/// Notes that a link is used, if that is still to be had. Gives whether it was.
#[crate::boxed]
pub async fn use_reset(tx: &mut Tx, token_hash: &str, at: Timestamp) -> Result<bool> {
    let sql = Sql::update("password_resets", vec![("used_at", at.into())])
        .push(" WHERE token_hash = ", token_hash)
        .push(" AND used_at IS NULL AND expires_at > ", at);
    Ok(tx.run(sql).await? > 0)
}

/// Ends every unused link of a person.
#[crate::boxed]
pub async fn end_resets(tx: &mut Tx, user: &UserId) -> Result<()> {
    let sql = Sql::new("DELETE FROM password_resets").push(" WHERE user_id = ", user.as_str());
    tx.run(sql.text(" AND used_at IS NULL")).await.map(|_| ())
}

/// Removes links that ended before `before`; gives their number.
#[crate::boxed]
pub async fn forget_resets(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.run(Sql::new("DELETE FROM password_resets").push(" WHERE expires_at < ", before)).await
}

/// Keeps a password that was replaced, and forgets all but the last `keep`.
#[crate::boxed]
pub async fn keep(
    tx: &mut Tx,
    user: &UserId,
    replaced: &Secret<String>,
    at: Timestamp,
    keep: i64,
) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("user_id", user.as_str().into()),
        ("password_hash", replaced.expose().into()),
        ("replaced_at", at.into()),
    ];
    tx.run(Sql::insert("password_history", columns)).await?;
    let sql = Sql::new("DELETE FROM password_history")
        .push(" WHERE user_id = ", user.as_str())
        .text(" AND password_hash NOT IN (SELECT password_hash FROM password_history")
        .push(" WHERE user_id = ", user.as_str())
        .push(" ORDER BY replaced_at DESC LIMIT ", keep)
        .text(")");
    tx.run(sql).await.map(|_| ())
}

/// The hashes of a person's former passwords, latest first.
#[crate::boxed]
pub async fn former(db: &Db, user: &UserId, limit: i64) -> Result<Vec<Secret<String>>> {
    let sql = Sql::new("SELECT password_hash FROM password_history")
        .push(" WHERE user_id = ", user.as_str())
        .push(" ORDER BY replaced_at DESC LIMIT ", limit);
    let rows: Vec<(String,)> = db.all(sql).await?;
    Ok(rows.into_iter().map(|(hash,)| Secret::new(hash)).collect())
}
