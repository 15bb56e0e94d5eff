//! Calls that wait for a modern client to make its request again: `input_required` and the state that it brings back.
//!
//! Three kinds of state go through clients, all sealed and bound to the principal, the endpoint, the request and a
//! time: the state of a modern upstream; the place of a call to a legacy upstream that asked something, which is kept
//! here; and the note that a request may be made anew because its upstream refused it until something is done at a URL.
//! Invariants: a kept call is taken once; a request is never run again because its state is gone, but refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Error, Result, Timestamp, id::UserId};
use engine::invoke::{Ask, PATIENCE, Watched};
use protocol::{
    digest,
    json::{self, RawObject},
};
use serde_json::{json, value::RawValue};

use super::{dispatch::Incoming, endpoint::Request};
use crate::app::App;

/// Calls that may wait in this process.
const MOST: usize = 4096;

/// Calls of one principal that may wait in this process.
const MOST_OF_ONE: usize = 16;

/// How long the state of an upstream may be brought back.
const STATE_LIVES: std::time::Duration = std::time::Duration::from_hours(1);

const PURPOSE: &str = "request state";

/// The calls that wait in this process.
#[derive(Clone)]
pub(crate) struct Parking {
    owner: Arc<str>,
    calls: Arc<Mutex<HashMap<Box<str>, Parked>>>,
}

/// A call whose upstream waits for answers.
pub(crate) struct Parked {
    /// What else the upstream says.
    pub(crate) events: Watched,
    /// What it asked and was not answered.
    pub(crate) open: Vec<Ask>,
    binding: Box<str>,
}

/// What a request brings back.
pub(crate) enum Opened {
    /// Nothing: a new request.
    New,
    /// The state of a modern upstream, as the engine wrote it.
    Upstream(String),
    /// A call that goes on with the answers.
    Parked(Box<Parked>),
    /// A new request, after the client did what it was asked to.
    Anew,
}

impl Parking {
    /// Without calls; `owner` names this process.
    pub(crate) fn new(owner: Arc<str>) -> Self {
        Self { owner, calls: Arc::default() }
    }

    /// Keeps a call until its client comes back or loses patience; gives the state to come back with.
    pub(crate) fn park(
        &self,
        app: &App,
        (binding, digest): (&str, &str),
        call: (Watched, Vec<Ask>),
    ) -> Result<String> {
        let key: Box<str> = UserId::random().as_str().into();
        let state =
            Sealed { kind: "parked", text: &format!("{}:{key}", self.owner), digest, lives: PATIENCE };
        let state = seal(app, binding, &state)?;
        let mut calls = self.calls();
        if calls.len() >= MOST
            || calls.values().filter(|parked| *parked.binding == *binding).count() >= MOST_OF_ONE
        {
            return Err(Error::RateLimited { retry_after: PATIENCE });
        }
        let (events, open) = call;
        calls.insert(key.clone(), Parked { events, open, binding: binding.into() });
        drop(calls);
        let parking = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            // Out of the lock: a call that is dropped is cancelled at its upstream.
            let forgotten = parking.calls().remove(&key);
            drop(forgotten);
        });
        Ok(state)
    }

    /// How many calls wait in this process.
    pub(crate) fn count(&self) -> usize {
        self.calls().len()
    }

    fn take(&self, place: &str) -> Result<Parked> {
        let key = place.split_once(':').filter(|(owner, _)| **owner == *self.owner).map(|(_, key)| key);
        let parked = key.and_then(|key| self.calls().remove(key));
        parked.ok_or_else(|| Error::Refused("the request state has expired; call again".to_owned()))
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<Box<str>, Parked>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parked {
    /// Gives the upstream what was answered; what was not, or not in the form of an answer, stays open.
    pub(crate) fn answer(&mut self, responses: Option<&RawValue>) {
        let responses = responses.and_then(|responses| RawObject::parse(responses).ok()).unwrap_or_default();
        for ask in std::mem::take(&mut self.open) {
            match responses.get(&ask.question.key).filter(|answer| json::is_object(answer)) {
                Some(answer) => ask.answer(Ok(answer.to_owned())),
                None => self.open.push(ask),
            }
        }
    }
}

/// The state of a modern upstream, or the note that a request may be made anew (`anew`), sealed.
pub(crate) fn seal_state(
    app: &App,
    (binding, digest): (&str, &str),
    (kind, text): (&'static str, &str),
) -> Result<String> {
    seal(app, binding, &Sealed { kind, text, digest, lives: STATE_LIVES })
}

/// A modern upstream's state.
pub(crate) const UPSTREAM: &str = "upstream";
/// A request may be made anew.
pub(crate) const ANEW: &str = "anew";

struct Sealed<'a> {
    kind: &'static str,
    text: &'a str,
    digest: &'a str,
    lives: std::time::Duration,
}

fn seal(app: &App, binding: &str, state: &Sealed<'_>) -> Result<String> {
    let ends = app.engine().clock().now().plus(state.lives).seconds();
    let text = json!({ "k": state.kind, "s": state.text, "d": state.digest, "exp": ends }).to_string();
    app.sealer().seal(PURPOSE, binding.as_bytes(), text.as_bytes()).map_err(Error::internal)
}

/// What a request of a modern client is about, where its upstream may ask for input.
pub(crate) fn digest_of(incoming: &Incoming<'_>) -> Option<String> {
    let may_ask = matches!(incoming.method, "tools/call" | "prompts/get" | "resources/read");
    (may_ask && incoming.era.is_modern()).then(|| digest::of(incoming.method, &incoming.params))
}

/// Opens what a request brings back.
pub(crate) fn open(request: &Request, incoming: &Incoming<'_>) -> Result<Opened> {
    let state = incoming.params.object().get("requestState").filter(|state| !json::is_null(state));
    let Some(state) = state else { return Ok(Opened::New) };
    let Some(digest) = digest_of(incoming) else { return Ok(Opened::New) };
    let invalid = || Error::invalid("requestState", "is not valid for this request");
    let state = json::as_text(state).ok_or_else(|| Error::invalid("requestState", "must be a string"))?;
    let app = &request.auth.app;
    let opened = app.sealer().open(PURPOSE, request.binding().as_bytes(), &state).map_err(|_| invalid())?;
    let object = RawObject::parse(opened.as_slice()).map_err(Error::internal)?;
    let text = |key: &str| object.text(key).ok_or_else(invalid);
    let ends: i64 = object.get("exp").and_then(|ends| ends.get().parse().ok()).ok_or_else(invalid)?;
    if *text("d")? != *digest {
        return Err(invalid());
    }
    if Timestamp::from_seconds(ends) <= app.engine().clock().now() {
        return Err(Error::Refused("the request state has expired; call again".to_owned()));
    }
    match &*text("k")? {
        UPSTREAM => Ok(Opened::Upstream(text("s")?.into_owned())),
        ANEW => Ok(Opened::Anew),
        _ => Ok(Opened::Parked(Box::new(app.parking().take(&text("s")?)?))),
    }
}

/// The process that keeps the call which a request goes on with, if it goes on with one.
pub(crate) fn owner(request: &Request, state: &str) -> Option<String> {
    let opened = request.auth.app.sealer().open(PURPOSE, request.binding().as_bytes(), state).ok()?;
    let object = RawObject::parse(opened.as_slice()).ok()?;
    let place = object.text("k").filter(|kind| kind == "parked").and_then(|_| object.text("s"))?;
    place.split_once(':').map(|(owner, _)| owner.to_owned())
}
