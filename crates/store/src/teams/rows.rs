//! What is registered for a team, for the day on which the team goes.

use domain::{Result, id::TeamId};

use crate::{
    db::Tx,
    sql::{Column, Sql},
};

/// Every table whose rows may belong to a team, and what people call such a row.
const TABLES: [(&str, &str); 5] = [
    ("gateways", "gateways"),
    ("servers", "servers"),
    ("tools", "tools"),
    ("prompts", "prompts"),
    ("resources", "resources"),
];

/// How many rows of each kind are shared within a team; kinds without any are left out.
#[crate::boxed]
pub async fn shared_in(tx: &mut Tx, team: &TeamId) -> Result<Vec<(&'static str, i64)>> {
    let mut found = Vec::new();
    for (table, kind) in TABLES {
        let sql = Sql::new(format!("SELECT COUNT(*) FROM {table}"))
            .push(" WHERE team_id = ", team.as_str())
            .push(" AND visibility = ", "team");
        let count = tx.one::<(i64,)>(sql).await?.map_or(0, |(count,)| count);
        if count > 0 {
            found.push((kind, count));
        }
    }
    Ok(found)
}

/// Takes the team from its public and private rows; who sees them does not depend on it. Gives their number.
#[crate::boxed]
pub async fn release(tx: &mut Tx, team: &TeamId) -> Result<u64> {
    let mut released = 0;
    for (table, _) in TABLES {
        let columns: Vec<Column> = vec![("team_id", None::<&str>.into())];
        let sql = Sql::update(table, columns)
            .text(", version = version + 1")
            .push(" WHERE team_id = ", team.as_str())
            .push(" AND visibility <> ", "team");
        released += tx.run(sql).await?;
    }
    Ok(released)
}
