//! The numbers of refusals. Every answer 403 carries one, under which an administrator finds out why.
//!
//! Where an error becomes an answer, the refusal is given a number and travels beside the answer as a [`Note`]; the
//! outermost layer writes the header and hands the note to the engine, together with what it knows of the request.

use std::sync::Arc;

use axum::response::Response;
use domain::{Denial, Outcome, Permission, TraceStep};
use engine::{
    Engine,
    policy::denials::{self, Refusal},
};
use http::{HeaderName, HeaderValue, StatusCode};

/// The header with the number.
pub(crate) const DECISION_ID: HeaderName = HeaderName::from_static("x-decision-id");

/// A refusal on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    /// Its number.
    pub(crate) id: String,
    email: Option<String>,
    reason: &'static str,
    needs: Option<Permission>,
    trace: Vec<TraceStep>,
}

/// The refusals in one answer: several in the answer to a batch.
#[derive(Debug, Clone)]
struct Notes(Arc<[Note]>);

impl Note {
    /// A refusal that explains itself.
    pub(crate) fn of(denial: Denial) -> Self {
        let Denial { email, reason, needs, trace, .. } = denial;
        Self { id: number(), email: Some(email), reason, needs, trace }
    }

    /// One by a rule that says why in its text.
    pub(crate) fn of_rule(text: &'static str) -> Self {
        let step = TraceStep { step: "rule", outcome: Outcome::Denied, why: text.into(), change: None };
        Self { reason: "rule", trace: vec![step], ..Self::unexplained(None) }
    }

    /// One that does not.
    pub(crate) fn unexplained(needs: Option<Permission>) -> Self {
        Self { id: number(), email: None, reason: "other", needs, trace: Vec::new() }
    }

    /// One that was given before anybody decided: a foreign Host or Origin, a missing CSRF token.
    pub(crate) fn at_the_edge() -> Self {
        Self { reason: "edge", ..Self::unexplained(None) }
    }
}

fn number() -> String {
    domain::id::UserId::random().into()
}

/// Lets refusals travel beside an answer.
pub(crate) fn attach(response: &mut Response, notes: Vec<Note>) {
    if !notes.is_empty() {
        response.extensions_mut().insert(Notes(notes.into()));
    }
}

/// What is known of a request that was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused<'a> {
    pub(crate) caller: &'a domain::Caller,
    pub(crate) method: &'a http::Method,
    pub(crate) path: &'a str,
}

/// Keeps the refusals of an answer and writes the number into its header. An answer 403 that brought none, because
/// it was given before anybody decided (a foreign Host or Origin, a missing CSRF token), is given one here.
pub(crate) fn keep(engine: &Engine, request: Refused<'_>, response: &mut Response) {
    let notes = response.extensions_mut().remove::<Notes>();
    let notes = match notes {
        Some(Notes(notes)) => notes,
        None if response.status() == StatusCode::FORBIDDEN => Arc::from([Note::at_the_edge()]),
        None => return,
    };
    if let Some(id) = notes.first().and_then(|note| HeaderValue::try_from(&note.id).ok()) {
        response.headers_mut().insert(DECISION_ID, id);
    }
    for note in notes.iter().cloned() {
        let refusal = Refusal {
            id: note.id.into(),
            at: engine.clock().now(),
            email: note.email,
            reason: note.reason,
            needs: note.needs,
            method: request.method.as_str().into(),
            path: request.path.into(),
            ip: request.caller.ip,
            request_id: Arc::clone(&request.caller.request_id),
            trace: note.trace,
        };
        denials::note(engine, refusal);
    }
}
