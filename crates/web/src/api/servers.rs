//! `/servers`: virtual servers.

mod given;
mod read;

use axum::response::{IntoResponse, Response};
use domain::{
    permission::grant::{ServersCreate, ServersDelete, ServersRead, ServersUpdate},
    server::Server,
};
use engine::{Engine, Permit, ownership, servers};
use http::{Method, StatusCode};

use self::{
    given::{ServerUpdate, Wrapped},
    read::{Context, ServerRead},
};
use super::{
    given::{Inactive, Switch, inside},
    json::{Json, Path, Query},
    page::{Cursor, ListQuery},
    problem::Failure,
    prompts::{self, PromptRead},
    resources::{self, ResourceRead},
    tools::{self, ToolRead},
    wire,
};
use crate::{guard::Authorized, routes::Api};

type Answer = Result<Response, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    api.collection(Method::GET, "/servers", list)
        .collection(Method::POST, "/servers", create)
        .route(Method::GET, "/servers/{id}", get)
        .route(Method::PUT, "/servers/{id}", update)
        .route(Method::DELETE, "/servers/{id}", delete)
        .route(Method::POST, "/servers/{id}/state", state)
        .route(Method::POST, "/servers/{id}/toggle", state)
        .route(Method::GET, "/servers/{id}/tools", tools_of)
        .route(Method::GET, "/servers/{id}/prompts", prompts_of)
        .route(Method::GET, "/servers/{id}/resources", resources_of)
}

async fn context<P>(engine: &Engine, permit: &Permit<P>, rows: &[Server]) -> domain::Result<Context> {
    let teams = ownership::team_names(engine, permit, rows.iter().map(|row| &row.owned)).await?;
    Ok(Context { teams, items: servers::shown(engine, permit, rows).await? })
}

async fn list(guard: Authorized<ServersRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let query = wire::query(&list, engine.settings().federation.default_page_size)?;
    let mut rows = servers::list(engine, &guard, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let context = context(engine, &guard, &rows).await?;
    let shown: Vec<ServerRead<'_>> = rows.iter().map(|row| ServerRead::of(row, &context)).collect();
    Ok(wire::list(&list, "servers", &shown, next))
}

async fn get(guard: Authorized<ServersRead>, Path(id): Path<String>) -> Answer {
    let server = servers::get(guard.app.engine(), &guard, &id).await?;
    one(guard.app.engine(), &guard, &server).await
}

async fn one<P>(engine: &Engine, permit: &Permit<P>, server: &Server) -> Answer {
    let context = context(engine, permit, std::slice::from_ref(server)).await?;
    Ok(Json(ServerRead::of(server, &context)).into_response())
}

async fn create(guard: Authorized<ServersCreate>, Json(given): Json<Wrapped>) -> Answer {
    let engine = guard.app.engine();
    let new = given.into_new().map_err(|error| inside("server", error))?;
    let server =
        servers::create(engine, &guard, &guard.caller, new).await.map_err(|error| inside("server", error))?;
    Ok((StatusCode::CREATED, one(engine, &guard, &server).await?).into_response())
}

async fn update(
    guard: Authorized<ServersUpdate>,
    Path(id): Path<String>,
    Json(given): Json<ServerUpdate>,
) -> Answer {
    let engine = guard.app.engine();
    let server = servers::update(engine, &guard, &guard.caller, &id, given.into_change()?).await?;
    one(engine, &guard, &server).await
}

/// Unlike other kinds, servers answer bare and in `camelCase`.
async fn state(
    guard: Authorized<ServersUpdate>,
    Path(id): Path<String>,
    Query(switch): Query<Switch>,
) -> Answer {
    let engine = guard.app.engine();
    let server = servers::set_enabled(engine, &guard, &guard.caller, &id, switch.activate).await?;
    one(engine, &guard, &server).await
}

async fn delete(guard: Authorized<ServersDelete>, Path(id): Path<String>) -> Answer {
    servers::delete(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(wire::success(&format!("Server {id} deleted successfully")))
}

async fn tools_of(
    guard: Authorized<ServersRead>,
    Path(id): Path<String>,
    Query(inactive): Query<Inactive>,
) -> Answer {
    let engine = guard.app.engine();
    let rows = servers::tools(engine, &guard, &id, inactive.include_inactive).await?;
    let context = tools::context(engine, &guard, &rows).await?;
    Ok(Json(rows.iter().map(|row| ToolRead::of(row, &context)).collect::<Vec<_>>()).into_response())
}

async fn prompts_of(
    guard: Authorized<ServersRead>,
    Path(id): Path<String>,
    Query(inactive): Query<Inactive>,
) -> Answer {
    let engine = guard.app.engine();
    let rows = servers::prompts(engine, &guard, &id, inactive.include_inactive).await?;
    let context = prompts::context(engine, &guard, &rows).await?;
    Ok(Json(rows.iter().map(|row| PromptRead::of(row, &context)).collect::<Vec<_>>()).into_response())
}

async fn resources_of(
    guard: Authorized<ServersRead>,
    Path(id): Path<String>,
    Query(inactive): Query<Inactive>,
) -> Answer {
    let engine = guard.app.engine();
    let rows = servers::resources(engine, &guard, &id, inactive.include_inactive).await?;
    let context = resources::context(engine, &guard, &rows).await?;
    Ok(Json(rows.iter().map(|row| ResourceRead::of(row, &context)).collect::<Vec<_>>()).into_response())
}
