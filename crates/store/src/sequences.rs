//! Numbers that are counted up in the transaction of a change, so that replicas notice it.
//!
//! Because writers take turns, a higher number is never committed before a lower one.

use domain::{Error, Result};

use crate::{
    db::{Db, Tx},
    sql::Sql,
};

/// Adds one and gives the new number. Part of the change's transaction.
#[crate::boxed]
pub async fn bump(tx: &mut Tx, name: &str) -> Result<i64> {
    let statement = Sql::new("UPDATE sequences SET value = value + 1")
        .push(" WHERE name = ", name)
        .text(" RETURNING value");
    match tx.one::<(i64,)>(statement).await? {
        Some((value,)) => Ok(value),
        None => Err(Error::internal(format!("there is no sequence {name:?}"))),
    }
}

/// The present number.
#[crate::boxed]
pub async fn read(db: &Db, name: &str) -> Result<i64> {
    let (value,) = db.must(Sql::new("SELECT value FROM sequences").push(" WHERE name = ", name)).await?;
    Ok(value)
}

/// Every sequence with its present number.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<(String, i64)>> {
    db.all(Sql::new("SELECT name, value FROM sequences")).await
}
