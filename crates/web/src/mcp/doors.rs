//! The other doors to MCP, as ContextForge has them: `/rpc`, HTTP+SSE of revision 2024-11-05, WebSocket, and helpers.
//!
//! Behind each of them is what is behind `/mcp`: a message goes through the same checks, to the same methods, for the
//! same permit in the same place. Where the Python gateway answers in another way (a tool name as a method, an answer to
//! a notification, rows of the database in lists), `/mcp` is followed.

mod helpers;
mod rpc;
mod sse;
mod ws;

use http::Method;

pub(crate) use self::sse::{Lines, Open};
use crate::{routes::Api, settings::Settings};

/// Mounts the doors.
pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    let mut api = api;
    if settings.features.ws_relay_enabled {
        api =
            api.plain(Method::GET, "/ws", ws::everything).plain(Method::GET, "/servers/{id}/ws", ws::server);
    }
    for path in ["/rpc", "/rpc/"] {
        api = api.plain(Method::POST, path, rpc::post);
    }
    api.plain(Method::GET, "/sse", sse::open_everything)
        .plain(Method::POST, "/message", sse::post_everything)
        .plain(Method::GET, "/servers/{id}/sse", sse::open_server)
        .plain(Method::POST, "/servers/{id}/message", sse::post_server)
        .plain(Method::POST, "/initialize", helpers::initialize)
        .plain(Method::POST, "/ping", helpers::ping)
        .plain(Method::POST, "/notifications", helpers::notifications)
        .route(Method::POST, "/protocol/initialize", helpers::initialize)
        .route(Method::POST, "/protocol/ping", helpers::ping)
        .route(Method::POST, "/protocol/notifications", helpers::notifications)
        .route(Method::POST, "/protocol/completion/complete", helpers::complete)
        .route(Method::POST, "/protocol/sampling/createMessage", helpers::sample)
}
