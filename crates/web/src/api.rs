//! The REST API: one file for each family of routes.
//!
//! A handler reads the request, calls one function of the engine and writes the answer in ContextForge's form.

pub mod body;
pub mod documents;
pub mod json;
pub mod page;
pub mod problem;

mod accounts;
mod admin_login;
mod audit;
mod content_security;
mod decisions;
mod explain;
mod gateways;
mod given;
pub mod invitation_page;
mod invitations;
mod join_requests;
mod people_events;
mod prompts;
mod rbac;
mod recovery;
mod rendered;
mod resources;
mod reverse_proxy;
mod roles;
mod servers;
mod session_life;
mod sessions;
mod status;
mod teams;
mod tokens;
mod tools;
pub(crate) mod well_known;
mod wire;

use crate::{routes::Api, settings::Settings};

/// Mounts every route that is switched on.
pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    let api = if settings.features.email_auth_enabled { people(api, settings) } else { api };
    let api = reverse_proxy::routes(api, settings);
    let api = decisions::routes(explain::routes(api));
    let api = servers::routes(gateways::routes(api));
    let api = resources::routes(prompts::routes(tools::routes(api)));
    let api = documents::routes(audit::routes(content_security::routes(api)));
    well_known::routes(status::routes(api, settings), settings)
}

/// What there is where the gateway keeps accounts.
fn people(api: Api, settings: &Settings) -> Api {
    let api = sessions::routes(accounts::routes(api));
    let api = people_events::routes(recovery::routes(session_life::routes(api)));
    let api = tokens::routes(rbac::routes(roles::routes(teams::routes(api))));
    let api = invitation_page::routes(invitations::routes(api));
    join_requests::routes(admin_login::routes(api, settings))
}
