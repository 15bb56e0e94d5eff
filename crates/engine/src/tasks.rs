//! Tasks: calls of tools that outlive their request. Who owns one, and how it is told to a client of the other era.
//!
//! The id of a task carries its upstream's, and the front door seals it together with the tool's name; whoever asks for
//! the task has to be allowed to call that tool of that upstream still. A modern client hears of a legacy upstream's
//! tasks in the words of the extension. A legacy client is never told of a modern upstream's: its call is answered when
//! it is done. Invariant: nothing here calls a tool a second time.

use domain::{
    Error, Result,
    id::GatewayId,
    permission::grant::{ServersUse, ToolsExecute},
};
use futures_util::StreamExt;
use protocol::{
    json::RawObject,
    jsonrpc::{Outcome, RpcError},
    ladder,
    tasks::{self, Form},
};

use crate::{
    catalogue::{Item, Kind, Peer},
    invoke::{self, Event, Request, Running},
    policy::{self, Permit},
    resolve::{self, Callable, Place},
};

/// How the upstream knows tasks.
fn form_of(peer: &Peer) -> Option<Form> {
    let modern = peer.target.dialect.as_ref().is_some_and(|dialect| dialect.modern);
    tasks::offered(peer.capabilities.as_deref()?, modern)
}

/// Whether a client that knows tasks in this form can get one in `place`.
pub fn offered<P>(permit: &Permit<P>, place: &Place, form: Form) -> bool {
    let Ok(permit) = policy::narrow::<ToolsExecute, _>(permit) else { return false };
    let tools = place.snapshot.list(place.server(), Kind::Tool).iter();
    // Items of one upstream share it; each upstream is looked at once.
    let mut seen: Vec<*const Peer> = Vec::new();
    tools.into_iter().any(|item| {
        let peer = std::sync::Arc::as_ptr(&item.peer);
        if seen.contains(&peer) || !permit.reaches(&item.owned) {
            return false;
        }
        seen.push(peer);
        form_of(&item.peer).is_some_and(|theirs| theirs == form || form == Form::Extension)
    })
}

/// How the task that a call may become is told to its client.
#[derive(Debug, Clone)]
pub(crate) struct Bridge {
    client: Form,
    upstream: Form,
    gateway: GatewayId,
}

/// What is to be done with a call as far as tasks go.
pub(crate) enum Plan {
    /// It is answered as any other.
    Plain,
    /// It may become a task.
    Bridged(Bridge),
    /// It can only become a task, and its client knows none.
    Needs(RpcError),
}

/// Settles whether a call may become a task, and writes its parameters accordingly.
pub(crate) fn plan(request: &mut Request<'_>, item: &Item) -> Plan {
    let upstream = form_of(&item.peer);
    let asked = request.tasks;
    if (asked, upstream) != (Some(Form::Revision), Some(Form::Revision)) {
        request.params.remove("task");
    }
    let required = upstream == Some(Form::Revision) && tasks::is_required(&item.bare);
    let (Some(client), Some(upstream)) = (asked, upstream) else {
        if required && request.asking.is_modern() {
            let needs = RpcError::new(ladder::MISSING_CAPABILITY, "The tool can only be called as a task");
            let mut data = RawObject::new();
            data.set("requiredCapabilities", tasks::missing());
            return Plan::Needs(needs.with_data(data.to_raw()));
        }
        return Plan::Plain;
    };
    match (client, upstream) {
        (Form::Revision, Form::Extension) => return Plan::Plain,
        // Whether it becomes a task is the server's choice in the extension; here it is the gateway's.
        (Form::Extension, Form::Revision) if !required => return Plan::Plain,
        (Form::Extension, Form::Revision) => request.params.set("task", RawObject::new().to_raw()),
        _ => {}
    }
    Plan::Bridged(Bridge { client, upstream, gateway: item.peer.target.gateway.clone() })
}

impl Bridge {
    /// Whether the upstream has to know that the client has the extension.
    pub(crate) fn declares(&self) -> bool {
        self.upstream == Form::Extension
    }

    /// The answer to a call in the client's form; the id of a task carries its upstream's.
    pub(crate) fn told(&self, outcome: Outcome) -> Outcome {
        let result = outcome?;
        let Some(id) = tasks::created_id(&result, self.upstream) else { return Ok(result) };
        let result = match (self.client, self.upstream) {
            (Form::Extension, Form::Revision) => tasks::created(&result),
            _ => Ok(result),
        };
        let id = format!("{}:{id}", self.gateway);
        result.and_then(|result| tasks::with_created_id(&result, self.client, &id)).map_err(garbled)
    }
}

/// A task as the front door opened it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// The tool that was called, by its name in the place.
    pub tool: &'a str,
    /// The id with its upstream's.
    pub id: &'a str,
}

/// Asks the upstream of a task about it: `tasks/get`, `tasks/result`, `tasks/update` or `tasks/cancel`.
pub async fn ask(
    engine: &crate::Engine,
    (permit, place): (&Permit<ServersUse>, &Place),
    (method, named): (&'static str, Named<'_>),
    mut request: Request<'_>,
) -> Result<Running> {
    let permit = policy::narrow::<ToolsExecute, _>(permit)?;
    let callable = resolve::tool(&permit, place, named.tool).map_err(|_| unknown())?;
    let peer = &callable.item().peer;
    let own = named.id.strip_prefix(peer.target.gateway.as_str()).and_then(|rest| rest.strip_prefix(':'));
    request.params.set_text("taskId", own.ok_or_else(unknown)?);
    let asking = Asking { engine, permit: &permit, callable: &callable };
    match (request.tasks, form_of(peer)) {
        (Some(Form::Extension), Some(Form::Revision)) => asking.translated(method, request).await,
        (Some(client), Some(upstream)) if client == upstream => asking.plain(method, request).await,
        _ => Err(unknown()),
    }
}

/// The one answer to the id of a task that is not there, or is somebody else's.
pub fn unknown() -> Error {
    Error::invalid("taskId", "names no task")
}

/// Questions about one task.
struct Asking<'a> {
    engine: &'a crate::Engine,
    permit: &'a Permit<ToolsExecute>,
    callable: &'a Callable,
}

impl Asking<'_> {
    async fn plain(&self, method: &'static str, request: Request<'_>) -> Result<Running> {
        invoke::about_task(self.engine, self.permit.actor(), self.callable, method, request).await
    }

    /// In the words of the extension, of an upstream that has tasks of the revision.
    async fn translated(&self, method: &'static str, request: Request<'_>) -> Result<Running> {
        let answer = match method {
            "tasks/get" => self.got(request).await?,
            "tasks/cancel" => self.cancelled(request).await?,
            // What such a task asks is asked while its result is waited for, and nobody waits here.
            _ => return Err(Error::Refused("the task waits for no input".to_owned())),
        };
        Ok(Running::Done(answer))
    }

    async fn got(&self, request: Request<'_>) -> Result<Outcome> {
        let task = match self.outcome("tasks/get", request.clone()).await? {
            Ok(task) => task,
            Err(error) => return Ok(Err(error)),
        };
        let over = tasks::status(&task).is_some_and(|status| tasks::has_outcome(&status));
        let outcome = if over { Some(self.outcome("tasks/result", request).await?) } else { None };
        Ok(tasks::got(&task, outcome).map_err(garbled))
    }

    /// Cancelling a task that is over is no mistake in the extension.
    async fn cancelled(&self, request: Request<'_>) -> Result<Outcome> {
        let done = RawObject::new().to_raw();
        let Err(refused) = self.outcome("tasks/cancel", request.clone()).await? else { return Ok(Ok(done)) };
        let is_there = self.outcome("tasks/get", request).await?.is_ok();
        Ok(if is_there { Ok(done) } else { Err(refused) })
    }

    async fn outcome(&self, method: &'static str, request: Request<'_>) -> Result<Outcome> {
        match self.plain(method, request).await? {
            Running::Done(outcome) => Ok(outcome),
            Running::Stream(mut events) => {
                while let Some(event) = events.next().await {
                    if let Event::Done(outcome) = event {
                        return Ok(outcome);
                    }
                }
                Err(Error::upstream("the upstream closed the stream before it answered"))
            }
        }
    }
}

fn garbled(error: impl std::fmt::Display) -> RpcError {
    RpcError::new(ladder::INTERNAL_ERROR, format!("the upstream's task is malformed: {error}"))
}
