//! `/tools`: what upstreams offer, as people see and change it.

mod pin_decisions;
mod pins;
mod read;

use axum::response::{IntoResponse, Response};
use domain::{
    Visibility,
    item::Tool,
    permission::grant::{ToolsDelete, ToolsRead, ToolsUpdate},
};
use engine::{
    Engine, Permit, gateways,
    ownership::{self, Wish},
    tools::{self, ChangeTool},
};
use http::Method;
use serde::Deserialize;

pub(crate) use self::read::{Context, ToolRead};
use super::{
    given::{Switch, Tags},
    json::{Json, Path, Query},
    page::{Cursor, ListQuery},
    problem::Failure,
    wire,
};
use crate::{guard::Authorized, routes::Api};

type Answer = Result<Response, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    let api = pin_decisions::routes(pins::routes(api));
    api.collection(Method::GET, "/tools", list)
        .route(Method::GET, "/tools/{id}", get)
        .route(Method::PUT, "/tools/{id}", update)
        .route(Method::DELETE, "/tools/{id}", delete)
        .route(Method::POST, "/tools/{id}/state", state)
        .route(Method::POST, "/tools/{id}/toggle", state)
}

/// What the replies about these tools need besides them.
pub(crate) async fn context<P>(
    engine: &Engine,
    permit: &Permit<P>,
    rows: &[Tool],
) -> domain::Result<Context> {
    let teams = ownership::team_names(engine, permit, rows.iter().map(|tool| &tool.owned)).await?;
    Ok(Context { teams, sources: gateways::sources(engine, permit).await? })
}

async fn list(guard: Authorized<ToolsRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let query = wire::query(&list, engine.settings().federation.default_page_size)?;
    let mut rows = tools::list(engine, &guard, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let context = context(engine, &guard, &rows).await?;
    let shown: Vec<ToolRead<'_>> = rows.iter().map(|tool| ToolRead::of(tool, &context)).collect();
    Ok(wire::list(&list, "tools", &shown, next))
}

async fn get(guard: Authorized<ToolsRead>, Path(id): Path<String>) -> Answer {
    let tool = tools::get(guard.app.engine(), &guard, &id).await?;
    one(guard.app.engine(), &guard, &tool).await
}

async fn one<P>(engine: &Engine, permit: &Permit<P>, tool: &Tool) -> Answer {
    let context = context(engine, permit, std::slice::from_ref(tool)).await?;
    Ok(Json(ToolRead::of(tool, &context)).into_response())
}

#[derive(Debug, Deserialize)]
struct ToolUpdate {
    /// ContextForge's older name of `custom_name`.
    name: Option<String>,
    #[serde(alias = "customName")]
    custom_name: Option<String>,
    #[serde(alias = "displayName")]
    display_name: Option<String>,
    description: Option<String>,
    tags: Option<Tags>,
    visibility: Option<Visibility>,
    #[serde(alias = "teamId")]
    team_id: Option<String>,
}

async fn update(
    guard: Authorized<ToolsUpdate>,
    Path(id): Path<String>,
    Json(given): Json<ToolUpdate>,
) -> Answer {
    let change = ChangeTool {
        custom_name: given.custom_name.or(given.name),
        display_name: given.display_name,
        description: given.description,
        tags: given.tags.map(|tags| tags.0),
        wish: Wish { visibility: given.visibility, team_id: given.team_id },
    };
    let tool = tools::update(guard.app.engine(), &guard, &guard.caller, &id, change).await?;
    one(guard.app.engine(), &guard, &tool).await
}

async fn state(
    guard: Authorized<ToolsUpdate>,
    Path(id): Path<String>,
    Query(switch): Query<Switch>,
) -> Answer {
    let engine = guard.app.engine();
    let tool = tools::set_enabled(engine, &guard, &guard.caller, &id, switch.activate).await?;
    let context = context(engine, &guard, std::slice::from_ref(&tool)).await?;
    Ok(wire::switched("Tool", &id, switch.activate, "tool", &ToolRead::of(&tool, &context))?)
}

async fn delete(guard: Authorized<ToolsDelete>, Path(id): Path<String>) -> Answer {
    tools::delete(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(wire::success(&format!("Tool {id} permanently deleted")))
}
