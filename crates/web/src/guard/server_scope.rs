//! Where a token that is limited to one virtual server may be used: at that server's own path, at the MCP endpoint for
//! everything, which is narrowed to that server (`engine::resolve::place`), and for the documentation (contract,
//! section 3); the other doors to the same messages (`/rpc`, `/sse`, `/message`, `/ws`) are narrowed alike. Everything else is forbidden by not being listed, new routes included. What is public (`/health`,
//! `/ready`) asks for no token.

use domain::id::ServerId;
use engine::policy::Door;

/// Documents that describe the API; they still want a credential.
const DOCUMENTS: [&str; 3] = ["/docs", "/redoc", "/openapi.json"];

/// Doors whose every message goes through `engine::resolve::place`.
const NARROWED: [&str; 7] = ["/mcp", "/mcp/", "/rpc", "/rpc/", "/sse", "/message", "/ws"];

/// The virtual server under whose path a request comes in.
pub(crate) fn server_of(path: &str) -> Option<ServerId> {
    let rest = path.strip_prefix("/v1").unwrap_or(path).strip_prefix("/servers/")?;
    ServerId::parse(rest.split_once('/').map_or(rest, |(id, _)| id))
}

/// The door that a path is to a token which is `bound` to one server; `named` is the server in the path.
pub(crate) fn door<'a>(path: &str, bound: &'a ServerId, named: Option<&'a ServerId>) -> Door<'a> {
    match named {
        Some(server) => Door::Server(server),
        None if is_document(path) => Door::Open,
        None if NARROWED.contains(&path) => Door::Server(bound),
        None => Door::Elsewhere,
    }
}

pub(crate) fn is_document(path: &str) -> bool {
    DOCUMENTS.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_token_stays_on_its_server() {
        let (mine, other) = (ServerId::random(), ServerId::random());
        let within_server = |path: &str, bound: &ServerId| {
            let named = server_of(path);
            let door = door(path, bound, named.as_ref());
            door == Door::Open || door == Door::Server(bound)
        };
        assert!(within_server(&format!("/servers/{mine}/mcp"), &mine));
        assert!(within_server(&format!("/v1/servers/{mine}/tools"), &mine));
        assert!(within_server("/openapi.json", &mine) && within_server("/mcp", &mine));
        assert!(
            within_server("/rpc", &mine) && within_server("/sse", &mine) && within_server("/message", &mine)
        );
        assert!(within_server(&format!("/servers/{mine}/sse"), &mine));
        for path in [
            format!("/servers/{other}/mcp"),
            format!("/servers/{mine}x/mcp"),
            format!("/admin/servers/{mine}"),
            format!("/servers/{other}/../{mine}"),
            "/servers".into(),
            "/servers/".into(),
            "/tools".into(),
            "/mcpx".into(),
            "/initialize".into(),
            "/protocol/initialize".into(),
            format!("/servers/{other}/sse"),
            format!("/servers/{other}/message"),
            "/v1/mcp".into(),
            "/docs/x".into(),
            "/".into(),
        ] {
            assert!(!within_server(&path, &mine), "{path}");
        }
    }
}
