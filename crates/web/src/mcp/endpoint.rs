//! From bytes to a message: what is checked before a method is looked at.
//!
//! What is let pass of clients in the field stands in [`tolerances`].

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Error, Result, permission::grant::ServersUse};
use engine::{
    catalogue::Kind,
    resolve::{self, Place},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use protocol::{
    era::{self, Admitted, Era},
    headers,
    jsonrpc::{self, Message},
    ladder::Refusal,
    params::Params,
    version,
};

use super::{
    dispatch::{self, Incoming},
    elsewhere,
    reply::{Reply, json},
    session::Session,
    tolerances::{self, Tolerance},
};
use crate::{
    api::{body::Posted, problem::Failure},
    decision,
    guard::Authorized,
    replicas::Came,
};

const SESSION: &str = "mcp-session-id";

/// Everything about a request besides its message.
pub(crate) struct Request {
    pub(crate) auth: Authorized<ServersUse>,
    pub(crate) place: Place,
    /// The virtual server's id, or empty for everything.
    pub(crate) at: String,
    pub(crate) headers: HeaderMap,
    pub(crate) session: Option<Session>,
    /// Whether the client takes event streams.
    pub(crate) streams: bool,
}

impl Request {
    /// The text that a cursor was sealed from. A cursor is bound to its reader, place and kind of list.
    pub(crate) fn opened_cursor(&self, kind: Kind, cursor: Option<&str>) -> Result<Option<String>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let opened = self.auth.app.sealer().open("cursor", self.cursor_binding(kind).as_bytes(), cursor).ok();
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Some).ok_or_else(|| Error::invalid("cursor", "is not one that this list gave out"))
    }

    /// A cursor for the page that starts after `next`.
    pub(crate) fn sealed_cursor(&self, kind: Kind, next: &str) -> Result<String> {
        let binding = self.cursor_binding(kind);
        self.auth.app.sealer().seal("cursor", binding.as_bytes(), next.as_bytes()).map_err(Error::internal)
    }

    /// Whose request this is and where it came in, for what is sealed to both. The length keeps two fields from being
    /// read as one.
    pub(crate) fn binding(&self) -> String {
        let email = &self.auth.actor().email;
        format!("{}:{email}:{}", email.len(), self.at)
    }

    fn cursor_binding(&self, kind: Kind) -> String {
        let email = &self.auth.actor().email;
        format!("{}:{email}:{kind:?}:{}", email.len(), self.at)
    }
}

/// `POST /mcp`.
pub(crate) async fn post(auth: Authorized<ServersUse>, posted: Posted) -> Response {
    serve(auth, None, posted).await
}

/// `POST /servers/{id}/mcp`.
pub(crate) async fn post_server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    posted: Posted,
) -> Response {
    serve(auth, Some(id), posted).await
}

/// `DELETE /mcp`: ends the session.
pub(crate) async fn delete(auth: Authorized<ServersUse>, came: Came, headers: HeaderMap) -> Response {
    end(&auth, "", &headers, &came).await
}

/// `DELETE /servers/{id}/mcp`.
pub(crate) async fn delete_server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    came: Came,
    headers: HeaderMap,
) -> Response {
    end(&auth, &id, &headers, &came).await
}

async fn end(auth: &Authorized<ServersUse>, at: &str, headers: &HeaderMap, came: &Came) -> Response {
    let sessions = auth.app.sessions();
    let Some(id) = headers.get(SESSION).and_then(|id| id.to_str().ok()) else {
        return only("POST");
    };
    match sessions.find(auth.actor(), at, id) {
        Some(session) => {
            sessions.end(&session);
            if let Some(answer) = elsewhere::session(&auth.app, &session, came, Bytes::new()).await {
                return answer;
            }
            auth.app.push().end(&session.key);
            json(StatusCode::OK, br#"{"jsonrpc":"2.0","result":{}}"#.to_vec())
        }
        None => refuse(Refusal::SessionUnknown),
    }
}

pub(super) fn only(methods: &'static str) -> Response {
    let mut response = refuse(Refusal::HttpMethod);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

pub(crate) fn refuse(refusal: Refusal) -> Response {
    Reply::Refused { id: None, refusal, era: None }.into_response()
}

async fn serve(auth: Authorized<ServersUse>, server: Option<String>, posted: Posted) -> Response {
    let Posted { headers, body, came } = posted;
    let place = match resolve::place(auth.app.engine(), &auth, server.as_deref()) {
        Ok(place) => place,
        Err(error) => return Failure(error).into_response(),
    };
    let streams = match tolerances::accepted(&headers) {
        Ok(streams) => streams,
        Err(refusal) => return refuse(refusal),
    };
    let at = server.unwrap_or_default();
    let mut request = Request { auth, place, at, headers, session: None, streams };
    if let Err(refusal) = find_session(&mut request).await
        && !(matches!(refusal, Refusal::SessionUnknown) && tolerances::opens_a_session(&body))
    {
        return refuse(refusal);
    }
    if jsonrpc::is_batch(&body) && takes_batches(&request) {
        if let Some(answer) = elsewhere::batch(&request, &came, &body).await {
            return answer;
        }
        return batch(request, &body).await;
    }
    match jsonrpc::parse(&body) {
        Ok(message) => match elsewhere::message(&request, &came, (&body, &message)).await {
            Some(answer) => answer,
            None => one(&request, message).await.into_response(),
        },
        Err(refusal) => refuse(refusal),
    }
}

/// Looks up the session of a legacy request. A modern request has none, whatever its headers say.
pub(super) async fn find_session(request: &mut Request) -> Result<(), Refusal> {
    let modern = headers::single(&request.headers, &headers::PROTOCOL_VERSION)?
        .is_some_and(version::is_modern_or_later);
    let Some(id) = request.headers.get(SESSION) else { return Ok(()) };
    if modern {
        Tolerance::SessionOfModern.bend();
        return Ok(());
    }
    let id = id.to_str().map_err(|_| Refusal::SessionUnknown)?;
    let (sessions, actor) = (request.auth.app.sessions(), request.auth.actor());
    let session = sessions.find(actor, &request.at, id).ok_or(Refusal::SessionUnknown)?;
    let standing = sessions.stands(request.auth.app.engine(), actor, &session).await;
    match standing {
        Ok(true) => request.session = Some(session),
        Ok(false) => return Err(Refusal::SessionUnknown),
        Err(error) => {
            tracing::error!(%error, "whether a session goes on could not be found out");
            return Err(Refusal::Internal("Internal error".to_owned()));
        }
    }
    Ok(())
}

/// Batches exist in revision 2025-03-26 only; a request that names no revision counts as of that one.
fn takes_batches(request: &Request) -> bool {
    let header = request.headers.get(&headers::PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    let settled = request.session.as_ref().map(|session| session.version);
    settled.or(header).is_none_or(|version| version == version::BATCHES)
}

async fn batch(mut request: Request, body: &Bytes) -> Response {
    // A batch is answered in one piece.
    request.streams = false;
    let messages = match jsonrpc::parse_batch(body) {
        Ok(messages) => messages,
        Err(refusal) => return refuse(refusal),
    };
    let mut out = vec![b'['];
    let mut notes = Vec::new();
    for message in messages {
        let reply = match message {
            Ok(message) => one(&request, message).await,
            Err(refusal) => Reply::Refused { id: None, refusal, era: None },
        };
        notes.extend(reply.note());
        if let Some(text) = reply.into_message() {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(&text);
        }
    }
    if out.len() == 1 {
        return StatusCode::ACCEPTED.into_response();
    }
    out.push(b']');
    let mut response = json(StatusCode::OK, out);
    decision::attach(&mut response, notes);
    response
}

pub(super) async fn one(request: &Request, message: Message<'_>) -> Reply {
    match message {
        Message::Response { id, outcome } => {
            if let Some(id) = id {
                let app = &request.auth.app;
                app.questions().answered(app.sealer(), &request.binding(), &id, outcome);
            }
            Reply::Accepted
        }
        Message::Notification { method, params } => {
            let params = match Params::parse(params) {
                Ok(params) => params,
                Err(refusal) => return Reply::Refused { id: None, refusal, era: None },
            };
            dispatch::notification(request, &method, &params);
            Reply::Accepted
        }
        Message::Request { id, method, params: raw } => {
            let admitted = Params::parse(raw).and_then(|params| {
                let admitted = era::admit(&request.headers, &method, &params)?;
                Ok((params, admitted))
            });
            match admitted {
                Ok((params, admitted)) => {
                    let era = era_of(&admitted, request);
                    if !era.is_modern() {
                        tolerances::legacy(&request.headers, &method, request.session.is_some());
                    }
                    let incoming = Incoming { id, method: &method, params, era };
                    dispatch::request(request, incoming, admitted).await
                }
                Err(refusal) => Reply::Refused { id: Some(id), refusal, era: None },
            }
        }
    }
}

/// The era of a request; in a session the handshake settled the revision.
fn era_of(admitted: &Admitted, request: &Request) -> Era {
    match (admitted.era(), &request.session) {
        (Era::Legacy { .. }, Some(session)) => Era::Legacy { version: session.version },
        (era, _) => era,
    }
}
