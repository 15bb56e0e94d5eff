//! What is wrong or risky about the settings of tokens: keys, issuer, audience and environment.
//!
//! The contract promises a warning for a default issuer or audience outside development, production included, so
//! that is what happens; `ALLOW_DEFAULT_JWT_IDENTITY=false` makes it a mistake for whoever wants to be sure.

use domain::Env;
use engine::{
    authn::keys,
    settings::{AuthSettings, Environment, TokenEnvironment},
};

/// The most that clocks of issuers may be wrong.
const MOST_LEEWAY_SECONDS: u32 = 30;

/// Notes every problem in `env`, and advice in `remarks`.
pub(super) fn check(auth: &AuthSettings, environment: Environment, env: &mut Env, remarks: &mut Vec<String>) {
    let loaded = keys::load(auth, environment);
    remarks.extend(loaded.remarks);
    env.problems.extend(loaded.ring.err().unwrap_or_default());
    if auth.jwt_leeway_seconds > MOST_LEEWAY_SECONDS {
        env.problem("JWT_LEEWAY_SECONDS", format!("must be at most {MOST_LEEWAY_SECONDS}"));
    }
    if auth.require_token_environment != TokenEnvironment::Off && !auth.embed_environment {
        env.problem(
            "REQUIRE_TOKEN_ENVIRONMENT",
            "would refuse the gateway's own tokens while EMBED_ENVIRONMENT_IN_TOKENS is false",
        );
    }
    if !auth.required {
        remarks
            .push("AUTH_REQUIRED=false: anonymous callers see and use everything that is public".to_owned());
    }
    if auth.required && auth.mcp_required == Some(false) {
        let what = "MCP_REQUIRE_AUTH=false: anonymous MCP clients see and call everything that is public";
        remarks.push(what.to_owned());
    }
    if auth.last_used_minutes > 24 * 60 {
        env.problem("TOKEN_LAST_USED_UPDATE_INTERVAL_MINUTES", "must be at most 1440");
    }
    if environment != Environment::Development {
        identity(auth, env, remarks);
    }
}

fn identity(auth: &AuthSettings, env: &mut Env, remarks: &mut Vec<String>) {
    for (name, value, default) in [
        ("JWT_ISSUER", &auth.jwt_issuer, "mcpgateway"),
        ("JWT_AUDIENCE", &auth.jwt_audience, "mcpgateway-api"),
    ] {
        if value != default {
            continue;
        }
        let message = format!(
            "is the default {default:?}: give every environment its own, or tokens of one may count in another"
        );
        if auth.allow_default_jwt_identity {
            remarks.push(format!("{name} {message}"));
        } else {
            env.problem(name, message);
        }
    }
}
