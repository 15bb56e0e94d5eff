//! What servers push: list changes, updated resources and log messages, to clients of both eras.
//!
//! A [`feed`] is one open stream: of a legacy session ([`get`]), of a modern subscription ([`listen`]), or of HTTP+SSE
//! (`doors::sse`). What a legacy session asked for by requests of its own, its log level and its subscriptions, is kept
//! by session ([`sessions`]). Who may hear what is decided in `engine::push`.
//!
//! Both live in the process that took the request: behind several replicas, a client's GET and its subscriptions meet
//! where requests of one session go to one replica. List changes are told on every replica.

pub(crate) mod feed;
pub(crate) mod get;
pub(crate) mod listen;
pub(crate) mod sessions;
mod slots;
pub(crate) mod subscribe;

use std::sync::Arc;

use domain::Secret;
use engine::push::{Listener, Proof};
use http::header::AUTHORIZATION;

use self::{sessions::States, slots::Slots};
use super::{doors::Lines, endpoint::Request};

/// How much a session hears of what servers log before its client says so.
const UNSET: &str = "info";

/// What clients are told unasked, and who is listening.
pub(crate) struct Push {
    slots: Slots,
    states: States,
    lines: Lines,
}

impl Push {
    /// Streams for at most so many of one principal at once.
    pub(crate) fn new(per_principal: usize) -> Self {
        Self { slots: Slots::new(per_principal), states: States::default(), lines: Lines::default() }
    }

    /// What sessions asked for.
    pub(crate) fn states(&self) -> &States {
        &self.states
    }

    /// Open streams of HTTP+SSE.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Counts open streams.
    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Forgets what a session asked for, and ends its stream.
    pub(crate) fn end(&self, session: &Arc<str>) {
        self.states.end(session);
    }
}

/// The log level of a request in a legacy session. A request without one says nothing of it and hears nothing.
pub(crate) fn level(request: &Request) -> Option<String> {
    let session = request.session.as_ref()?;
    let state = request.auth.app.push().states().known(&session.key);
    Some(state.map_or(UNSET, |state| state.level()).to_owned())
}

/// The listener behind a stream that is opened with this request.
pub(crate) fn listener(request: &Request) -> Listener {
    let shown = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = shown
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let proof = bearer.map_or(Proof::None, |(_, token)| Proof::Token(Secret::new(token.trim().to_owned())));
    let auth = &request.auth;
    Listener::new(auth.app.engine(), auth, &request.place, (proof, auth.caller.ip))
}
