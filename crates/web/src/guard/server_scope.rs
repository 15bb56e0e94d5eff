//! Where a token that is limited to one virtual server may be used: at that server's own path, at the MCP endpoint for
//! everything, which is narrowed to that server (`engine::resolve::place`), and for the documentation (contract,
//! section 3). Everything else is forbidden by not being listed, new routes included. What is public (`/health`,
//! `/ready`) asks for no token.

use domain::id::ServerId;

/// Documents that describe the API; they still want a credential.
const DOCUMENTS: [&str; 3] = ["/docs", "/redoc", "/openapi.json"];

/// Doors whose every message goes through `engine::resolve::place`.
const NARROWED: [&str; 2] = ["/mcp", "/mcp/"];

pub(crate) fn within_server(path: &str, server: &ServerId) -> bool {
    if is_document(path) || NARROWED.contains(&path) {
        return true;
    }
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let id = path.strip_prefix("/servers/").map(|rest| rest.split_once('/').map_or(rest, |(id, _)| id));
    id.and_then(ServerId::parse).is_some_and(|id| id == *server)
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
        assert!(within_server(&format!("/servers/{mine}/mcp"), &mine));
        assert!(within_server(&format!("/v1/servers/{mine}/tools"), &mine));
        assert!(within_server("/openapi.json", &mine) && within_server("/mcp", &mine));
        for path in [
            format!("/servers/{other}/mcp"),
            format!("/servers/{mine}x/mcp"),
            format!("/admin/servers/{mine}"),
            format!("/servers/{other}/../{mine}"),
            "/servers".into(),
            "/servers/".into(),
            "/tools".into(),
            "/mcpx".into(),
            "/v1/mcp".into(),
            "/docs/x".into(),
            "/".into(),
        ] {
            assert!(!within_server(&path, &mine), "{path}");
        }
    }
}
