//! From a method to the engine function that serves it.

use domain::Error;
use engine::{
    catalogue::Kind,
    invoke::{self, Reference, Running},
    listing, permission_audit,
    rounds::Asking,
};
use protocol::{
    abilities::Abilities,
    era::{Admitted, Era},
    json::{self, RawObject},
    jsonrpc::Id,
    ladder::{self, Refusal},
    meta,
    params::Params,
    result, rounds, version,
};
use serde_json::value::RawValue;

use super::{
    endpoint::Request,
    handshake,
    parking::{self, Opened, Parked},
    push,
    reply::Reply,
    running,
    session::Entry,
    tasks,
};

/// One request, checked.
pub(crate) struct Incoming<'a> {
    pub(crate) id: Id,
    pub(crate) method: &'a str,
    pub(crate) params: Params<'a>,
    pub(crate) era: Era,
}

/// What the client said about itself in this request.
pub(crate) struct Client {
    pub(crate) progress_token: Option<Box<RawValue>>,
    pub(crate) log_level: Option<String>,
    pub(crate) info: Option<Box<RawValue>>,
    /// What it can be asked.
    pub(crate) abilities: Abilities,
    /// What a modern client declared.
    pub(crate) declared: Option<Box<RawValue>>,
}

/// Serves a request.
pub(crate) async fn request(request: &Request, incoming: Incoming<'_>, admitted: Admitted) -> Reply {
    let auth = &request.auth;
    permission_audit::called(auth.app.engine(), auth.actor(), &auth.caller, incoming.method);
    match incoming.method {
        "server/discover" => handshake::discover(request, incoming),
        "initialize" => handshake::initialize(request, incoming),
        "ping" => Reply::done(incoming.id, Ok(RawObject::new().to_raw())),
        "logging/setLevel" => push::sessions::set_level(request, incoming),
        "resources/subscribe" | "resources/unsubscribe" => push::subscribe::serve(request, incoming),
        "subscriptions/listen" => push::listen::serve(request, incoming),
        "tools/list" => list(request, incoming, Kind::Tool),
        "prompts/list" => list(request, incoming, Kind::Prompt),
        "resources/list" => list(request, incoming, Kind::Resource),
        "resources/templates/list" => list(request, incoming, Kind::Template),
        "tools/call" | "prompts/get" | "resources/read" | "completion/complete" => {
            call(request, incoming, admitted).await
        }
        method if method.starts_with("tasks/") => {
            let declared = match &admitted {
                Admitted::Modern(context) => Some(&*context.capabilities),
                Admitted::Legacy { .. } => None,
            };
            match tasks::admit(request, (method, incoming.era), declared) {
                Ok(()) => call(request, incoming, admitted).await,
                Err(refusal) => Reply::Refused { era: Some(incoming.era), refusal, id: Some(incoming.id) },
            }
        }
        method => {
            let refusal = Refusal::MethodNotFound(method.to_owned());
            Reply::Refused { era: Some(incoming.era), refusal, id: Some(incoming.id) }
        }
    }
}

/// Takes a notification. Those with an effect are of a legacy client in its session: that it does not wait for a
/// request of its own any more, and that its roots changed.
pub(crate) fn notification(request: &Request, method: &str, params: &Params<'_>) {
    let Some(session) = &request.session else { return };
    match method {
        "notifications/cancelled" => {
            if let Some(id) = params.object().get("requestId") {
                request.auth.app.sessions().calls().cancel(session, id.get());
            }
        }
        "notifications/roots/list_changed" if session.abilities.has(Abilities::ROOTS) => {
            engine::rounds::roots_changed(request.auth.app.engine(), &request.auth);
        }
        _ => {}
    }
}

fn list(request: &Request, incoming: Incoming<'_>, kind: Kind) -> Reply {
    let cursor = incoming.params.text("cursor");
    if cursor.is_none() && incoming.params.object().get("cursor").is_some_and(|cursor| !json::is_null(cursor))
    {
        return Reply::failed(incoming.id, Error::invalid("cursor", "must be a string"), incoming.era);
    }
    let page = request.opened_cursor(kind, cursor.as_deref());
    let page = page.and_then(|cursor| listing::page(&request.auth, &request.place, kind, cursor.as_deref()));
    let page = match page {
        Ok(page) => page,
        Err(error) => return Reply::failed(incoming.id, error, incoming.era),
    };
    let mut object = RawObject::new();
    object.set(member(kind), &*page.array);
    match page.next.map(|next| request.sealed_cursor(kind, &next)).transpose() {
        Ok(None) => {}
        Ok(Some(next)) => object.set_text("nextCursor", &next),
        Err(error) => return Reply::failed(incoming.id, error, incoming.era),
    }
    if incoming.era.is_modern() {
        handshake::cacheable(&mut object);
    }
    Reply::done(incoming.id, Ok(object.to_raw()))
}

fn member(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "tools",
        Kind::Prompt => "prompts",
        Kind::Resource => "resources",
        Kind::Template => "resourceTemplates",
    }
}

async fn call(request: &Request, incoming: Incoming<'_>, admitted: Admitted) -> Reply {
    let era = incoming.era;
    let client = match said(request, &incoming, admitted) {
        Ok(client) => client,
        Err(refusal) => return Reply::Refused { id: Some(incoming.id), refusal, era: Some(era) },
    };
    let mut params = passed_on(&incoming);
    let mut resumes = false;
    match parking::open(request, &incoming) {
        Ok(Opened::New) => {}
        Ok(Opened::Upstream(state)) => {
            rounds::set_state(&mut params, &state);
            resumes = true;
        }
        Ok(Opened::Anew) => rounds::remove_input(&mut params),
        Ok(Opened::Parked(parked)) => return resume(request, incoming, client, *parked).await,
        Err(error) => return Reply::failed(incoming.id, error, era),
    }
    let forwarded = invoke::Request {
        params,
        headers: &request.headers,
        progress: client.progress_token.is_some(),
        log_level: client.log_level.clone(),
        client_info: client.info.clone(),
        asking: asking(&client, resumes),
        tasks: tasks::form(&incoming, client.declared.as_deref()),
        caller: &request.auth.caller,
    };
    // In a session, the client may cancel by the request id; leaving the table is up to `entry`.
    let entry = request.session.as_ref().filter(|_| !era.is_modern());
    let entry = match entry {
        None => None,
        Some(session) => match request.auth.app.sessions().calls().enter(session, incoming.id.as_raw().get())
        {
            Some(entry) => Some(entry),
            None => return id_in_use(incoming.id, era),
        },
    };
    let cancelled = async {
        match &entry {
            None => std::future::pending().await,
            Some(entry) => entry.cancelled.cancelled().await,
        }
    };
    let started = tokio::select! {
        started = start(request, &incoming, forwarded) => started,
        () = cancelled => return running::cancelled(incoming.id),
        ended = request.auth.credential.ended(request.auth.app.engine()) => Err(ended.into()),
    };
    match started {
        Ok(running) => {
            let digest = may_come_back(&running).then(|| parking::digest_of(&incoming)).flatten();
            running::reply(request, running, waiting(incoming, client, (entry, digest))).await
        }
        Err(Started::Engine(error)) => Reply::failed(incoming.id, error, era),
        Err(Started::Wire(refusal)) => Reply::Refused { id: Some(incoming.id), refusal, era: Some(era) },
    }
}

/// How the client can be asked for input; `resumes` says that it brings a state along.
fn asking(client: &Client, resumes: bool) -> Asking {
    match &client.declared {
        Some(declared) => Asking::ByRetry { declared: declared.clone(), resumes },
        None => Asking::OnStream(client.abilities),
    }
}

/// What the client says about itself: in this request, or in its session.
fn said(request: &Request, incoming: &Incoming<'_>, admitted: Admitted) -> Result<Client, Refusal> {
    match admitted {
        Admitted::Modern(context) => Ok(Client {
            progress_token: context.progress_token,
            log_level: context.log_level,
            info: context.client_info,
            abilities: Abilities::read(&context.capabilities, version::MODERN),
            declared: Some(context.capabilities),
        }),
        Admitted::Legacy { .. } => {
            let progress_token = meta::progress_token(&incoming.params)?;
            // Who takes no stream cannot be asked on one.
            let session = request.session.as_ref().filter(|_| request.streams);
            let abilities = session.map(|session| session.abilities).unwrap_or_default();
            Ok(Client {
                progress_token,
                log_level: push::level(request),
                info: None,
                abilities,
                declared: None,
            })
        }
    }
}

/// Whether the answer can be that the client has to make its request again.
fn may_come_back(running: &Running) -> bool {
    match running {
        Running::Done(Ok(result)) => result::asks_for_input(result),
        Running::Done(Err(error)) => error.code == ladder::LEGACY_URL_ELICITATION,
        Running::Stream(_) => true,
    }
}

/// Who waits for the answer of a request; `digest` is what the request is about, where it may have to be made again.
fn waiting(
    incoming: Incoming<'_>,
    client: Client,
    (entry, digest): (Option<Entry>, Option<String>),
) -> running::Client {
    running::Client {
        digest,
        tasks: tasks::seat(&incoming, &client),
        cacheable: incoming.method == "resources/read",
        tool: incoming.method == "tools/call",
        abilities: client.abilities,
        id: incoming.id,
        era: incoming.era,
        progress_token: client.progress_token,
        entry,
    }
}

/// Goes on with a call that waited for this client. What it did not answer is asked again; what it may not use any more
/// is over.
async fn resume(request: &Request, incoming: Incoming<'_>, client: Client, mut parked: Parked) -> Reply {
    let target = incoming.params.target(incoming.method).unwrap_or_default();
    if let Err(error) = invoke::still_allowed(&request.auth, &request.place, (incoming.method, &target)) {
        return Reply::failed(incoming.id, error, incoming.era);
    }
    parked.answer(incoming.params.object().get("inputResponses"));
    let digest = parking::digest_of(&incoming);
    let client = waiting(incoming, client, (None, digest));
    match (&client.digest, parked.open.is_empty()) {
        (Some(digest), false) => {
            let about = (&*request.binding(), digest.as_str());
            running::park(&request.auth.app, about, (parked.events, parked.open), &client)
        }
        _ => running::reply(request, Running::Stream(parked.events), client).await,
    }
}

/// Two calls with one id could not be told apart when one of them is cancelled, and their answers neither.
fn id_in_use(id: Id, era: Era) -> Reply {
    let message = "id: a request with this id is under way in the session".to_owned();
    Reply::Refused { id: Some(id), refusal: Refusal::InvalidRequest { message, id: None }, era: Some(era) }
}

/// Why a call did not start.
enum Started {
    Engine(Error),
    Wire(Refusal),
}

impl From<Error> for Started {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Refusal> for Started {
    fn from(refusal: Refusal) -> Self {
        Self::Wire(refusal)
    }
}

async fn start(
    request: &Request,
    incoming: &Incoming<'_>,
    forwarded: invoke::Request<'_>,
) -> Result<Running, Started> {
    let engine = request.auth.app.engine();
    let (permit, place) = (&*request.auth, &request.place);
    let params = &incoming.params;
    Ok(match incoming.method {
        "tools/call" => {
            invoke::tool(engine, permit, place, &params.required_text("name")?, forwarded).await?
        }
        "prompts/get" => {
            invoke::prompt(engine, permit, place, &params.required_text("name")?, forwarded).await?
        }
        "resources/read" => {
            invoke::resource(engine, permit, place, &params.required_text("uri")?, forwarded).await?
        }
        method if method.starts_with("tasks/") => tasks::ask(request, incoming, forwarded).await?,
        _ => {
            let reference = params.object().get("ref").ok_or_else(|| Error::invalid("ref", "is required"))?;
            let reference =
                RawObject::parse(reference).map_err(|error| Error::invalid("ref", error.to_string()))?;
            let text = |key| {
                reference.text(key).ok_or_else(|| Error::invalid(format!("ref.{key}"), "must be a string"))
            };
            match &*text("type")? {
                "ref/prompt" => {
                    invoke::completion(engine, permit, place, Reference::Prompt(&text("name")?), forwarded)
                        .await?
                }
                "ref/resource" => {
                    invoke::completion(engine, permit, place, Reference::Template(&text("uri")?), forwarded)
                        .await?
                }
                _ => return Err(Error::invalid("ref.type", "must be ref/prompt or ref/resource").into()),
            }
        }
    })
}

/// The parameters that an upstream may see. Rounds are a modern client's: of a legacy one, what belongs to them would
/// reach an upstream unchecked.
fn passed_on<'a>(incoming: &Incoming<'a>) -> RawObject<'a> {
    let mut params = incoming.params.object().clone();
    if !incoming.era.is_modern() {
        rounds::remove_input(&mut params);
    }
    params
}

/// A result as a client of this era expects it.
pub(crate) fn for_client(raw: Box<RawValue>, era: Era, cacheable: bool) -> Result<Box<RawValue>, Error> {
    let converted = if era.is_modern() {
        result::to_modern(raw, cacheable.then_some((0, result::PRIVATE)), None)
    } else {
        result::to_legacy(raw)
    };
    converted.map_err(|error| Error::upstream(format!("the upstream's result is malformed: {error}")))
}
