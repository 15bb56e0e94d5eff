//! The two databases behind one type. Only this file and `migrations`, `foreign` and `failure` know which one it is.
//!
//! Writers take turns on both: SQLite has one write connection and `BEGIN IMMEDIATE`, PostgreSQL an advisory lock that
//! is held to the end of the transaction, across replicas. A rule that is checked inside a [`Tx`] ("the last
//! administrator stays") therefore holds, and no transaction can fail halfway for want of a lock. The price is that a
//! `Tx` must be short: never await the network, and never a second `begin`, while one is open.
//!
//! Durability: SQLite runs in WAL mode with `synchronous=FULL`, so that a commit is in the log on the disk before it
//! is answered. `NORMAL` would survive `kill -9` as well, but not a power failure; writes are rare enough to pay one
//! `fsync` each. PostgreSQL's default (`synchronous_commit=on`) promises the same.

use std::{num::NonZero, path::Path, str::FromStr, sync::Arc, time::Duration};

use domain::{Error, Result};
use futures_util::future::BoxFuture;
use sqlx::{
    AssertSqlSafe, Connection, FromRow, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    failure::failed,
    foreign, migrations,
    sql::{Arg, Sql},
    url,
};

/// How long a caller waits for a connection or for another writer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection to PostgreSQL. Shorter than for a turn to write: where there is none within
/// this time the server is away, and whoever waits is better told so.
const REACHING: Duration = Duration::from_secs(5);
/// How long a start waits for PostgreSQL, and how often it tries in that time.
const STARTING: Duration = Duration::from_secs(8);
const RETRY: Duration = Duration::from_millis(250);
/// More readers than this gain nothing on one file and cost a thread each; nor do more than there are cores.
const SQLITE_READERS: usize = 4;
/// PostgreSQL ends what runs longer.
const STATEMENT_TIMEOUT: &str = "30s";
/// The advisory lock that writers take turns with.
const WRITERS_LOCK: i64 = 0x636f_6e74_6578_7466;

/// Where the database is. No `Debug`: the URL may hold a password.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// The URL, as [`normalise_url`](crate::normalise_url) gives it.
    pub url: String,
    /// The most connections.
    pub max_connections: u32,
}

/// A row type that both drivers can read.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db(pub(crate) Pools);

#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres { pool: PgPool, turn: Arc<Semaphore> },
}

/// A transaction. Dropped without [`commit`](Self::commit), it is rolled back.
pub struct Tx(Inner);

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres { tx: Transaction<'static, Postgres>, _turn: OwnedSemaphorePermit },
}

macro_rules! bound {
    ($query:expr, $args:expr) => {
        $args.into_iter().fold($query, |query, arg| match arg {
            Arg::Text(value) => query.bind(value),
            Arg::Int(value) => query.bind(value),
            Arg::Bool(value) => query.bind(value),
        })
    };
}

/// Rows as a driver gives them. Reading them is not part of waiting for them: what waits is compiled once, not once
/// for every type of row and again in every crate that asks for it. For the same reason the futures here are boxed.
enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    fn read<T: Row>(&self) -> sqlx::Result<Vec<T>> {
        match self {
            Self::Sqlite(rows) => rows.iter().map(T::from_row).collect(),
            Self::Postgres(rows) => rows.iter().map(T::from_row).collect(),
        }
    }

    fn first<T: Row>(&self) -> sqlx::Result<Option<T>> {
        match self {
            Self::Sqlite(rows) => rows.first().map(T::from_row).transpose(),
            Self::Postgres(rows) => rows.first().map(T::from_row).transpose(),
        }
    }
}

/// How many rows are wanted.
#[derive(Clone, Copy)]
enum Wanted {
    All,
    First,
}

macro_rules! fetch {
    ($executor:expr, $wanted:expr, $sql:expr) => {{
        let (text, args) = $sql.into_parts();
        let query = bound!(sqlx::query(AssertSqlSafe(text)), args);
        match $wanted {
            Wanted::All => query.fetch_all($executor).await,
            Wanted::First => query.fetch_optional($executor).await.map(|row| row.into_iter().collect()),
        }
    }};
}

macro_rules! execute {
    ($executor:expr, $sql:expr) => {{
        let (text, args) = $sql.into_parts();
        bound!(sqlx::query(AssertSqlSafe(text)), args)
            .execute($executor)
            .await
            .map(|done| done.rows_affected())
    }};
}

impl Db {
    /// Opens the database; SQLite's file is made where it is missing. A database that the Python ContextForge made is
    /// refused before anything is written to it.
    #[crate::boxed]
    pub async fn connect(config: &DatabaseConfig) -> Result<Self> {
        match url::sqlite_file(&config.url) {
            Some(file) => open_sqlite(&file, config.max_connections).await,
            None => open_postgres(&config.url, config.max_connections).await,
        }
    }

    /// Brings the tables up to date. Replicas that start together take turns.
    #[crate::boxed]
    pub async fn migrate(&self) -> Result<()> {
        migrations::run(self).await
    }

    /// How many migrations are still to be applied: 0 for a database that this program can work with.
    #[crate::boxed]
    pub async fn pending_migrations(&self) -> Result<usize> {
        migrations::pending(self).await
    }

    /// Whether the database answers and has every table that this program needs.
    #[crate::boxed]
    pub async fn ping(&self) -> Result<()> {
        match self.pending_migrations().await? {
            0 => Ok(()),
            _ => Err(Error::Unavailable(
                "the database is not migrated: run `contextforge db migrate`".to_owned(),
            )),
        }
    }

    /// Begins to write. Waits for the writer before.
    pub fn begin(&self) -> BoxFuture<'_, Result<Tx>> {
        Box::pin(async move {
            match &self.0 {
                Pools::Sqlite { write, .. } => {
                    let tx = write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
                    Ok(Tx(Inner::Sqlite(tx)))
                }
                Pools::Postgres { pool, turn } => begin_postgres(pool, turn).await,
            }
        })
    }

    /// Closes every connection and waits for those in use. SQLite folds its log into the file.
    #[crate::boxed]
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// Every row.
    pub(crate) async fn all<T: Row>(&self, sql: Sql) -> Result<Vec<T>> {
        self.fetch(Wanted::All, sql).await.and_then(|rows| rows.read()).map_err(failed)
    }

    /// The one row that has to be there.
    pub(crate) async fn must<T: Row>(&self, sql: Sql) -> Result<T> {
        self.one(sql).await?.ok_or_else(|| Error::internal("a row that every database has is missing"))
    }

    /// The first row.
    pub(crate) async fn one<T: Row>(&self, sql: Sql) -> Result<Option<T>> {
        self.fetch(Wanted::First, sql).await.and_then(|rows| rows.first()).map_err(failed)
    }

    fn fetch(&self, wanted: Wanted, sql: Sql) -> BoxFuture<'_, sqlx::Result<Rows>> {
        Box::pin(async move {
            match &self.0 {
                Pools::Sqlite { read, .. } => fetch!(read, wanted, sql).map(Rows::Sqlite),
                Pools::Postgres { pool, .. } => fetch!(pool, wanted, sql).map(Rows::Postgres),
            }
        })
    }
}

impl Tx {
    /// Makes the changes last. They are on the disk when this returns.
    pub fn commit(self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            match self.0 {
                Inner::Sqlite(tx) => tx.commit().await,
                Inner::Postgres { tx, .. } => tx.commit().await,
            }
            .map_err(failed)
        })
    }

    /// The first row, as this transaction sees it.
    pub(crate) async fn one<T: Row>(&mut self, sql: Sql) -> Result<Option<T>> {
        self.fetch(Wanted::First, sql).await.and_then(|rows| rows.first()).map_err(failed)
    }

    /// Every row, as this transaction sees them.
    pub(crate) async fn all<T: Row>(&mut self, sql: Sql) -> Result<Vec<T>> {
        self.fetch(Wanted::All, sql).await.and_then(|rows| rows.read()).map_err(failed)
    }

    fn fetch(&mut self, wanted: Wanted, sql: Sql) -> BoxFuture<'_, sqlx::Result<Rows>> {
        Box::pin(async move {
            match &mut self.0 {
                Inner::Sqlite(tx) => fetch!(&mut **tx, wanted, sql).map(Rows::Sqlite),
                Inner::Postgres { tx, .. } => fetch!(&mut **tx, wanted, sql).map(Rows::Postgres),
            }
        })
    }

    /// Changes rows; gives their number. A taken name is [`Error::AlreadyExists`] without the name.
    pub(crate) fn run(&mut self, sql: Sql) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async move {
            match &mut self.0 {
                Inner::Sqlite(tx) => execute!(&mut **tx, sql),
                Inner::Postgres { tx, .. } => execute!(&mut **tx, sql),
            }
            .map_err(failed)
        })
    }

    /// The same for a row whose name may be taken; `kind` and `name` go into the error.
    pub(crate) async fn run_named(&mut self, sql: Sql, kind: &str, name: &str) -> Result<u64> {
        self.run(sql).await.map_err(|error| match error {
            Error::AlreadyExists { .. } => {
                Error::AlreadyExists { kind: kind.to_owned(), name: name.to_owned() }
            }
            other => other,
        })
    }
}

async fn begin_postgres(pool: &PgPool, turn: &Arc<Semaphore>) -> Result<Tx> {
    // The turn in this process comes first: writers that wait for other replicas must not hold all the connections
    // that readers need.
    let waited = tokio::time::timeout(PATIENCE, Arc::clone(turn).acquire_owned()).await;
    let busy = || Error::Unavailable("database: other writers took too long".to_owned());
    let turn = waited.map_err(|_| busy())?.map_err(Error::internal)?;
    let mut tx = pool.begin().await.map_err(failed)?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITERS_LOCK);
    lock.execute(&mut *tx).await.map_err(failed)?;
    Ok(Tx(Inner::Postgres { tx, _turn: turn }))
}

async fn open_sqlite(path: &Path, max_connections: u32) -> Result<Db> {
    foreign::refuse_file(path).await?;
    make_file(path)
        .map_err(|error| Error::Unavailable(format!("cannot make {}: {error}", path.display())))?;
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(PATIENCE);
    let writer = options.clone().journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let pool =
        || SqlitePoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false).max_lifetime(None);
    // The writer first: it makes the write-ahead log that the readers share.
    let write = pool().max_connections(1).min_connections(1).idle_timeout(None).connect_with(writer).await;
    let write = write.map_err(|error| cannot_open(path, error))?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let most = u32::try_from(cores.clamp(2, SQLITE_READERS)).unwrap_or(1);
    let readers = pool().max_connections(max_connections.clamp(1, most));
    let read =
        readers.connect_with(options.read_only(true)).await.map_err(|error| cannot_open(path, error))?;
    Ok(Db(Pools::Sqlite { read, write }))
}

fn cannot_open(path: &Path, error: sqlx::Error) -> Error {
    Error::Unavailable(format!("cannot open the database {}: {}", path.display(), failed(error)))
}

/// Makes the file readable for its owner only, before SQLite would make it for everybody; the log and the shared
/// memory file take its mode over.
fn make_file(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// Waits for the server to answer, which may be starting too, and says which one it is where it does not. The pool
/// would only know that time ran out.
async fn reach(options: &PgConnectOptions) -> Result<()> {
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let unreachable = |cause: &str| {
        Error::Unavailable(format!("PostgreSQL at {place} (DATABASE_URL) cannot be used: {cause}"))
    };
    let deadline = tokio::time::Instant::now() + STARTING;
    let mut cause = format!("no answer within {} seconds", STARTING.as_secs());
    loop {
        match tokio::time::timeout_at(deadline, PgConnection::connect_with(options)).await {
            Ok(Ok(connection)) => return connection.close().await.map_err(failed),
            Ok(Err(error @ sqlx::Error::Io(_))) => cause = error.to_string(),
            Ok(Err(error)) => return Err(unreachable(&error.to_string())),
            Err(_) => return Err(unreachable(&cause)),
        }
        if tokio::time::timeout_at(deadline, tokio::time::sleep(RETRY)).await.is_err() {
            return Err(unreachable(&cause));
        }
    }
}

async fn open_postgres(url: &str, max_connections: u32) -> Result<Db> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| Error::invalid("DATABASE_URL", format!("is no PostgreSQL URL: {error}")))?;
    // The operator's name for it, where the URL has one.
    let name = options.get_application_name().unwrap_or("contextforge").to_owned();
    let options = options
        .application_name(&name)
        .options([("statement_timeout", STATEMENT_TIMEOUT), ("idle_in_transaction_session_timeout", "60s")]);
    reach(&options).await?;
    // Two at least: a reader must not wait for a writer.
    let pool = PgPoolOptions::new().acquire_timeout(REACHING).max_connections(max_connections.max(2));
    let pool = pool.connect_with(options).await.map_err(failed)?;
    let db = Db(Pools::Postgres { pool, turn: Arc::new(Semaphore::new(1)) });
    foreign::refuse_tables(&db).await?;
    Ok(db)
}
