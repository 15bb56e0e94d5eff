//! Opening a database: whose it is, whether it is ready, and what it keeps.

use std::collections::BTreeMap;

use domain::Error;

use super::{ANN, databases, open_postgres, open_sqlite, postgres_url, user};
use crate::{DatabaseConfig, Db, sequences, sql::Sql, users};

#[tokio::test]
async fn the_database_of_the_python_gateway_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.db");
    let raw = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    sqlx::query("CREATE TABLE alembic_version (version_num TEXT)").execute(&raw).await.unwrap();
    raw.close().await;
    let before = std::fs::read(&file).unwrap();
    let config = DatabaseConfig { url: format!("sqlite://{}", file.display()), max_connections: 1 };
    let Err(Error::Refused(text)) = Db::connect(&config).await else { panic!("it was opened") };
    assert!(text.contains("contextforge import") && text.contains("DATABASE_URL"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no journal was left");
}

/// A gateway that still runs has its newest tables in the write-ahead log only.
#[tokio::test]
async fn the_database_of_a_running_python_gateway_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mcp.db");
    let raw = sqlx::SqlitePool::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    sqlx::query("PRAGMA journal_mode = WAL").execute(&raw).await.unwrap();
    sqlx::query("CREATE TABLE alembic_version (version_num TEXT)").execute(&raw).await.unwrap();
    let config = DatabaseConfig { url: format!("sqlite://{}", file.display()), max_connections: 1 };
    assert!(matches!(Db::connect(&config).await, Err(Error::Refused(_))));
    let (count,): (i64,) =
        sqlx::query_as("SELECT COUNT(*) FROM sqlite_master").fetch_one(&raw).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn the_same_holds_for_postgresql() {
    let Some(url) = postgres_url().await else { return };
    let raw = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::query("CREATE TABLE alembic_version (version_num TEXT)").execute(&raw).await.unwrap();
    let refused = Db::connect(&DatabaseConfig { url, max_connections: 2 }).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
    let statement = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    let (count,): (i64,) = sqlx::query_as(statement).fetch_one(&raw).await.unwrap();
    assert_eq!(count, 1, "nothing was made");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "x".repeat(2000)).unwrap();
    let config = DatabaseConfig { url: format!("sqlite://{}", file.display()), max_connections: 1 };
    let Err(Error::Unavailable(text)) = Db::connect(&config).await else { panic!("it was opened") };
    assert!(text.contains("notes.txt"), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().len(), 2000);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable_and_its_password_a_secret() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(std::thread::spawn(move || while listener.accept().is_ok() {}));
    let url = format!("postgres://u:hunter2@127.0.0.1:{port}/d?sslmode=disable");
    let Err(Error::Unavailable(text)) = Db::connect(&DatabaseConfig { url, max_connections: 2 }).await else {
        panic!("it was opened")
    };
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_reopen_without_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new").join("test.db");
    let db = open_sqlite(&file).await;
    db.migrate().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    users::insert(&mut tx, &user(ANN, true)).await.unwrap();
    let number = sequences::bump(&mut tx, "identity").await.unwrap();
    tx.commit().await.unwrap();
    // As after kill -9: nothing is closed, and what is on the disk now is all there is.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(file.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let again = open_sqlite(&copy).await;
    assert!(users::by_email(&again, ANN).await.unwrap().is_some());
    assert_eq!(sequences::read(&again, "identity").await.unwrap(), number);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let db = open_sqlite(&folder.path().join("test.db")).await;
    db.migrate().await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_database_is_ready_when_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = vec![open_sqlite(&folder.path().join("test.db")).await];
    all.extend(open_postgres().await);
    for db in all {
        assert!(matches!(db.ping().await, Err(Error::Unavailable(_))), "no tables yet");
        // Replicas that start together.
        let (first, second) = tokio::join!(db.migrate(), db.migrate());
        first.unwrap();
        second.unwrap();
        db.ping().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let newer = Sql::new("UPDATE _sqlx_migrations SET version = version + 9000");
        tx.run(newer).await.unwrap();
        tx.commit().await.unwrap();
        let Err(Error::Refused(text)) = db.migrate().await else { panic!("an older program went on") };
        assert!(text.contains("newer version"), "{text}");
        db.close().await;
        assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
    }
}

type Columns = BTreeMap<String, Vec<(String, String, bool)>>;

/// The same tables with the same columns, types and NULLs on both.
#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let mut found: Vec<Columns> = Vec::new();
    for (n, db) in databases(folder.path()).await.into_iter().enumerate() {
        let statement = if n == 0 {
            "SELECT m.name, c.name, c.type, c.\"notnull\" = 1 FROM sqlite_master m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' ORDER BY m.name, c.cid"
        } else {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), UPPER(CAST(data_type AS TEXT)), \
             is_nullable = 'NO' FROM information_schema.columns WHERE table_schema = current_schema() \
             ORDER BY table_name, ordinal_position"
        };
        let rows: Vec<(String, String, String, bool)> = db.all(Sql::new(statement)).await.unwrap();
        let mut tables = Columns::new();
        for (table, column, kind, required) in rows {
            if table != "_sqlx_migrations" {
                tables.entry(table).or_default().push((column, kind, required));
            }
        }
        assert!(tables.len() >= 18, "{:?}", tables.keys());
        let kinds = ["TEXT", "BIGINT", "BOOLEAN", "DOUBLE PRECISION"];
        let odd: Vec<_> =
            tables.values().flatten().filter(|(_, kind, _)| !kinds.contains(&kind.as_str())).collect();
        assert!(odd.is_empty(), "{odd:?}");
        found.push(tables);
    }
    assert!(found.iter().all(|tables| *tables == found[0]));
}
