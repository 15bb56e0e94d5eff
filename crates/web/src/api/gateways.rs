//! `/gateways`: registered upstream MCP servers.
//!
//! The answers to what cannot be done are ContextForge's: `message` where other routes say `detail`, and 409 for
//! what the state of a gateway forbids.

mod given;
mod read;

use axum::response::{IntoResponse, Response};
use domain::{
    Error,
    gateway::Gateway,
    permission::grant::{GatewaysCreate, GatewaysDelete, GatewaysRead, GatewaysUpdate},
};
use engine::{
    Engine, Permit,
    gateways::{self, Offer},
    ownership,
};
use http::{Method, StatusCode};
use serde_json::json;

use self::{
    given::{GatewayCreate, GatewayUpdate},
    read::{GatewayRead, RefreshResponse},
};
use super::{
    given::Switch,
    json::{Json, Path, Query},
    page::{Cursor, ListQuery},
    problem::{self, MessageFailure},
    wire,
};
use crate::{guard::Authorized, routes::Api};

type Answer = Result<Response, Refusal>;

pub(crate) fn routes(api: Api) -> Api {
    api.collection(Method::GET, "/gateways", list)
        .collection(Method::POST, "/gateways", create)
        .route(Method::GET, "/gateways/{id}", get)
        .route(Method::PUT, "/gateways/{id}", update)
        .route(Method::DELETE, "/gateways/{id}", delete)
        .route(Method::POST, "/gateways/{id}/state", state)
        .route(Method::POST, "/gateways/{id}/toggle", state)
        .route(Method::POST, "/gateways/{id}/tools/refresh", refresh)
}

/// Why a request about a gateway was not carried out.
struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let conflict = |text: String| problem::body(StatusCode::CONFLICT, &json!({ "message": text }));
        match self.0 {
            Error::AlreadyExists { kind, .. } if kind.ends_with("Gateway") => {
                conflict("Gateway name already exists".to_owned())
            }
            // What the state of a gateway forbids: it is the operator's, switched off, or being refreshed.
            Error::Refused(text) => conflict(text),
            error => MessageFailure(error).into_response(),
        }
    }
}

async fn list(guard: Authorized<GatewaysRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let query = wire::query(&list, engine.settings().federation.default_page_size)?;
    let mut rows = gateways::list(engine, &guard, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let offers = gateways::offers(engine, &guard, &rows).await?;
    let teams = ownership::team_names(engine, &guard, rows.iter().map(|row| &row.owned)).await?;
    let offer = |row: &Gateway| offers.get(&row.id).copied().unwrap_or_default();
    let shown: Vec<GatewayRead<'_>> =
        rows.iter().map(|row| GatewayRead::of(row, offer(row), &teams)).collect();
    Ok(wire::list(&list, "gateways", &shown, next))
}

async fn get(guard: Authorized<GatewaysRead>, Path(id): Path<String>) -> Answer {
    let engine = guard.app.engine();
    let gateway = gateways::get(engine, &guard, &id).await?;
    let offers = gateways::offers(engine, &guard, std::slice::from_ref(&gateway)).await?;
    let offer = offers.get(&gateway.id).copied().unwrap_or_default();
    one(engine, &guard, &gateway, offer).await
}

async fn one<P>(engine: &Engine, permit: &Permit<P>, gateway: &Gateway, offer: Offer) -> Answer {
    let teams = ownership::team_names(engine, permit, [&gateway.owned]).await?;
    Ok(Json(GatewayRead::of(gateway, offer, &teams)).into_response())
}

async fn create(guard: Authorized<GatewaysCreate>, Json(given): Json<GatewayCreate>) -> Answer {
    let engine = guard.app.engine();
    let gateway = gateways::create(engine, &guard, &guard.caller, given.into_new()?).await?;
    let offer = gateways::offer_after(engine, &guard, &gateway).await?;
    one(engine, &guard, &gateway, offer).await
}

async fn update(
    guard: Authorized<GatewaysUpdate>,
    Path(id): Path<String>,
    Json(given): Json<GatewayUpdate>,
) -> Answer {
    let engine = guard.app.engine();
    let gateway = gateways::update(engine, &guard, &guard.caller, &id, given.into_change()?).await?;
    let offer = gateways::offer_after(engine, &guard, &gateway).await?;
    one(engine, &guard, &gateway, offer).await
}

async fn state(
    guard: Authorized<GatewaysUpdate>,
    Path(id): Path<String>,
    Query(switch): Query<Switch>,
) -> Answer {
    let engine = guard.app.engine();
    let gateway = gateways::set_enabled(engine, &guard, &guard.caller, &id, switch.activate).await?;
    let offer = gateways::offer_after(engine, &guard, &gateway).await?;
    let teams = ownership::team_names(engine, &guard, [&gateway.owned]).await?;
    let shown = GatewayRead::of(&gateway, offer, &teams);
    Ok(wire::switched("Gateway", &id, switch.activate, "gateway", &shown)?)
}

async fn delete(guard: Authorized<GatewaysDelete>, Path(id): Path<String>) -> Answer {
    gateways::delete(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(wire::success(&format!("Gateway {id} deleted")))
}

async fn refresh(guard: Authorized<GatewaysUpdate>, Path(id): Path<String>) -> Answer {
    let done = gateways::refresh(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(Json(RefreshResponse::of(&done)).into_response())
}
