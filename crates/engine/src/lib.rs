//! The rules: who may, what happens, in which order.
//!
//! Every function that does something for somebody takes a [`policy::Permit`]. Nothing here knows HTTP, SQL or
//! sockets: `web` is in front, `store` and `upstream` are behind.

pub mod audit;
pub mod authn;
pub mod catalogue;
pub mod content_security;
pub mod crypt;
mod discovery;
pub mod engine;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod gateways;
pub mod invoke;
pub mod jobs;
pub mod journal;
pub mod listing;
pub mod ownership;
pub mod people;
pub mod permission_audit;
pub mod policy;
pub mod prompts;
pub mod push;
pub mod query;
pub mod replicas;
pub mod resolve;
pub mod resources;
pub mod reverse_proxy;
pub mod rounds;
pub mod servers;
pub mod settings;
pub mod stats;
pub mod tasks;
pub mod teams;
pub mod tokens;
pub mod tools;

// A future in a box is compiled here, once, and not again in every crate that awaits it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use engine::{Engine, Parts};
pub use policy::Permit;
