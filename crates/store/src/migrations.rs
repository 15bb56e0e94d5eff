//! The tables: one set of forward-only migrations for both databases, built into the program.
//!
//! A migration that was released never changes; its checksum is compared at every start. What only one of the
//! databases understands does not belong in them (`cargo xtask tidy` looks).

use std::borrow::Cow;

use domain::{Error, Result};
use sqlx::{
    Connection, SqlStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use crate::{
    db::{Db, Pools},
    failure::failed,
    foreign,
    sql::Sql,
};

/// Version, description, statements.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "foundation", include_str!("../migrations/0001_foundation.sql")),
    (2, "tokens", include_str!("../migrations/0002_tokens.sql")),
    (3, "people", include_str!("../migrations/0003_people.sql")),
    (4, "teams", include_str!("../migrations/0004_teams.sql")),
    (5, "registered here", include_str!("../migrations/0005_registered_here.sql")),
    (6, "pins", include_str!("../migrations/0006_pins.sql")),
];

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, description, statements)| {
        let (description, statements) = (Cow::Borrowed(*description), SqlStr::from_static(statements));
        Migration::new(*version, description, MigrationType::Simple, statements, false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// Applies what is missing.
pub(crate) async fn run(db: &Db) -> Result<()> {
    match &db.0 {
        Pools::Sqlite { write, .. } => migrator().run(write).await.map_err(refused),
        Pools::Postgres { pool, .. } => {
            // A connection of its own: waiting for another replica, or changing a large table, may outlast the
            // statement timeout.
            let mut connection = pool.acquire().await.map_err(failed)?.detach();
            let unlimited = sqlx::query("SET statement_timeout = 0");
            unlimited.execute(&mut connection).await.map_err(failed)?;
            let outcome = migrator().run_direct(None, &mut connection, false).await.map_err(refused);
            connection.close().await.map_err(failed)?;
            outcome
        }
    }
}

/// How many are missing.
pub(crate) async fn pending(db: &Db) -> Result<usize> {
    if !foreign::has_table(db, "_sqlx_migrations").await? {
        return Ok(MIGRATIONS.len());
    }
    let applied: Vec<(i64,)> =
        db.all(Sql::new("SELECT version FROM _sqlx_migrations WHERE success = TRUE")).await?;
    Ok(MIGRATIONS.iter().filter(|(version, ..)| !applied.contains(&(*version,))).count())
}

fn refused(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::Refused(format!(
            "the database was made by a newer version of this program (it has migration {version}); start that \
             version, or restore a backup made before the update"
        )),
        MigrateError::VersionMismatch(version) => Error::Refused(format!(
            "migration {version} of the database is not the one of this program; it was made by a development build"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        other => Error::internal(format!("migration: {other}")),
    }
}
