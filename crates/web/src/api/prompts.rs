//! `/prompts`: what upstreams offer as prompts, and what is registered here. `GET` and `POST /prompts/{id-or-name}` both render.

mod given;
mod read;

use axum::response::{IntoResponse, Response};
use domain::{
    Error,
    item::Prompt,
    permission::grant::{PromptsCreate, PromptsDelete, PromptsRead, PromptsUpdate},
};
use engine::{Engine, Permit, gateways, invoke, ownership, prompts};
use http::{HeaderMap, Method, StatusCode};
use protocol::json::RawObject;
use serde_json::{Map, Value, json};

pub(crate) use self::read::PromptRead;
use self::{
    given::{PromptUpdate, Wrapped},
    read::Rendered,
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
    api.collection(Method::GET, "/prompts", list)
        .collection(Method::POST, "/prompts", create)
        .route(Method::GET, "/prompts/{id}", render_plain)
        .route(Method::POST, "/prompts/{id}", render)
        .route(Method::PUT, "/prompts/{id}", update)
        .route(Method::DELETE, "/prompts/{id}", delete)
        .route(Method::POST, "/prompts/{id}/state", state)
        .route(Method::POST, "/prompts/{id}/toggle", state)
}

/// What the replies about these prompts need besides them.
pub(crate) async fn context<P>(
    engine: &Engine,
    permit: &Permit<P>,
    rows: &[Prompt],
) -> domain::Result<Context> {
    let teams = ownership::team_names(engine, permit, rows.iter().map(|row| &row.owned)).await?;
    Ok(Context { teams, sources: gateways::sources(engine, permit).await? })
}

async fn list(guard: Authorized<PromptsRead>, Query(list): Query<ListQuery>) -> Answer {
    let engine = guard.app.engine();
    let query = wire::query(&list, engine.settings().federation.default_page_size)?;
    let mut rows = prompts::list(engine, &guard, &query).await?;
    let next = wire::cut(&mut rows, &query, |row| Cursor {
        created_at: row.record.created_at,
        id: row.id.to_string(),
    });
    let context = context(engine, &guard, &rows).await?;
    let shown: Vec<PromptRead<'_>> = rows.iter().map(|row| PromptRead::of(row, &context)).collect();
    Ok(wire::list(&list, "prompts", &shown, next))
}

async fn render_plain(guard: Authorized<PromptsRead>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    rendering(&guard, &headers, &id, Map::new()).await
}

async fn render(
    guard: Authorized<PromptsRead>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(arguments): Json<Map<String, Value>>,
) -> Answer {
    rendering(&guard, &headers, &id, arguments).await
}

/// Renders a prompt by its id, or by its public name.
async fn rendering(
    guard: &Authorized<PromptsRead>,
    headers: &HeaderMap,
    id: &str,
    arguments: Map<String, Value>,
) -> Answer {
    let engine = guard.app.engine();
    let name = match prompts::get(engine, guard, id).await {
        // Without arguments ContextForge's clients are shown the template of what is registered here.
        Ok(prompt) if arguments.is_empty() && prompt.template.is_some() => return Ok(template(&prompt)),
        Ok(prompt) => prompt.name,
        Err(Error::NotFound { .. }) => id.to_owned(),
        Err(error) => return Err(error.into()),
    };
    let mut params = RawObject::new();
    params.set_text("name", &name);
    params.set("arguments", serde_json::value::to_raw_value(&arguments).map_err(Error::internal)?);
    let request = rendered::request(params, headers, &guard.caller);
    let place = rendered::everywhere(engine, guard)?;
    let running = invoke::prompt(engine, guard, &place, &name, request).await?;
    match rendered::end(running).await? {
        Ok(result) => {
            let result = RawObject::parse(&*result)
                .map_err(|_| Error::upstream("the upstream's prompt is no object"))?;
            Ok(Json(Rendered::of(&result)).into_response())
        }
        Err(error) => {
            let text = format!("Failed to process prompt: {}", error.message);
            Ok(problem::body(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "message": text })))
        }
    }
}

fn template(prompt: &Prompt) -> Response {
    let text = prompt.template.as_deref().unwrap_or_default();
    let content = json!({ "type": "text", "text": text, "annotations": null, "_meta": null });
    let messages = json!([{ "role": "user", "content": content }]);
    problem::body(StatusCode::OK, &json!({ "messages": messages, "description": prompt.description }))
}

async fn create(guard: Authorized<PromptsCreate>, Json(given): Json<Wrapped>) -> Answer {
    let engine = guard.app.engine();
    let new = given.into_new().map_err(|error| inside("prompt", error))?;
    let prompt =
        prompts::create(engine, &guard, &guard.caller, new).await.map_err(|error| inside("prompt", error))?;
    one(engine, &guard, &prompt).await
}

async fn update(
    guard: Authorized<PromptsUpdate>,
    Path(id): Path<String>,
    Json(given): Json<PromptUpdate>,
) -> Answer {
    let engine = guard.app.engine();
    let prompt = prompts::update(engine, &guard, &guard.caller, &id, given.into_change()).await?;
    one(engine, &guard, &prompt).await
}

async fn one<P>(engine: &Engine, permit: &Permit<P>, prompt: &Prompt) -> Answer {
    let context = context(engine, permit, std::slice::from_ref(prompt)).await?;
    Ok(Json(PromptRead::of(prompt, &context)).into_response())
}

async fn state(
    guard: Authorized<PromptsUpdate>,
    Path(id): Path<String>,
    Query(switch): Query<Switch>,
) -> Answer {
    let engine = guard.app.engine();
    let prompt = prompts::set_enabled(engine, &guard, &guard.caller, &id, switch.activate).await?;
    let context = context(engine, &guard, std::slice::from_ref(&prompt)).await?;
    Ok(wire::switched("Prompt", &id, switch.activate, "prompt", &PromptRead::of(&prompt, &context))?)
}

async fn delete(guard: Authorized<PromptsDelete>, Path(id): Path<String>) -> Answer {
    prompts::delete(guard.app.engine(), &guard, &guard.caller, &id).await?;
    Ok(wire::success(&format!("Prompt {id} deleted")))
}
