//! `/reverse-proxy/sessions`: programs that serve tools over a connection which they opened. Everybody sees their
//! own, administrators see all. Ids come from the gateway; headers in which clients name one are not read.

mod ws;

use engine::reverse_proxy::{self, ReverseSession};
use http::Method;
use serde_json::{Value, json};

use super::{
    json::{Json, Path},
    problem::Failure,
};
use crate::{guard::SignedIn, routes::Api, settings::Settings};

pub(crate) fn routes(api: Api, settings: &Settings) -> Api {
    const ONE: &str = "/reverse-proxy/sessions/{session_id}";
    if !settings.features.reverse_proxy_enabled {
        return api;
    }
    api.route(Method::GET, "/reverse-proxy/sessions", list)
        .route(Method::GET, ONE, get)
        .route(Method::DELETE, ONE, end)
        .route(Method::GET, "/reverse-proxy/ws", ws::open)
}

async fn list(user: SignedIn) -> Json<Value> {
    let sessions = user.app.engine().reverse_sessions().list(&user.actor);
    let total = sessions.len();
    Json(json!({ "sessions": sessions.iter().map(shown).collect::<Vec<_>>(), "total": total }))
}

async fn get(user: SignedIn, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(shown(&user.app.engine().reverse_sessions().get(&user.actor, &id)?)))
}

async fn end(user: SignedIn, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    reverse_proxy::end(user.app.engine(), &user.actor, &user.caller, &id).await?;
    Ok(Json(json!({ "status": "disconnected", "session_id": id })))
}

fn shown(session: &ReverseSession) -> Value {
    let about = &session.about;
    json!({
        "session_id": session.id,
        "server_info": { "name": about.name, "description": about.description, "protocol": about.protocol },
        "gateway_id": session.gateway.as_ref().map(domain::id::GatewayId::as_str),
        "user": session.owner,
        "client_ip": session.client_ip,
        "connected_at": session.connected_at.to_string(),
        "last_activity": session.last_activity.to_string(),
    })
}
