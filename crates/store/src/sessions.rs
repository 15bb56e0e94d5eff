//! When sessions were last used, where they may end for want of use, and whether one was ended meanwhile.

use domain::{Result, Timestamp};

use crate::{
    db::{Db, Tx},
    sql::Sql,
};

/// Notes that a session was used. Never moves back.
#[crate::boxed]
pub async fn seen(tx: &mut Tx, jti: &str, at: Timestamp) -> Result<()> {
    let sql = Sql::insert("session_activity", vec![("jti", jti.into()), ("last_seen", at.into())])
        .text(" ON CONFLICT (jti) DO UPDATE SET last_seen = excluded.last_seen")
        .text(" WHERE session_activity.last_seen < excluded.last_seen");
    tx.run(sql).await.map(|_| ())
}

/// When a session was last used, as far as that was noted.
#[crate::boxed]
pub async fn last_seen(db: &Db, jti: &str) -> Result<Option<Timestamp>> {
    let sql = Sql::new("SELECT last_seen FROM session_activity").push(" WHERE jti = ", jti);
    Ok(db.one::<(i64,)>(sql).await?.map(|(at,)| Timestamp(at)))
}

/// Forgets sessions that were last used before `before`; gives their number.
#[crate::boxed]
pub async fn forget_before(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.run(Sql::new("DELETE FROM session_activity").push(" WHERE last_seen < ", before)).await
}

/// Whether a token is revoked, inside a transaction: of two that want to replace it, one sees that it came second.
#[crate::boxed]
pub async fn is_revoked_in(tx: &mut Tx, jti: &str) -> Result<bool> {
    let sql = Sql::new("SELECT jti FROM revoked_tokens").push(" WHERE jti = ", jti);
    Ok(tx.one::<(String,)>(sql).await?.is_some())
}

/// Since when a person's sessions count, inside a transaction.
#[crate::boxed]
pub async fn valid_after_in(tx: &mut Tx, email: &str) -> Result<Option<Timestamp>> {
    let sql = Sql::new("SELECT valid_after FROM tokens_valid_after").push(" WHERE email = ", email);
    Ok(tx.one::<(i64,)>(sql).await?.map(|(time,)| Timestamp(time)))
}
