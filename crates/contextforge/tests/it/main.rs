//! The whole program from outside: the real binary on a fresh database, spoken to as clients speak to it.
//!
//! Every test starts a gateway of its own on a free port with SQLite in a temporary folder, or with a fresh
//! PostgreSQL schema where `TEST_DATABASE=postgres`. Nothing of ours is replaced by a stand-in.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says more where it does so at once"
)]

mod app;
mod auth;
mod content;
mod coverage;
mod doors;
mod edge;
mod federation;
mod generated;
mod hardening;
mod identity;
mod input;
mod jwt;
mod lifecycle;
mod mcp;
mod people;
mod pins;
mod push;
mod rbac;
mod registry;
mod relay;
mod replicas;
mod tasks;
mod teams;
mod token;
mod tokens;
mod tolerances;
mod visibility;
mod why;
