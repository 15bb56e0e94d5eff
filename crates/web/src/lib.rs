//! HTTP: routes, guards, layers, and how requests and answers are written.
//!
//! No rules live here: a handler reads the request, calls one function of `engine` and writes the answer. Which
//! layers a request passes is listed in [`layers`], which routes exist in [`routes`], and who may call them in the
//! type of each handler's first argument ([`guard`]).

pub mod api;
pub mod app;
mod decision;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod guard;
pub mod layers;
mod mcp;
mod pages;
mod refused;
mod replicas;
pub mod routes;
pub mod serve;
pub mod settings;
mod socket;
pub mod workers;

// A future in a box is compiled here, once, and not again in every crate that awaits it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use app::App;
pub use routes::{route_table, router};
pub use serve::{Serving, serve};
pub use workers::Workers;
