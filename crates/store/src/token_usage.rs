//! How often tokens are used: by hour, and by day and route. Written in batches, by every replica into the same rows.

use domain::{Result, api_token::TokenUsage};

use crate::{
    db::{Db, Tx},
    sql::{Column, Sql},
};

/// Adds to what a token did in an hour since 1970.
#[crate::boxed]
pub async fn add(tx: &mut Tx, token: &str, hour: i64, more: TokenUsage) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("token_id", token.into()),
        ("hour", hour.into()),
        ("served", more.served.into()),
        ("blocked", more.blocked.into()),
        ("micros", more.micros.into()),
    ];
    let sql = Sql::insert("token_usage", columns).text(
        " ON CONFLICT (token_id, hour) DO UPDATE SET served = token_usage.served + excluded.served, \
         blocked = token_usage.blocked + excluded.blocked, micros = token_usage.micros + excluded.micros",
    );
    tx.run(sql).await.map(|_| ())
}

/// Adds to how often a token used a route on a day since 1970.
#[crate::boxed]
pub async fn add_endpoint(tx: &mut Tx, token: &str, day: i64, (endpoint, more): (&str, i64)) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("token_id", token.into()),
        ("day", day.into()),
        ("endpoint", endpoint.into()),
        ("requests", more.into()),
    ];
    let sql = Sql::insert("token_endpoints", columns).text(
        " ON CONFLICT (token_id, day, endpoint) DO UPDATE SET requests = token_endpoints.requests + excluded.requests",
    );
    tx.run(sql).await.map(|_| ())
}

/// What a token did from an hour since 1970 on.
#[crate::boxed]
pub async fn since(db: &Db, token: &str, hour: i64) -> Result<TokenUsage> {
    // PostgreSQL adds BIGINT up to NUMERIC, which is cast back.
    let sql = Sql::new(
        "SELECT CAST(COALESCE(SUM(served), 0) AS BIGINT), CAST(COALESCE(SUM(blocked), 0) AS BIGINT), \
         CAST(COALESCE(SUM(micros), 0) AS BIGINT) FROM token_usage",
    );
    let sql = sql.push(" WHERE token_id = ", token).push(" AND hour >= ", hour);
    let (served, blocked, micros): (i64, i64, i64) = db.must(sql).await?;
    Ok(TokenUsage { served, blocked, micros })
}

/// The routes that a token used most from a day since 1970 on.
#[crate::boxed]
pub async fn top_endpoints(db: &Db, token: &str, day: i64, limit: i64) -> Result<Vec<(String, i64)>> {
    let sql = Sql::new("SELECT endpoint, CAST(SUM(requests) AS BIGINT) AS total FROM token_endpoints")
        .push(" WHERE token_id = ", token)
        .push(" AND day >= ", day)
        .text(" GROUP BY endpoint ORDER BY total DESC, endpoint")
        .push(" LIMIT ", limit);
    db.all(sql).await
}

/// Removes what is older than an hour since 1970.
#[crate::boxed]
pub async fn forget(tx: &mut Tx, hour: i64) -> Result<()> {
    tx.run(Sql::new("DELETE FROM token_usage").push(" WHERE hour < ", hour)).await?;
    tx.run(Sql::new("DELETE FROM token_endpoints").push(" WHERE day < ", hour.div_euclid(24)))
        .await
        .map(|_| ())
}
