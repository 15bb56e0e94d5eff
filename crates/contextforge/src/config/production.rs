//! What production may not run with (contract, "Production Security Checklist"), and what it should not.

use domain::Env;
use upstream::egress::EgressSettings;

/// Notes in `env` what keeps a production deployment from starting.
pub(super) fn check(env: &mut Env, web: Option<&web::settings::Settings>) {
    // Read by itself: its section cannot be read while a secret is missing.
    if env.read("AUTH_REQUIRED", Some("true")) == Some(false) {
        env.problem("AUTH_REQUIRED", "must be true in production: anonymous callers would be let in");
    }
    if env.read("MCP_REQUIRE_AUTH", None) == Some(Some(false)) {
        env.problem("MCP_REQUIRE_AUTH", "must not be false in production: anonymous callers would be let in");
    }
    let Some(features) = web.map(|web| &web.features) else { return };
    if features.ui_enabled {
        env.problem("MCPGATEWAY_UI_ENABLED", "must be false in production: the pages are for development");
    }
    if features.admin_api_enabled {
        env.problem("MCPGATEWAY_ADMIN_API_ENABLED", "must be false in production");
    }
}

/// Advice, wherever the gateway runs.
pub(super) fn remarks(egress: Option<&EgressSettings>, remarks: &mut Vec<String>) {
    if egress.is_some_and(|egress| !egress.enabled) {
        remarks.push(
            "SSRF_PROTECTION_ENABLED=false: the gateway calls any address that somebody registers, metadata \
             services and its own host included"
                .to_owned(),
        );
    }
}
