//! The database: SQLite in a file or PostgreSQL, behind one set of SQL texts.
//!
//! Functions take [`&Db`](Db) to read and [`&mut Tx`](Tx) to write; there is one module per group of tables and no
//! business rule in any of them: who may do what, and which change needs an audit record, is decided above.
//! Lists of owned rows take the [`Scope`](domain::Scope) of the credential; what takes none is for the catalogue and
//! for background jobs. sqlx and redis are named in this crate and in no other.

#[macro_use]
mod row;

pub mod api_tokens;
pub mod audit;
pub mod bus;
pub mod claims;
mod columns;
pub mod db;
pub mod endings;
mod entity;
pub mod estate;
mod failure;
mod foreign;
pub mod gateways;
pub mod invitations;
pub mod join_requests;
mod migrations;
pub mod names;
pub mod passwords;
pub mod people_events;
pub mod pins;
pub mod prompts;
pub mod query;
pub mod resources;
pub mod roles;
pub mod sequences;
pub mod servers;
pub mod sessions;
mod sql;
pub mod teams;
pub mod token_usage;
pub mod tokens;
pub mod tools;
pub mod url;
pub mod users;

#[cfg(test)]
mod tests;

// A future in a box is compiled here, once, and not again in every crate that awaits it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use bus::Bus;
pub use db::{DatabaseConfig, Db, Tx};
pub use query::{Cursor, Query};
pub use url::normalise_url;
