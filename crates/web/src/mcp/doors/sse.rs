//! HTTP+SSE of revision 2024-11-05: `GET /sse` opens a stream, `POST /message` puts messages in, answers come on the
//! stream. `/servers/{id}/sse` and `/servers/{id}/message` are the same for one virtual server.
//!
//! The id in the address of the messages is a session id: sealed, and bound to its principal and place, so that it opens
//! nothing to anybody else (404), nor to another token of the same person that reaches more or less. The stream lives in
//! one process, and so do its messages. A client that does not read its answers loses the stream; it never keeps anybody
//! waiting.

mod line;

use axum::{
    extract::{Path, RawQuery},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Error, Result, permission::grant::ServersUse};
use engine::{push::Lists, resolve};
use http::{HeaderMap, StatusCode};
use protocol::{abilities::Abilities, jsonrpc, ladder::Refusal, version};

pub(crate) use self::line::{Line, Lines, Open};
use super::super::{
    elsewhere,
    endpoint::{self, Request},
    push::{
        feed::{Check, Feed, Voice},
        get,
    },
    reply::json,
    session::Session,
    tolerances,
};
use crate::{
    api::{body::Posted, problem, problem::Failure},
    guard::Authorized,
};

/// The revision that has this transport.
const REVISION: &str = version::LEGACY[3];

/// `GET /sse`.
pub(crate) async fn open_everything(auth: Authorized<ServersUse>, headers: HeaderMap) -> Response {
    answer(open(auth, None, headers))
}

/// `GET /servers/{id}/sse`.
pub(crate) async fn open_server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(open(auth, Some(&id), headers))
}

/// `POST /message`.
pub(crate) async fn post_everything(
    auth: Authorized<ServersUse>,
    RawQuery(query): RawQuery,
    posted: Posted,
) -> Response {
    answer(post(auth, None, query.as_deref(), posted).await)
}

/// `POST /servers/{id}/message`.
pub(crate) async fn post_server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    posted: Posted,
) -> Response {
    answer(post(auth, Some(id), query.as_deref(), posted).await)
}

fn answer(outcome: Result<Response>) -> Response {
    outcome.unwrap_or_else(|error| Failure(error).into_response())
}

fn open(auth: Authorized<ServersUse>, server: Option<&str>, headers: HeaderMap) -> Result<Response> {
    let place = resolve::place(auth.app.engine(), &auth, server)?;
    if !get::takes_streams(&headers) {
        return Ok(endpoint::refuse(Refusal::NotAcceptable));
    }
    let app = auth.app.clone();
    let at = bound_to(server);
    let id = app.sessions().open(auth.actor(), &at, REVISION, Abilities::default())?;
    let session = app.sessions().find(auth.actor(), &at, &id);
    let session = session.ok_or_else(|| Error::internal("a session that was just opened is not there"))?;
    let slot = app.push().slots().take(&app, "sse", &auth.actor().email)?;
    let request =
        Request { auth, place, at: at.clone(), headers, session: Some(session.clone()), streams: true };
    let state = app.push().states().of(&session.key);
    let mut feed = Feed::new(&request, Voice::Named, slot, state.inbox.clone());
    feed.lists = Lists::ALL;
    feed.check = Some(Check { id: id.clone(), at });
    let (line, answers) = app.push().lines().open(&app, &session.key);
    feed.ends = vec![("session", state.ended.clone()), ("slow", line.gone.clone())];
    feed.answers = Some(answers);
    feed.line = Some(line);
    feed.begin_with(endpoint_event(&request, server, &id));
    Ok(get::answer(feed))
}

/// Tells the client where its messages go, and when to come again. The address is relative, because the gateway cannot
/// know under which name a client reaches it.
fn endpoint_event(request: &Request, server: Option<&str>, id: &str) -> Bytes {
    let settings = request.auth.app.settings();
    let root = settings.listen.root_path.as_deref().unwrap_or_default().trim_end_matches('/');
    let path = server.map_or_else(|| "/message".to_owned(), |server| format!("/servers/{server}/message"));
    let retry = settings.streams.retry_ms;
    Bytes::from(format!("event: endpoint\ndata: {root}{path}?session_id={id}\nretry: {retry}\n\n"))
}

/// What the ids of these streams are sealed to: an id of one door is none at another.
fn bound_to(server: Option<&str>) -> String {
    format!("sse:{}", server.unwrap_or_default())
}

async fn post(
    auth: Authorized<ServersUse>,
    server: Option<String>,
    query: Option<&str>,
    posted: Posted,
) -> Result<Response> {
    let place = resolve::place(auth.app.engine(), &auth, server.as_deref())?;
    let at = bound_to(server.as_deref());
    let unknown = || problem::detail(StatusCode::NOT_FOUND, "Session not found");
    let Posted { headers, body, came } = posted;
    let Some(session) = find(&auth, &at, query).await? else { return Ok(unknown()) };
    let Some(line) = auth.app.push().lines().get(&session.key) else {
        let elsewhere = elsewhere::session(&auth.app, &session, &came, body).await;
        return Ok(elsewhere.unwrap_or_else(unknown));
    };
    if let Err(refusal) = tolerances::accepted(&headers) {
        return Ok(endpoint::refuse(refusal));
    }
    if let Err(refusal) = jsonrpc::parse(&body) {
        return Ok(endpoint::refuse(refusal));
    }
    let session = Some(line.session(session));
    let request = Request { auth, place, at, headers, session, streams: true };
    line.take(request, body)?;
    Ok(json(StatusCode::ACCEPTED, br#"{"status":"success"}"#.to_vec()))
}

/// The session that a message is for, if it is this caller's.
async fn find(auth: &Authorized<ServersUse>, at: &str, query: Option<&str>) -> Result<Option<Session>> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut ids = pairs.filter(|(name, _)| name == "session_id").map(|(_, id)| id);
    let (Some(id), None) = (ids.next(), ids.next()) else { return Ok(None) };
    let sessions = auth.app.sessions();
    // Its answers are read by whoever opened it, who must not be told more than the token that opened it reaches.
    let found = sessions.find(auth.actor(), at, &id).filter(|session| session.reaches_as(auth.actor()));
    let Some(session) = found else { return Ok(None) };
    if !sessions.stands(auth.app.engine(), auth.actor(), &session).await? {
        return Ok(None);
    }
    Ok(Some(session))
}
