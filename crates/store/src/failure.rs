//! What went wrong in the database, in the words of the program.
//!
//! A database that cannot be reached, is busy or shuts down is [`Error::Unavailable`]: trying again helps. Everything
//! else that is not a taken name is a bug and [`Error::Internal`]. Texts of the drivers never hold the database URL.

use domain::Error;
use sqlx::error::DatabaseError;

/// Maps a failure; a taken name is not named yet.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls is given the error")]
pub(crate) fn failed(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // A connection that ends in the middle of a handshake is told as nonsense from the other side.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Error::Unavailable(format!("database: {error}")),
        sqlx::Error::Database(reply) if passes(reply.as_ref()) => {
            Error::Unavailable(format!("database: {error}"))
        }
        sqlx::Error::Database(reply) if reply.is_unique_violation() => {
            Error::AlreadyExists { kind: "Row".to_owned(), name: String::new() }
        }
        _ => Error::internal(format!("database: {error}")),
    }
}

/// Whether the database says something that may be different a moment later.
fn passes(reply: &dyn DatabaseError) -> bool {
    let Some(code) = reply.code() else { return false };
    if reply.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // The low byte is the primary code: busy, locked, read-only, IO error, full, cannot open.
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14));
    }
    // Connection lost, too many connections or out of disk, shutting down or starting, deadlock, statement timeout,
    // read-only after a failover, idle transaction ended.
    let classes = ["08", "53"].iter().any(|class| code.starts_with(class));
    classes
        || matches!(
            &*code,
            "57P01" | "57P02" | "57P03" | "40001" | "40P01" | "57014" | "55P03" | "25006" | "25P03"
        )
}
