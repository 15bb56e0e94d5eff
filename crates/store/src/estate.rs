//! What somebody owns, handed on when their account goes.
//!
//! Public and team rows keep their reach and change their owner. Private rows become the heir's private rows; so do
//! rows of the personal team, which goes with the account. A name that the heir uses already gets the beginning of
//! the row's id behind it, so that handing on never fails halfway.

use domain::{Result, id::TeamId};

use crate::{
    db::Tx,
    sql::{Column, Sql},
};

/// Every table whose rows have an owner, and the column that is unique among the owner's private rows.
const TABLES: [(&str, Option<&str>); 5] = [
    ("gateways", Some("slug")),
    ("servers", Some("name")),
    ("tools", None),
    ("prompts", None),
    ("resources", None),
];

/// Hands on everything that `from` owns. `personal` are the teams that go with the account. Gives the number of rows.
#[crate::boxed]
pub async fn hand_on(tx: &mut Tx, from: &str, to: &str, personal: &[TeamId]) -> Result<u64> {
    let mut count = 0;
    for (table, unique) in TABLES {
        if let Some(column) = unique {
            free_names(tx, (table, column), (from, to), personal).await?;
        }
        count += privately(tx, table, (from, to), personal).await?;
        let columns: Vec<Column> = vec![("owner_email", to.into())];
        let sql =
            Sql::update(table, columns).text(", version = version + 1").push(" WHERE owner_email = ", from);
        count += tx.run(sql).await?;
    }
    Ok(count)
}

async fn privately(
    tx: &mut Tx,
    table: &'static str,
    (from, to): (&str, &str),
    personal: &[TeamId],
) -> Result<u64> {
    let columns: Vec<Column> = vec![
        ("owner_email", to.into()),
        ("visibility", "private".into()),
        ("team_id", None::<&str>.into()),
        ("name_scope", format!("private:{to}").into()),
    ];
    let sql = Sql::update(table, columns).text(", version = version + 1");
    tx.run(theirs(sql.push(" WHERE owner_email = ", from), personal)).await
}

/// The rows that nobody but their owner can reach once the account is gone.
fn theirs(sql: Sql, personal: &[TeamId]) -> Sql {
    sql.text(" AND (visibility = 'private' OR (visibility = 'team' AND ")
        .one_of("team_id", personal)
        .text("))")
}

/// Renames rows whose name the heir uses for a private row already.
async fn free_names(
    tx: &mut Tx,
    (table, column): (&'static str, &'static str),
    (from, to): (&str, &str),
    personal: &[TeamId],
) -> Result<()> {
    loop {
        let select =
            Sql::new(format!("SELECT id, {column} FROM {table}")).push(" WHERE owner_email = ", from);
        let clashing = theirs(select, personal)
            .text(&format!(" AND {column} IN (SELECT {column} FROM {table}"))
            .push(" WHERE name_scope = ", format!("private:{to}"))
            .text(") LIMIT 1");
        let Some((id, name)) = tx.one::<(String, String)>(clashing).await? else { return Ok(()) };
        let free = format!("{name}-{}", id.get(..8).unwrap_or(&id));
        let mut columns: Vec<Column> = vec![(column, free.clone().into())];
        if column != "name" {
            columns.push(("name", free.into()));
        }
        tx.run(Sql::update(table, columns).push(" WHERE id = ", &id)).await?;
    }
}
