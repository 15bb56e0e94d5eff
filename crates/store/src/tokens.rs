//! Tokens that do not count any more, though they are signed and not expired.
//!
//! Rows are kept until the token's own end; [`forget_expired`] removes them then. A token without an end stays revoked
//! for good.

use domain::{Result, Timestamp};

use crate::{
    db::{Db, Tx},
    sql::Sql,
};

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

/// Revokes a token. Doing it again changes nothing.
pub async fn revoke(tx: &mut Tx, revocation: &Revocation<'_>) -> Result<()> {
    let columns = vec![
        ("jti", revocation.jti.into()),
        ("email", revocation.email.into()),
        ("revoked_at", revocation.at.into()),
        ("expires_at", revocation.expires_at.into()),
        ("reason", revocation.reason.into()),
    ];
    tx.run(Sql::insert("revoked_tokens", columns).text(" ON CONFLICT (jti) DO NOTHING")).await.map(|_| ())
}

/// Whether a token was revoked.
pub async fn is_revoked(db: &Db, jti: &str) -> Result<bool> {
    let statement = Sql::new("SELECT revoked_at FROM revoked_tokens").push(" WHERE jti = ", jti);
    Ok(db.one::<(i64,)>(statement).await?.is_some())
}

/// The ids of the revoked tokens that would still count at `now`.
pub async fn revoked(db: &Db, now: Timestamp) -> Result<Vec<String>> {
    let statement = Sql::new("SELECT jti FROM revoked_tokens")
        .push(" WHERE expires_at IS NULL OR expires_at > ", now)
        .text(" ORDER BY revoked_at, jti");
    let rows: Vec<(String,)> = db.all(statement).await?;
    Ok(rows.into_iter().map(|(jti,)| jti).collect())
}

/// Removes revocations of tokens that have ended; gives their number.
pub async fn forget_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.run(Sql::new("DELETE FROM revoked_tokens").push(" WHERE expires_at <= ", now)).await
}

/// Lets a person's tokens count only if they were issued at `valid_after` or later. Never moves back.
pub async fn set_valid_after(tx: &mut Tx, email: &str, valid_after: Timestamp) -> Result<()> {
    let columns = vec![("email", email.into()), ("valid_after", valid_after.into())];
    let statement = Sql::insert("tokens_valid_after", columns)
        .text(" ON CONFLICT (email) DO UPDATE SET valid_after = excluded.valid_after")
        .text(" WHERE tokens_valid_after.valid_after < excluded.valid_after");
    tx.run(statement).await.map(|_| ())
}

/// Since when a person's tokens count, where that was set.
pub async fn valid_after(db: &Db, email: &str) -> Result<Option<Timestamp>> {
    let statement = Sql::new("SELECT valid_after FROM tokens_valid_after").push(" WHERE email = ", email);
    Ok(db.one::<(i64,)>(statement).await?.map(|(time,)| Timestamp(time)))
}
