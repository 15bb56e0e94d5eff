//! What every table of registered things can do. A table file says how its rows are read and written; the statements
//! are here, once.

use domain::{Error, Owned, Result, Scope};

use crate::{
    columns::{Values, kind},
    db::{Db, Row, Tx},
    query::Query,
    sql::Sql,
};

/// Rows in one `INSERT`: well below the number of values that SQLite can bind.
const ROWS: usize = 100;
/// Ids in one `IN (…)`.
const IDS: usize = 500;

/// A kind of registered thing.
pub(crate) trait Entity: Sized + Send + Sync {
    /// The table.
    const TABLE: &'static str;
    /// What its kind is called in errors.
    const KIND: &'static str;
    /// Whether rows belong to a gateway.
    const OF_GATEWAY: bool;
    /// A row as the driver gives it.
    type Row: Row;
    /// The columns of a row.
    fn columns() -> String;
    /// Reads a row.
    fn read(row: Self::Row) -> Result<Self>;
    /// Its id.
    fn id(&self) -> &str;
    /// What it is called in errors.
    fn label(&self) -> &str;
    /// Whose it is.
    fn owned(&self) -> &Owned;
    /// All its columns.
    fn values(&self) -> Values;
}

fn select<E: Entity>(condition: &str) -> Sql {
    Sql::new(format!("SELECT {} FROM {} WHERE {condition}", E::columns(), E::TABLE))
}

fn read_all<E: Entity>(rows: Vec<E::Row>) -> Result<Vec<E>> {
    rows.into_iter().map(E::read).collect()
}

pub(crate) async fn insert<E: Entity>(tx: &mut Tx, row: &E) -> Result<()> {
    let statement = row.values().insert(E::TABLE);
    tx.run_named(statement, &kind(row.owned(), E::KIND), row.label()).await.map(|_| ())
}

pub(crate) async fn upsert<E: Entity>(tx: &mut Tx, rows: &[E]) -> Result<()> {
    for some in rows.chunks(ROWS) {
        let statement = Values::upsert_all(E::TABLE, some.iter().map(E::values).collect());
        tx.run_named(statement, E::KIND, some.first().map_or("", E::label)).await?;
    }
    Ok(())
}

pub(crate) async fn update<E: Entity>(tx: &mut Tx, row: &E, expected_version: i64) -> Result<()> {
    let values = row.values().set("version", expected_version.saturating_add(1));
    write(tx, row, values, expected_version).await
}

/// Writes `values` over the row, if it still has the expected version.
pub(crate) async fn write<E: Entity>(
    tx: &mut Tx,
    row: &E,
    values: Values,
    expected_version: i64,
) -> Result<()> {
    let statement =
        values.update(E::TABLE).push(" WHERE id = ", row.id()).push(" AND version = ", expected_version);
    let changed = tx.run_named(statement, &kind(row.owned(), E::KIND), row.label()).await?;
    if changed > 0 {
        return Ok(());
    }
    let statement = Sql::new(format!("SELECT COUNT(*) FROM {}", E::TABLE)).push(" WHERE id = ", row.id());
    match tx.one::<(i64,)>(statement).await? {
        Some((1..,)) => Err(Error::Stale { kind: E::KIND, name: row.id().to_owned() }),
        _ => Err(Error::not_found(E::KIND, row.id())),
    }
}

/// Deletes a row; says whether it was there.
pub(crate) async fn delete<E: Entity>(tx: &mut Tx, id: &str) -> Result<bool> {
    let statement = Sql::new(format!("DELETE FROM {}", E::TABLE)).push(" WHERE id = ", id);
    Ok(tx.run(statement).await? > 0)
}

pub(crate) async fn get<E: Entity>(db: &Db, id: &str) -> Result<Option<E>> {
    db.one(select::<E>("id = ").push("", id)).await?.map(E::read).transpose()
}

pub(crate) async fn all<E: Entity>(db: &Db) -> Result<Vec<E>> {
    read_all(db.all(select::<E>("1 = 1 ORDER BY created_at, id")).await?)
}

pub(crate) async fn of_gateway<E: Entity>(db: &Db, gateway: &str) -> Result<Vec<E>> {
    read_all(db.all(select::<E>("gateway_id = ").push("", gateway).text(" ORDER BY created_at, id")).await?)
}

pub(crate) async fn list<E: Entity>(db: &Db, scope: &Scope, query: &Query) -> Result<Vec<E>> {
    list_where(db, scope, query, None).await
}

/// The same with one more condition: a column that has to have a value.
pub(crate) async fn list_where<E: Entity>(
    db: &Db,
    scope: &Scope,
    query: &Query,
    column: Option<(&str, bool)>,
) -> Result<Vec<E>> {
    let mut statement = select::<E>("").visible_to(scope);
    if let Some((name, value)) = column {
        statement = statement.text(" AND ").text(name).push(" = ", value);
    }
    read_all(db.all(query.apply(statement, E::OF_GATEWAY)).await?)
}

/// Those of these ids that `scope` sees, in the order of the ids.
pub(crate) async fn by_ids<E: Entity>(db: &Db, scope: &Scope, ids: &[&str]) -> Result<Vec<E>> {
    let mut found = std::collections::HashMap::new();
    for some in ids.chunks(IDS) {
        let statement = select::<E>("").visible_to(scope).text(" AND ").one_of("id", some.iter().copied());
        for row in read_all::<E>(db.all(statement).await?)? {
            found.insert(row.id().to_owned(), row);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(*id)).collect())
}

/// Notes whether everything that a gateway offers can be reached. The version stays: nobody edited anything.
pub(crate) async fn mark_reachable(tx: &mut Tx, table: &str, gateway: &str, reachable: bool) -> Result<()> {
    let statement = Sql::new(format!("UPDATE {table} SET"))
        .push(" reachable = ", reachable)
        .push(" WHERE gateway_id = ", gateway);
    tx.run(statement).await.map(|_| ())
}
