//! `/resources`: what upstreams offer to read, and what is registered here. `GET /resources/{id}` reads it, `/info` describes it.

mod given;
mod read;

use axum::response::{IntoResponse, Response};
use domain::{
    Error,
    item::Resource,
    permission::grant::{ResourcesCreate, ResourcesDelete, ResourcesRead, ResourcesUpdate},
};
use engine::{Engine, Permit, gateways, invoke, ownership, resources};
use http::{HeaderMap, Method, StatusCode};
use protocol::json::RawObject;
use serde_json::value::RawValue;

pub(crate) use self::read::ResourceRead;
use self::{
    given::{ResourceUpdate, Wrapped},
    read::{Content, ListReply, TemplateRead},
};
use super::{
    given::{Switch, inside},
    json::{Json, Path, Query},
    page::{Cursor, ListQuery},
    problem::{self, Failure},
    rendered,
    tools::Context,
    wire,
};
use crate::{guard::Authorized, routes::Api};

type Answer = Result<Response, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    api.collection(Method::GET, "/resources", list)
        .collection(Method::POST, "/resources", create)
        .route(Method::GET, "/resources/templates/list", templates)
        .route(Method::GET, "/resources/{id}", content)
        .route(Method::GET, "/resources/{id}/info", info)
        .route(Method::GET, "/resources/{id}/download", download)
        .route(Method::PUT, "/resources/{id}", update)
        .route(Method::DELETE, "/resources/{id}", delete)
        .route(Method::POST, "/resources/{id}/state", state)
        .route(Method::POST, "/resources/{id}/toggle", state)
}

/// What the replies about these resources need besides them.
pub(crate) async fn context<P>(
    engine: &Engine,
    permit: &Permit<P>,
    rows: &[Resource],
) -> domain::Result<Context> {
    let teams = ownership::team_names(engine, permit, rows.iter().map(|row| &row.owned)).await?;
    Ok(Context { teams, sources: gateways::sources(engine, permit).await? })
}

async fn list(guard: Authorized<ResourcesRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let query = wire::query(&list, engine.settings().federation.default_page_size)?;
    let mut rows = resources::list(engine, &guard, false, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let context = context(engine, &guard, &rows).await?;
    let shown: Vec<ResourceRead<'_>> = rows.iter().map(|row| ResourceRead::of(row, &context)).collect();
    Ok(wire::list(&list, "resources", &shown, next))
}

async fn templates(guard: Authorized<ResourcesRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let all = ListQuery { limit: list.limit.or(Some(0)), ..list };
    let query = wire::query(&all, engine.settings().federation.default_page_size)?;
    let mut rows = resources::list(engine, &guard, true, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let resource_templates = rows.iter().map(TemplateRead::of).collect();
    Ok(Json(ListReply::of(resource_templates, next.map(|cursor| cursor.write()))).into_response())
}

async fn info(guard: Authorized<ResourcesRead>, Path(id): Path<String>) -> Result<Response, Unread> {
    let engine = guard.app.engine();
    let resource = resources::get(engine, &guard, &id).await?;
    let context = context(engine, &guard, std::slice::from_ref(&resource)).await?;
    Ok(Json(ResourceRead::of(&resource, &context)).into_response())
}

async fn one<P>(engine: &Engine, permit: &Permit<P>, resource: &Resource) -> Answer {
    let context = context(engine, permit, std::slice::from_ref(resource)).await?;
    Ok(Json(ResourceRead::of(resource, &context)).into_response())
}

/// Reads the resource from its upstream.
async fn content(
    guard: Authorized<ResourcesRead>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Unread> {
    let engine = guard.app.engine();
    let resource = resources::get(engine, &guard, &id).await?;
    let first = read(&guard, &headers, &resource).await?;
    let content =
        RawObject::parse(&*first).map_err(|_| Error::upstream("the upstream's content is no object"))?;
    Ok(Json(Content::of(&resource, &content)).into_response())
}

/// The first content of the resource, as it is read over MCP.
async fn read(
    guard: &Authorized<ResourcesRead>,
    headers: &HeaderMap,
    resource: &Resource,
) -> Result<Box<RawValue>, Error> {
    let engine = guard.app.engine();
    let mut params = RawObject::new();
    params.set_text("uri", &resource.uri);
    let place = rendered::everywhere(engine, guard)?;
    let request = rendered::request(params, headers, &guard.caller);
    let running = invoke::resource(engine, guard, &place, &resource.uri, request).await?;
    let result = match rendered::end(running).await? {
        Ok(result) => result,
        Err(error) => return Err(Error::upstream(error.message)),
    };
    first_content(&result).ok_or_else(|| Error::upstream("the upstream sent no content"))
}

fn first_content(result: &RawValue) -> Option<Box<RawValue>> {
    let result = RawObject::parse(result).ok()?;
    let contents: Vec<Box<RawValue>> = serde_json::from_str(result.get("contents")?.get()).ok()?;
    contents.into_iter().next()
}

/// Why a resource was not read. One that is not there is told in ContextForge's words.
struct Unread(Error);

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        match self.0 {
            Error::NotFound { kind: "Resource", name } => problem::detail(
                StatusCode::NOT_FOUND,
                &format!("Resource not found for the resource id: {name}"),
            ),
            error => Failure(error).into_response(),
        }
    }
}

/// The content as a file. Whatever it is, a browser saves it and runs nothing of it.
async fn download(
    guard: Authorized<ResourcesRead>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Unread> {
    let engine = guard.app.engine();
    let resource = resources::get(engine, &guard, &id).await?;
    let first = read(&guard, &headers, &resource).await?;
    let content =
        RawObject::parse(&*first).map_err(|_| Error::upstream("the upstream's content is no object"))?;
    let bytes = raw_bytes(&content).ok_or_else(|| Error::upstream("the upstream's content is no text"))?;
    Ok(rendered::attachment(&resource.id, bytes))
}

fn raw_bytes(content: &RawObject<'_>) -> Option<Vec<u8>> {
    use base64::Engine as _;
    match (content.text("text"), content.text("blob")) {
        (Some(text), _) => Some(text.into_owned().into_bytes()),
        (None, Some(blob)) => base64::engine::general_purpose::STANDARD.decode(blob.as_bytes()).ok(),
        (None, None) => None,
    }
}

async fn create(guard: Authorized<ResourcesCreate>, Json(given): Json<Wrapped>) -> Answer {
    let engine = guard.app.engine();
    let new = given.into_new().map_err(|error| inside("resource", error))?;
    let resource = resources::create(engine, &guard, &guard.caller, new)
        .await
        .map_err(|error| inside("resource", error))?;
    one(engine, &guard, &resource).await
}

async fn update(
    guard: Authorized<ResourcesUpdate>,
    Path(id): Path<String>,
    Json(given): Json<ResourceUpdate>,
) -> Answer {
    let engine = guard.app.engine();
    let resource = resources::update(engine, &guard, &guard.caller, &id, given.into_change()).await?;
    one(engine, &guard, &resource).await
}

async fn state(
    guard: Authorized<ResourcesUpdate>,
    Path(id): Path<String>,
    Query(switch): Query<Switch>,
) -> Answer {
    let engine = guard.app.engine();
    let resource = resources::set_enabled(engine, &guard, &guard.caller, &id, switch.activate).await?;
    let context = context(engine, &guard, std::slice::from_ref(&resource)).await?;
    let shown = ResourceRead::of(&resource, &context);
    Ok(wire::switched("Resource", &id, switch.activate, "resource", &shown)?)
}

async fn delete(guard: Authorized<ResourcesDelete>, Path(id): Path<String>) -> Answer {
    resources::delete(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(wire::success(&format!("Resource {id} deleted")))
}
