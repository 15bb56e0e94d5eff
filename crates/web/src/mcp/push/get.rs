//! `GET` on an MCP endpoint: the stream of a legacy session, on which it hears of changes.
//!
//! Without a session there is nothing that a stream could belong to (405), as for clients of the stateless era.
//! Streams are not resumed: events have no ids. A client that wants to go on after one all the same (`Last-Event-ID`,
//! which another gateway or an earlier life may have given it) cannot know what it missed, so it is told that every list
//! changed. Updates of resources wait for the next stream of the session anyway.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::permission::grant::ServersUse;
use engine::{
    push::{Lists, elicited::Elicitations},
    resolve,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use protocol::{abilities::Abilities, headers, json::RawObject, ladder::Refusal, version};

use super::feed::{Check, Feed, Voice};
use crate::{
    api::problem::Failure,
    guard::Authorized,
    mcp::{
        elsewhere,
        endpoint::{self, Request},
        reply::Reply,
    },
    replicas::Came,
};

/// `GET /mcp`.
pub(crate) async fn everything(auth: Authorized<ServersUse>, came: Came, headers: HeaderMap) -> Response {
    open(auth, None, came, headers).await
}

/// `GET /servers/{id}/mcp`.
pub(crate) async fn server(
    auth: Authorized<ServersUse>,
    Path(id): Path<String>,
    came: Came,
    headers: HeaderMap,
) -> Response {
    open(auth, Some(id), came, headers).await
}

async fn open(
    auth: Authorized<ServersUse>,
    server: Option<String>,
    came: Came,
    headers: HeaderMap,
) -> Response {
    let place = match resolve::place(auth.app.engine(), &auth, server.as_deref()) {
        Ok(place) => place,
        Err(error) => return Failure(error).into_response(),
    };
    if speaks_modern(&headers) {
        return endpoint::only("POST");
    }
    if !auth.app.settings().streams.get_enabled {
        return endpoint::only("POST, DELETE");
    }
    let at = server.unwrap_or_default();
    let mut request = Request { auth, place, at, headers, session: None, streams: true };
    if let Err(refusal) = endpoint::find_session(&mut request).await {
        return endpoint::refuse(refusal);
    }
    let Some(session) = request.session.clone() else { return endpoint::only("POST, DELETE") };
    if !takes_streams(&request.headers) {
        return endpoint::refuse(Refusal::NotAcceptable);
    }
    if let Some(answer) = elsewhere::batch(&request, &came, &Bytes::new()).await {
        return answer;
    }
    let app = request.auth.app.clone();
    let slot = match app.push().slots().take(&app, "session", &request.auth.actor().email) {
        Ok(slot) => slot,
        Err(error) => return Failure(error).into_response(),
    };
    let state = app.push().states().of(&session.key);
    let id = request.headers.get(&headers::SESSION_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let check = Check { id: id.to_owned(), at: request.at.clone() };
    let mut feed = Feed::new(&request, Voice::Plain, slot, state.inbox.clone());
    feed.lists = Lists::ALL;
    feed.check = Some(check);
    feed.ends = vec![("replaced", state.take_stream()), ("session", state.ended.clone())];
    if session.abilities.has(Abilities::URL) {
        feed.elicited = Some(Elicitations::of(app.engine(), &request.auth));
    }
    if request.headers.contains_key(&headers::LAST_EVENT_ID) {
        Lists::ALL.methods().for_each(|method| feed.say(method, RawObject::new()));
    }
    answer(feed)
}

/// The answer that a feed is the body of.
pub(crate) fn answer(feed: Feed) -> Response {
    let mut response = Reply::Stream(feed.into_body()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

fn speaks_modern(headers: &HeaderMap) -> bool {
    let named = headers.get(&headers::PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    named.is_some_and(version::is_modern_or_later)
}

/// Whether the client takes an event stream. One that says nothing takes anything.
pub(crate) fn takes_streams(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all(header::ACCEPT).iter().flat_map(|value| {
        value
            .to_str()
            .unwrap_or_default()
            .split(',')
            .map(|range| range.split(';').next().unwrap_or_default().trim())
    });
    let takes = |range: &str| {
        ["text/event-stream", "text/*", "*/*"].iter().any(|taken| range.eq_ignore_ascii_case(taken))
    };
    !headers.contains_key(header::ACCEPT) || ranges.any(takes)
}
