//! The Model Context Protocol on the wire, without sockets: bytes in, decisions and bytes out.
//!
//! Only envelopes are parsed. Payloads (`arguments`, results, schemas) stay the bytes the peer wrote, so unknown
//! members, key order and number texts such as `1e400` survive the gateway. Everything here runs in linear time,
//! without recursion over untrusted depth, and knows nothing about users, storage or transports.

pub mod abilities;
pub mod digest;
pub mod era;
pub mod headers;
pub mod json;
pub mod jsonrpc;
pub mod ladder;
pub mod meta;
pub mod name;
pub mod params;
pub mod result;
pub mod rounds;
pub mod seal;
pub mod sse;
pub mod tasks;
pub mod version;
