//! Recognises a database that the Python ContextForge made, and leaves it alone.
//!
//! The check comes before the first statement that writes anything. SQLite is opened read-only for it, and where there
//! is no write-ahead log as an unchanging file, so that not even a lock file appears beside it.

use std::path::{Path, PathBuf};

use domain::{Error, Result};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use crate::{
    db::{Db, Pools},
    failure::failed,
    sql::Sql,
};

/// Refuses a file that has the table of Alembic, ContextForge's migration tool. A file that does not exist is fine.
pub(crate) async fn refuse_file(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let options =
        SqliteConnectOptions::new().filename(path).read_only(true).immutable(!PathBuf::from(log).exists());
    let unreadable = |error: sqlx::Error| {
        Error::Unavailable(format!("cannot read the database {}: {}", path.display(), failed(error)))
    };
    let mut connection = options.connect().await.map_err(unreadable)?;
    let statement = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'";
    let found: i64 = sqlx::query_scalar(statement).fetch_one(&mut connection).await.map_err(unreadable)?;
    connection.close().await.map_err(failed)?;
    if found > 0 { Err(refusal(&path.display().to_string())) } else { Ok(()) }
}

/// The same for the tables of the schemas that a PostgreSQL connection looks in.
pub(crate) async fn refuse_tables(db: &Db) -> Result<()> {
    if has_table(db, "alembic_version").await? { Err(refusal("of DATABASE_URL")) } else { Ok(()) }
}

/// Whether there is a table, as the databases themselves keep account of it.
pub(crate) async fn has_table(db: &Db, name: &str) -> Result<bool> {
    let statement = match &db.0 {
        Pools::Sqlite { .. } => {
            Sql::new("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ")
        }
        Pools::Postgres { .. } => Sql::new(
            "SELECT COUNT(*) FROM information_schema.tables \
             WHERE table_schema = ANY (current_schemas(FALSE)) AND table_name = ",
        ),
    };
    let (found,): (i64,) = db.must(statement.push("", name)).await?;
    Ok(found > 0)
}

fn refusal(which: &str) -> Error {
    Error::Refused(format!(
        "the database {which} was made by the Python ContextForge (it has the table alembic_version). It was left \
         untouched. Importing such a database with `contextforge import` is planned; until then point DATABASE_URL \
         at a new database, for example sqlite:///./contextforge.db"
    ))
}
