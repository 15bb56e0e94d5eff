//! The words of the program: ids, people, permissions, visibility, the registered things and the errors.
//!
//! Data only. Nothing here does IO, knows HTTP status codes, SQL or JSON-RPC, or reads the clock or the
//! environment: time comes in as a [`Clock`], settings as an [`Env`].

#[macro_use]
pub mod settings;
pub mod actor;
pub mod api_token;
pub mod audit;
pub mod clock;
pub mod decision;
pub mod error;
pub mod gateway;
pub mod id;
pub mod item;
pub mod name;
pub mod permission;
pub mod person;
pub mod pin;
pub mod record;
pub mod secret;
pub mod server;
pub mod violation;
pub mod visibility;

pub use actor::{Actor, Caller, Scope};
pub use clock::{Clock, Timestamp};
pub use decision::{Denial, Outcome, TraceStep};
pub use error::{Error, Problem, Result};
pub use permission::{Grant, Permission, PermissionSet};
pub use secret::Secret;
pub use settings::{Env, Setting};
pub use visibility::{Owned, Visibility};
