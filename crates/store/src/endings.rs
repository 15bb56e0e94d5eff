//! Why a token was revoked, for what outlives a token: a session that was opened with it.

use domain::Result;

use crate::{db::Db, sql::Sql};

/// Why a token was revoked: `None` where it was not, an empty text where nobody said.
#[crate::boxed]
pub async fn reason(db: &Db, token_id: &str) -> Result<Option<String>> {
    let statement = Sql::new("SELECT reason FROM revoked_tokens").push(" WHERE jti = ", token_id);
    let row: Option<(Option<String>,)> = db.one(statement).await?;
    Ok(row.map(|(reason,)| reason.unwrap_or_default()))
}
