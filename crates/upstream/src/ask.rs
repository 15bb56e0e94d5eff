//! A question of an upstream's to the client of one call, and the way back for the answer.
//!
//! Invariant: every question is answered exactly once. One that is dropped is answered with an error, so that no
//! server waits for somebody who is gone.

use std::{borrow::Cow, fmt, time::Duration};

use protocol::{
    json::{self, RawObject},
    jsonrpc::{Id, Outcome, RpcError},
    ladder,
    meta::{self, MetaEdit},
    rounds::Question,
};
use serde_json::value::RawValue;

/// How long a client may think about a question: a call whose server asks may take this long from then on.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Under this key of a question's `_meta` a legacy server may say what it is called towards modern clients, which see
/// questions by name; others are called after their request id.
const NAME: &str = "io.contextforge/inputKey";

type Respond = Box<dyn FnOnce(Outcome) + Send>;

/// A question that waits for its answer.
pub struct Ask {
    /// What is asked.
    pub question: Question,
    respond: Option<Respond>,
}

impl Ask {
    /// A question whose answer goes to `respond`.
    pub fn new(question: Question, respond: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Self { question, respond: Some(Box::new(respond)) }
    }

    /// Answers it.
    pub fn answer(mut self, outcome: Outcome) {
        if let Some(respond) = self.respond.take() {
            respond(outcome);
        }
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        if let Some(respond) = self.respond.take() {
            respond(Err(RpcError::new(ladder::INTERNAL_ERROR, "The client did not answer")));
        }
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("question", &self.question).finish_non_exhaustive()
    }
}

/// The question in a request of a legacy server's.
pub(crate) fn question(id: &Id, method: &str, params: Option<&RawValue>) -> Question {
    let key = params.and_then(name).unwrap_or_else(|| {
        let id = id.as_text().unwrap_or_else(|| id.as_raw().get().into());
        format!("input-{id}")
    });
    // The token is the server's own, for a progress that nobody reports.
    let edit = MetaEdit::new().remove(meta::PROGRESS_TOKEN).remove(NAME);
    let params =
        params.map(|params| meta::with_meta(Some(params), &edit).unwrap_or_else(|_| params.to_owned()));
    Question { key, method: method.to_owned(), params }
}

fn name(params: &RawValue) -> Option<String> {
    let object = RawObject::parse(params).ok()?;
    let meta = RawObject::parse(object.get("_meta").filter(|meta| json::is_object(meta))?).ok()?;
    meta.text(NAME).map(Cow::into_owned).filter(|name| (1..=128).contains(&name.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_dropped_question_is_answered_too() {
        let (sender, answers) = mpsc::channel();
        let ask = |sender: mpsc::Sender<Outcome>| {
            Ask::new(question(&Id::from(7), "roots/list", None), move |outcome| sender.send(outcome).unwrap())
        };
        drop(ask(sender.clone()));
        assert_eq!(answers.recv().unwrap().unwrap_err().code, ladder::INTERNAL_ERROR);
        ask(sender).answer(Ok(raw("{}")));
        assert_eq!(answers.recv().unwrap().unwrap().get(), "{}");
        assert!(answers.recv().is_err(), "answered once");
    }

    #[test]
    fn questions_are_called_after_their_ids_or_as_the_server_says() {
        let named = raw(r#"{"message":"?","_meta":{"io.contextforge/inputKey":"name"}}"#);
        let named = question(&Id::from(7), "elicitation/create", Some(&named));
        assert_eq!((named.key.as_str(), named.params.unwrap().get()), ("name", r#"{"message":"?"}"#));
        assert_eq!(question(&Id::from("a\"b"), "roots/list", None).key, "input-a\"b");
        assert_eq!(question(&Id::from(7), "roots/list", Some(&raw("{}"))).key, "input-7");
    }
}
