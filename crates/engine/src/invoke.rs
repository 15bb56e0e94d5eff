//! Using a tool, a prompt or a resource. Every front door ends here.
//!
//! Each function reads as the specification: permit, resolve, target, call, record. There is no database and no
//! re-encoding on this path; what the upstream says comes back as it was said, unless the operator wants it cleaned.

mod cleaning;

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use domain::{Actor, Caller, Error, Result, id::GatewayId, permission::grant};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::{headers, json::RawObject, jsonrpc::RpcError, ladder, tasks::Form};
use serde_json::value::RawValue;
use upstream::call::{Answer, Call, CallContext, EventStream};
pub use upstream::{
    ask::{Ask, PATIENCE},
    call::{Event, Outcome},
};

use crate::{
    catalogue::Item,
    engine::Engine,
    journal::CallRecord,
    policy::{self, Permit},
    resolve::{self, Callable, Place},
    rounds::{self, Asking},
    tasks::{self, Bridge, Plan},
};

/// What a client asks for: the parameters as they came, and what the hop's era says about the client.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `params` as the client sent them; what their `_meta` says of the client's own hop stays here.
    pub params: RawObject<'a>,
    /// The client's headers, of which an upstream may be given some.
    pub headers: &'a HeaderMap,
    /// Whether the client wants progress.
    pub progress: bool,
    /// The log level that the client asked for.
    pub log_level: Option<String>,
    /// Who the client says it is.
    pub client_info: Option<Box<RawValue>>,
    /// How the client can be asked for input.
    pub asking: Asking,
    /// How the client takes tasks: of a tool that it calls, or that it asks about.
    pub tasks: Option<Form>,
    /// Where the request came from.
    pub caller: &'a Caller,
}

/// A call under way.
pub enum Running {
    /// It is over; this is how it ended.
    Done(Outcome),
    /// Notifications, then the end.
    Stream(Watched),
}

/// Calls a tool by its name in `place`.
#[crate::boxed]
pub async fn tool<'a>(
    engine: &'a Engine,
    permit: &Permit<grant::ServersUse>,
    place: &Place,
    name: &str,
    mut request: Request<'a>,
) -> Result<Running> {
    let permit = policy::narrow::<grant::ToolsExecute, _>(permit)?;
    let callable = resolve::tool(&permit, place, name)?;
    rename(&mut request.params, callable.item(), name);
    if let Err(error) = headers_agree(&request, callable.item()) {
        return Ok(Running::Done(Err(error)));
    }
    let bridge = match tasks::plan(&mut request, callable.item()) {
        Plan::Plain => None,
        Plan::Bridged(bridge) => Some(bridge),
        Plan::Needs(error) => return Ok(Running::Done(Err(error))),
    };
    run(engine, (permit.actor(), &callable), "tools/call", (request, bridge)).await
}

/// Asks the upstream of a task about it.
pub(crate) async fn about_task(
    engine: &Engine,
    actor: &Actor,
    callable: &Callable,
    method: &'static str,
    request: Request<'_>,
) -> Result<Running> {
    run(engine, (actor, callable), method, (request, None)).await
}

/// Gets a prompt by its name in `place`.
pub async fn prompt<Q>(
    engine: &Engine,
    permit: &Permit<Q>,
    place: &Place,
    name: &str,
    mut request: Request<'_>,
) -> Result<Running> {
    let permit = policy::narrow::<grant::PromptsRead, _>(permit)?;
    let callable = resolve::prompt(&permit, place, name)?;
    rename(&mut request.params, callable.item(), name);
    run(engine, (permit.actor(), &callable), "prompts/get", (request, None)).await
}

/// Reads a resource by its URI in `place`.
pub async fn resource<Q>(
    engine: &Engine,
    permit: &Permit<Q>,
    place: &Place,
    uri: &str,
    request: Request<'_>,
) -> Result<Running> {
    let permit = policy::narrow::<grant::ResourcesRead, _>(permit)?;
    let callable = resolve::resource(&permit, place, uri)?;
    run(engine, (permit.actor(), &callable), "resources/read", (request, None)).await
}

/// What a completion is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'a> {
    /// An argument of a prompt.
    Prompt(&'a str),
    /// A variable of a resource template.
    Template(&'a str),
}

/// Completes an argument of a prompt or of a resource template.
#[crate::boxed]
pub async fn completion<'a>(
    engine: &'a Engine,
    permit: &Permit<grant::ServersUse>,
    place: &Place,
    reference: Reference<'a>,
    mut request: Request<'a>,
) -> Result<Running> {
    match reference {
        Reference::Prompt(name) => {
            let permit = policy::narrow::<grant::PromptsRead, _>(permit)?;
            let callable = resolve::prompt(&permit, place, name)?;
            let reference = request.params.get("ref").ok_or_else(|| Error::invalid("ref", "is required"))?;
            let mut reference = RawObject::parse(reference).map_err(malformed)?;
            rename(&mut reference, callable.item(), name);
            let reference = reference.to_raw();
            request.params.set("ref", reference);
            run(engine, (permit.actor(), &callable), "completion/complete", (request, None)).await
        }
        Reference::Template(uri) => {
            let permit = policy::narrow::<grant::ResourcesRead, _>(permit)?;
            let callable = resolve::template(&permit, place, uri)?;
            run(engine, (permit.actor(), &callable), "completion/complete", (request, None)).await
        }
    }
}

async fn run(
    engine: &Engine,
    (actor, callable): (&Actor, &Callable),
    method: &'static str,
    (request, bridge): (Request<'_>, Option<Bridge>),
) -> Result<Running> {
    let item = callable.item();
    let mut params = request.params;
    if let Some(local) = &item.local {
        let mut watch = Watch::start(engine, &actor.email, item, method, request.caller);
        let answer = local.answer(method, &params.to_raw());
        watch.finish(if answer.is_ok() { "success" } else { "failure" });
        return answer.map(|result| Running::Done(Ok(result)));
    }
    let param_headers = mirrored(item, method, &params);
    let tasks = method.starts_with("tasks/") || bridge.as_ref().is_some_and(Bridge::declares);
    let (abilities, capabilities) = request.asking.declared(tasks);
    let context = CallContext {
        abilities,
        capabilities,
        progress: request.progress,
        log_level: request.log_level,
        client_info: request.client_info,
        headers: passed_on(engine, item, request.headers),
        param_headers,
        ..CallContext::plain(actor.email.as_str())
    };
    let timeout = Duration::from_secs(engine.settings().federation.tool_timeout_seconds);
    let cleans = cleaning::wanted(engine, method);
    let mut watch = Watch::start(engine, &actor.email, item, method, request.caller);
    let target = &item.peer.target;
    let retries = match &request.asking {
        Asking::ByRetry { resumes, .. } => {
            if *resumes {
                rounds::deliver_state(&mut params, &target.gateway)?;
            }
            Some(target.gateway.clone())
        }
        Asking::OnStream(_) => None,
    };
    let call = Call { method: method.into(), params: params.to_raw(), context, timeout };
    let again = retries.is_none().then(|| call.clone());
    let answer = match (engine.pool().call(target, call).await, again) {
        (Ok(answer), Some(call)) => {
            rounds::hold_together(engine.pool().clone(), Arc::clone(target), call, (abilities, answer))
        }
        (Ok(answer), None) => answer,
        (Err(error), _) => {
            watch.finish("failure");
            return Err(error);
        }
    };
    Ok(match answer {
        Answer::Done(outcome) => {
            watch.end(&outcome);
            Running::Done(Outgoing { cleans, retries, bridge }.put(outcome))
        }
        Answer::Stream(events) => {
            Running::Stream(Watched { events, watch, outgoing: Outgoing { cleans, retries, bridge } })
        }
    })
}

/// Whether the headers of a modern client say what its arguments say: what stands before the gateway may have decided
/// by them.
fn headers_agree(request: &Request<'_>, item: &Item) -> std::result::Result<(), RpcError> {
    let Some(schema) = item.header_schema.as_deref().filter(|_| request.asking.is_modern()) else {
        return Ok(());
    };
    // An annotation that cannot be honoured binds nobody.
    let Ok(declared) = headers::declared(schema) else { return Ok(()) };
    let agree = headers::check_params(&declared, request.headers, request.params.get("arguments"));
    agree.map_err(|refusal| RpcError::new(ladder::HEADER_MISMATCH, refusal.message()))
}

/// The arguments of a tool that its schema wants in headers too.
fn mirrored(item: &Item, method: &str, params: &RawObject<'_>) -> Vec<(String, String)> {
    match &item.header_schema {
        Some(schema) if method == "tools/call" => headers::param_headers(schema, params.get("arguments")),
        _ => Vec::new(),
    }
}

/// What is done to an answer before it goes out.
struct Outgoing {
    /// Whether it is cleaned of characters that nobody sees.
    cleans: bool,
    /// The upstream, where a client that makes its request again has to bring its state back to it.
    retries: Option<GatewayId>,
    /// Where the call may become a task.
    bridge: Option<Bridge>,
}

impl Outgoing {
    fn put(&self, outcome: Outcome) -> Outcome {
        let outcome = if self.cleans { cleaning::cleaned(outcome) } else { outcome };
        let outcome = match &self.retries {
            Some(gateway) => rounds::address_state(outcome, gateway),
            None => outcome,
        };
        match &self.bridge {
            Some(bridge) => bridge.told(outcome),
            None => outcome,
        }
    }
}

/// Whether the actor of a permit may still use what a call that waits for input is about.
pub fn still_allowed(
    permit: &Permit<grant::ServersUse>,
    place: &Place,
    (method, target): (&str, &str),
) -> Result<()> {
    match method {
        "tools/call" => resolve::tool(&policy::narrow::<grant::ToolsExecute, _>(permit)?, place, target),
        "prompts/get" => resolve::prompt(&policy::narrow::<grant::PromptsRead, _>(permit)?, place, target),
        _ => resolve::resource(&policy::narrow::<grant::ResourcesRead, _>(permit)?, place, target),
    }
    .map(drop)
}

/// The client headers that this upstream names and the operator allows. Credentials are never among them.
fn passed_on(engine: &Engine, item: &Item, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    const NEVER: &[&str] = &[
        "authorization",
        "cookie",
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "proxy-authorization",
        "accept",
        "accept-encoding",
    ];
    let federation = &engine.settings().federation;
    if !federation.passthrough_enabled {
        return Vec::new();
    }
    let names = if item.peer.passthrough.is_empty() {
        &federation.passthrough_headers.0
    } else {
        &item.peer.passthrough
    };
    let allowed = names.iter().filter_map(|name| HeaderName::try_from(name.as_str()).ok());
    let allowed =
        allowed.filter(|name| !NEVER.contains(&name.as_str()) && !name.as_str().starts_with("mcp-"));
    allowed.filter_map(|name| headers.get(&name).map(|value| (name, value.clone()))).collect()
}

/// Puts the upstream's own name in place of the one that was asked for; nothing changes where both are the same.
fn rename(object: &mut RawObject<'_>, item: &Item, given: &str) {
    if *given != *item.original {
        object.set_text("name", &item.original);
    }
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::invalid("params", error.to_string())
}

/// The events of a call. Dropping it cancels the call.
pub struct Watched {
    events: EventStream,
    watch: Watch,
    outgoing: Outgoing,
}

impl Stream for Watched {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = std::task::ready!(self.events.poll_next_unpin(context));
        let Some(Event::Done(outcome)) = event else { return Poll::Ready(event) };
        self.watch.end(&outcome);
        Poll::Ready(Some(Event::Done(self.outgoing.put(outcome))))
    }
}

/// Records how a call ended: in the metrics and in the journal. A call that is dropped unended was cancelled.
struct Watch(Option<Watching>);

struct Watching {
    engine: Engine,
    record: CallRecord,
    started: Instant,
}

impl Watch {
    fn start(engine: &Engine, actor: &str, item: &Item, method: &'static str, caller: &Caller) -> Self {
        let record = CallRecord {
            at: engine.clock().now(),
            actor: actor.into(),
            method,
            item: item.id.clone(),
            outcome: "cancelled",
            micros: 0,
            request_id: Arc::clone(&caller.request_id),
        };
        Self(Some(Watching { engine: engine.clone(), record, started: Instant::now() }))
    }

    fn end(&mut self, outcome: &Outcome) {
        self.finish(if outcome.is_ok() { "success" } else { "error" });
    }

    fn finish(&mut self, outcome: &'static str) {
        let Some(mut watching) = self.0.take() else { return };
        let elapsed = watching.started.elapsed();
        watching.record.outcome = outcome;
        watching.record.micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        watching.engine.stats().call(watching.record.method, outcome, elapsed);
        watching.engine.journal().note(watching.record);
    }
}

impl Drop for Watch {
    /// Only a call that nobody saw end is left here: its client went away or cancelled it.
    fn drop(&mut self) {
        self.finish("cancelled");
    }
}
