//! Tasks at the front door: who may ask about them, and the ids under which clients know them.
//!
//! An id is sealed and says which upstream's task it is and which tool was called; it is bound to its principal and the
//! endpoint where the call came in. Anybody else's use of it, and any change of it, is "no such task", as is the id of a
//! task whose tool may not be called any more. Invariant: no client ever sees an upstream's own id.

use domain::{Error, Result};
use engine::{invoke::Running, tasks as engine_tasks};
use protocol::{
    era::Era,
    json::{self, RawObject},
    ladder::Refusal,
    tasks::{self, Form},
};
use serde_json::{json, value::RawValue};

use super::{
    dispatch::{Client, Incoming},
    endpoint::Request,
    running,
};
use crate::app::App;

const PURPOSE: &str = "task";

/// Bytes of the longest id: it stands in a header.
const LONGEST: usize = 4096;

/// What the answer to a request has to do with tasks.
pub(crate) enum Seat {
    /// The call of this tool may become a task in this form.
    Creates(String, Form),
    /// It is about the task that the client knows under this id.
    Names(String),
}

/// How the client of a request takes tasks.
pub(crate) fn form(incoming: &Incoming<'_>, declared: Option<&RawValue>) -> Option<Form> {
    if let Some(declared) = declared {
        return tasks::declared(declared).then_some(Form::Extension);
    }
    let asked = incoming.method.starts_with("tasks/")
        || incoming.params.object().get("task").is_some_and(json::is_object);
    (asked && incoming.era.version() == tasks::REVISION).then_some(Form::Revision)
}

/// Whether a request about a task can be served at all.
pub(crate) fn admit(
    request: &Request,
    (method, era): (&str, Era),
    declared: Option<&RawValue>,
) -> std::result::Result<(), Refusal> {
    let form = if era.is_modern() { Form::Extension } else { Form::Revision };
    let known = era.is_modern() || era.version() == tasks::REVISION;
    if !known || !form.has(method) || !engine_tasks::offered(&request.auth, &request.place, form) {
        return Err(Refusal::MethodNotFound(method.to_owned()));
    }
    match declared {
        Some(declared) if !tasks::declared(declared) => Err(Refusal::MissingCapability(tasks::missing())),
        _ => Ok(()),
    }
}

/// What the answer to this request has to do with tasks.
pub(crate) fn seat(incoming: &Incoming<'_>, client: &Client) -> Option<Seat> {
    let form = form(incoming, client.declared.as_deref())?;
    match incoming.method {
        "tools/call" => Some(Seat::Creates(incoming.params.text("name")?.into_owned(), form)),
        method if form.has(method) => Some(Seat::Names(incoming.params.text("taskId")?.into_owned())),
        _ => None,
    }
}

/// Asks about the task that a request names.
pub(crate) async fn ask(
    request: &Request,
    incoming: &Incoming<'_>,
    forwarded: engine::invoke::Request<'_>,
) -> Result<Running> {
    let app = &request.auth.app;
    let given = incoming.params.text("taskId").ok_or_else(|| Error::invalid("taskId", "is required"))?;
    let (tool, id) = open(app, &request.binding(), &given).ok_or_else(engine_tasks::unknown)?;
    let method = match incoming.method {
        "tasks/get" => "tasks/get",
        "tasks/update" => "tasks/update",
        "tasks/cancel" => "tasks/cancel",
        _ => "tasks/result",
    };
    let named = engine_tasks::Named { tool: &tool, id: &id };
    engine_tasks::ask(app.engine(), (&request.auth, &request.place), (method, named), forwarded).await
}

/// A result with the ids that this client knows.
pub(crate) fn sealed(
    app: &App,
    binding: &str,
    result: Box<RawValue>,
    client: &running::Client,
) -> Result<Box<RawValue>> {
    match &client.tasks {
        Some(Seat::Creates(tool, form)) => {
            let Some(id) = tasks::created_id(&result, *form) else { return Ok(result) };
            let id = seal(app, binding, (tool, &id))?;
            tasks::with_created_id(&result, *form, &id).map_err(Error::internal)
        }
        Some(Seat::Names(id)) => tasks::with_id(&result, id).map_err(Error::internal),
        None if client.tool && tasks::created_id(&result, Form::Extension).is_some() => {
            Err(Error::upstream("the upstream made a task for a client that did not ask for any"))
        }
        None => Ok(result),
    }
}

/// What this place can say of tasks to a client of this revision, as a capability and its name.
pub(crate) fn capability(request: &Request, version: &str) -> Option<(&'static str, Box<RawValue>)> {
    let offered = |form| engine_tasks::offered(&request.auth, &request.place, form);
    let (name, value) = if protocol::version::is_modern_or_later(version) {
        ("extensions", offered(Form::Extension).then(|| json!({ tasks::EXTENSION: {} })))
    } else {
        let offered = version == tasks::REVISION && offered(Form::Revision);
        ("tasks", offered.then(|| json!({ "cancel": {}, "requests": { "tools": { "call": {} } } })))
    };
    serde_json::value::to_raw_value(&value?).ok().map(|value| (name, value))
}

fn seal(app: &App, binding: &str, (tool, id): (&str, &str)) -> Result<String> {
    let text = json!({ "t": tool, "i": id }).to_string();
    let sealed = app.sealer().seal(PURPOSE, binding.as_bytes(), text.as_bytes()).map_err(Error::internal)?;
    if sealed.len() > LONGEST {
        return Err(Error::upstream("the upstream's id of a task is too long"));
    }
    Ok(sealed)
}

fn open(app: &App, binding: &str, id: &str) -> Option<(String, String)> {
    let opened = app.sealer().open(PURPOSE, binding.as_bytes(), id).ok()?;
    let object = RawObject::parse(opened.as_slice()).ok()?;
    Some((object.text("t")?.into_owned(), object.text("i")?.into_owned()))
}
