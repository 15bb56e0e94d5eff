//! The only way out of the process: MCP upstreams over HTTP, server-sent events and stdio.
//!
//! Nothing here knows users, storage or permissions: callers are authorised before, and say only on whose behalf
//! they call. Every outbound connection goes through [`egress`], but for mail to the operator's own server ([`mail`]).
//! Invariant: no error and no log line holds a credential.

pub mod ask;
pub mod attached;
mod breaker;
pub mod builtin;
pub mod call;
pub mod egress;
mod fault;
mod follow;
mod hear;
mod hop;
mod http;
mod link;
mod list;
pub mod mail;
pub mod pool;
mod probe;
pub mod stdio;

// A future in a box is compiled here, once, and not again in every crate that awaits it.
pub(crate) use async_recursion::async_recursion as boxed;

pub use call::{
    Answer, Call, CallContext, Change, Connected, Event, EventStream, ListKind, Notice, Outcome, RpcError,
    Target, Update,
};
pub use pool::{Pool, PoolConfig};
