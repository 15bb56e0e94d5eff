//! The MCP front door: `/mcp` for everything that is visible, `/servers/{id}/mcp` for one virtual server.
//!
//! [`endpoint`] turns bytes into a message and checks the wire, [`dispatch`] calls the engine, [`reply`] writes the
//! answer. Payloads pass through as the bytes they are. A legacy session is a sealed id ([`session`]), so that any
//! replica can serve any request.

mod answers;
mod dispatch;
mod doors;
mod elsewhere;
mod endpoint;
mod handshake;
pub(crate) mod parking;
pub(crate) mod push;
pub(crate) mod questions;
mod reply;
mod running;
pub(crate) mod session;
mod tasks;
mod tolerances;

use http::Method;

pub(crate) use self::endpoint::refuse;

use crate::{routes::Api, settings::Settings};

/// Mounts the MCP endpoints.
pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    let mut api = api;
    for path in ["/mcp", "/mcp/"] {
        api = api
            .plain(Method::POST, path, endpoint::post)
            .plain(Method::GET, path, push::get::everything)
            .plain(Method::DELETE, path, endpoint::delete);
    }
    for path in ["/servers/{id}/mcp", "/servers/{id}/mcp/"] {
        api = api
            .plain(Method::POST, path, endpoint::post_server)
            .plain(Method::GET, path, push::get::server)
            .plain(Method::DELETE, path, endpoint::delete_server);
    }
    doors::routes(api, settings)
}
