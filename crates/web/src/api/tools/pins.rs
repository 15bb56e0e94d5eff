//! `/tools/pins` and `/tools/{id}/pin`: definitions that upstreams changed or that are held back.

use domain::{
    Error,
    permission::grant::ToolsUpdate,
    pin::{Definition, Pin, PinState},
};
use engine::tools::pins::{self, Change, Pinned, Verb, View};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{
        json::{Json, Path, Query},
        page::Slice,
        problem::Failure,
    },
    guard::Authorized,
    routes::Api,
};

type Operator = Authorized<ToolsUpdate>;
type Answer = Result<Json<Value>, Failure>;

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/tools/pins", list)
        .route(Method::GET, "/tools/{id}/pin", get)
        .route(Method::POST, "/tools/{id}/pin/approve", approve)
        .route(Method::POST, "/tools/{id}/pin/reject", reject)
}

#[derive(Deserialize)]
struct PinQuery {
    /// States with commas between; what waits for a decision where absent.
    state: Option<String>,
    #[serde(flatten)]
    slice: Slice,
}

async fn list(operator: Operator, Query(query): Query<PinQuery>) -> Answer {
    let states: Vec<PinState> = match &query.state {
        None => pins::WAITING.to_vec(),
        Some(text) => text
            .split(',')
            .map(|word| word.trim().parse())
            .collect::<Result<_, String>>()
            .map_err(|message| Error::invalid("query:state", message))?,
    };
    let rows = pins::list(operator.app.engine(), &operator, &states, query.slice.rows()).await?;
    Ok(Json(rows.iter().map(listed).collect()))
}

async fn get(operator: Operator, Path(id): Path<String>) -> Answer {
    Ok(Json(shown(&pins::get(operator.app.engine(), &operator, &id).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    /// The fingerprint of the definition that was looked at.
    fingerprint: String,
}

async fn approve(operator: Operator, Path(id): Path<String>, Json(given): Json<Decision>) -> Answer {
    let engine = operator.app.engine();
    let about = (&*id, &*given.fingerprint);
    let view = pins::decide(engine, &operator, &operator.caller, Verb::Approve, about).await?;
    Ok(Json(shown(&view)))
}

async fn reject(operator: Operator, Path(id): Path<String>, Json(given): Json<Decision>) -> Answer {
    let engine = operator.app.engine();
    let about = (&*id, &*given.fingerprint);
    let view = pins::decide(engine, &operator, &operator.caller, Verb::Reject, about).await?;
    Ok(Json(shown(&view)))
}

fn listed(row: &Pinned) -> Value {
    summary(row.tool_id.as_str(), &row.name, &row.pin)
}

/// A pin without its definitions.
pub(super) fn summary(id: &str, name: &str, pin: &Pin) -> Value {
    json!({
        "tool_id": id,
        "name": name,
        "original_name": pin.original_name,
        "gateway_id": pin.gateway_id.as_str(),
        "state": pin.state.as_str(),
        "held": pin.holds(),
        "class": pin.class,
        "approved_fingerprint": pin.approved.as_ref().map(|known| &known.fingerprint),
        "offered_fingerprint": pin.offered.as_ref().map(|known| &known.fingerprint),
        "findings": pin.findings,
        "seen_at": pin.seen_at.to_string(),
        "decided_at": pin.decided_at.map(|at| at.to_string()),
        "decided_by": pin.decided_by,
    })
}

/// With both definitions as the upstream sent them, and every change between them.
fn shown(view: &View) -> Value {
    let mut summary = summary(view.tool.id.as_str(), &view.tool.name, &view.pin);
    if let Some(members) = summary.as_object_mut() {
        members.insert("approved".to_owned(), definition(view.pin.approved.as_ref()));
        members.insert("offered".to_owned(), definition(view.pin.offered.as_ref()));
        members.insert("changes".to_owned(), view.changes.iter().map(change).collect());
    }
    summary
}

/// As a value where it is one; a number that no float holds makes it a text, of which nothing is lost.
fn definition(known: Option<&Definition>) -> Value {
    known.map_or(Value::Null, |known| {
        serde_json::from_str(&known.text).unwrap_or_else(|_| Value::String(known.text.clone()))
    })
}

fn change(change: &Change) -> Value {
    json!({ "field": change.field, "class": change.class.as_str(), "what": change.what })
}
