//! The other doors to MCP: `/rpc`, HTTP+SSE and the helpers. What is behind them is what is behind `/mcp`.

mod chain;
mod helpers;
mod reverse;
mod rpc;
pub(crate) mod sse;
mod translate;
mod wrapper;
pub(crate) mod ws;
