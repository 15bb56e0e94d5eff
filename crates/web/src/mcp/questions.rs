//! Questions of upstreams to legacy clients: asked on the stream of their call, answered with a POST of its own.
//!
//! A question goes out under a sealed id, bound to the principal and the endpoint of the call. An answer to anything
//! else is nobody's and is dropped: who guesses or borrows an id answers nothing. The id names the process that holds
//! the call (`owner`), because an answer may come in at another replica, which hands it over ([`super::elsewhere`]).
//! Invariant: a question is answered once, and leaves the table with its call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Error, Result, id::UserId};
use engine::invoke::Ask;
use protocol::{
    json::RawObject,
    jsonrpc::{self, Id, Outcome},
    rounds::Question,
    seal::Sealer,
};
use serde_json::value::RawValue;

/// Questions that may be open in this process; far more than there are people who read them.
const MOST: usize = 10_000;

const PURPOSE: &str = "question";

/// The questions that are open in this process.
#[derive(Debug, Clone)]
pub(crate) struct Questions {
    owner: Arc<str>,
    open: Arc<Mutex<HashMap<Box<str>, Ask>>>,
}

/// A question that was asked; it is withdrawn when this is dropped.
#[derive(Debug)]
pub(crate) struct Asked {
    questions: Questions,
    key: Box<str>,
}

impl Questions {
    /// An empty table; `owner` names this process.
    pub(crate) fn new(owner: Arc<str>) -> Self {
        Self { owner, open: Arc::default() }
    }

    /// Notes a question and writes the request that asks it. `binding` says whose call it belongs to.
    pub(crate) fn ask(
        &self,
        sealer: &Sealer,
        (binding, revision): (&str, &str),
        ask: Ask,
    ) -> Result<(Vec<u8>, Asked)> {
        let key: Box<str> = UserId::random().as_str().into();
        let text = format!("{}:{key}", self.owner);
        let id = sealer.seal(PURPOSE, binding.as_bytes(), text.as_bytes()).map_err(Error::internal)?;
        let params = for_legacy(&ask.question, revision, &key);
        let request = jsonrpc::write_request(&Id::from(&*id), &ask.question.method, params.as_deref());
        let mut open = self.open();
        if open.len() >= MOST {
            return Err(Error::Unavailable("too many questions to clients are open".to_owned()));
        }
        open.insert(key.clone(), ask);
        drop(open);
        Ok((request, Asked { questions: self.clone(), key }))
    }

    /// The process that asked the question which this id names.
    pub(crate) fn owner(sealer: &Sealer, binding: &str, id: &Id) -> Option<String> {
        let text = sealer.open(PURPOSE, binding.as_bytes(), &id.as_text()?).ok()?;
        let text = String::from_utf8(text).ok()?;
        text.split_once(':').map(|(owner, _)| owner.to_owned())
    }

    /// Takes the answer of a client.
    pub(crate) fn answered(&self, sealer: &Sealer, binding: &str, id: &Id, outcome: Outcome) {
        let Some(id) = id.as_text() else { return };
        let Ok(text) = sealer.open(PURPOSE, binding.as_bytes(), &id) else { return };
        let text = String::from_utf8_lossy(&text);
        let Some((owner, key)) = text.split_once(':') else { return };
        if *owner != *self.owner {
            tracing::warn!("a client answered a question that another process asked; its call cannot go on");
            return;
        }
        let ask = self.open().remove(key);
        if let Some(ask) = ask {
            ask.answer(outcome);
        }
    }

    /// How many were asked and not answered.
    pub(crate) fn count(&self) -> usize {
        self.open().len()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Box<str>, Ask>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        // Out of the lock: a question that is dropped tells its server.
        let withdrawn = self.questions.open().remove(&self.key);
        drop(withdrawn);
    }
}

/// The parameters as a client of this revision knows them. Modes of elicitation came with 2025-11-25, which wants an
/// id for the one by URL.
fn for_legacy(question: &Question, revision: &str, key: &str) -> Option<Box<RawValue>> {
    let params = question.params.as_deref();
    if question.method != "elicitation/create" {
        return params.map(ToOwned::to_owned);
    }
    let mut object = RawObject::parse(params?).ok()?;
    let by_url = object.text("mode").is_some_and(|mode| mode == "url");
    if by_url && !object.contains("elicitationId") {
        object.set_text("elicitationId", key);
    }
    if !by_url && revision < "2025-11-25" {
        object.remove("mode");
    }
    Some(object.to_raw())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    fn ask(params: &str) -> (Ask, mpsc::Receiver<Outcome>) {
        let (sender, answers) = mpsc::channel();
        let question = Question {
            key: "k".to_owned(),
            method: "elicitation/create".to_owned(),
            params: Some(raw(params)),
        };
        (Ask::new(question, move |outcome| drop(sender.send(outcome))), answers)
    }

    fn id_of(request: &[u8]) -> Id {
        let Ok(jsonrpc::Message::Request { id, .. }) = jsonrpc::parse(request) else { panic!("a request") };
        id
    }

    #[test]
    fn a_question_is_answered_by_its_own_client_and_once() {
        let sealer = Sealer::new(&[("1", [7; 32])]).unwrap();
        let questions = Questions::new("here".into());
        let (first, answers) = ask("{}");
        let (request, asked) = questions.ask(&sealer, ("ann", "2025-11-25"), first).unwrap();
        let id = id_of(&request);
        questions.answered(&sealer, "bob", &id, Ok(raw("1")));
        questions.answered(&sealer, "ann", &Id::from(7), Ok(raw("2")));
        Questions::new("there".into()).answered(&sealer, "ann", &id, Ok(raw("3")));
        questions.answered(&sealer, "ann", &id, Ok(raw("4")));
        questions.answered(&sealer, "ann", &id, Ok(raw("5")));
        assert_eq!(answers.recv().unwrap().unwrap().get(), "4");
        assert!(answers.recv().is_err());
        drop(asked);
        let (second, answers) = ask("{}");
        drop(questions.ask(&sealer, ("ann", "2025-11-25"), second).unwrap());
        assert!(answers.recv().unwrap().is_err(), "withdrawn with its call");
        assert!(questions.open().is_empty());
    }

    #[test]
    fn a_question_is_put_as_its_revision_knows_it() {
        let put = |params: &str, revision| {
            let (ask, _) = ask(params);
            for_legacy(&ask.question, revision, "id").unwrap().get().to_owned()
        };
        assert_eq!(put(r#"{"mode":"form","message":"?"}"#, "2025-06-18"), r#"{"message":"?"}"#);
        assert_eq!(put(r#"{"mode":"form"}"#, "2025-11-25"), r#"{"mode":"form"}"#);
        assert_eq!(put(r#"{"mode":"url"}"#, "2025-11-25"), r#"{"mode":"url","elicitationId":"id"}"#);
    }
}
