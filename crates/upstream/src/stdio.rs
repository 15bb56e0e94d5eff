//! MCP servers that run as child processes: the operator's file, supervision and the JSON-RPC link.
//!
//! Nothing here takes a command from a caller of the gateway: a [`file::Launch`] comes out of the operator's file
//! alone, and is run without a shell.

pub mod file;
pub(crate) mod lines;
pub mod link;
pub mod local;
pub mod process;
