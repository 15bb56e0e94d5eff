//! Reading what an upstream says: its reply, notifications for one caller, and requests that nobody here answers.
//!
//! Pure. A reply counts only with the id of the request; everything else on the stream belongs to somebody else.

use protocol::{
    abilities::Abilities,
    json::{self, RawObject},
    jsonrpc::{self, Id, Message, Outcome},
    meta,
    rounds::Question,
};
use serde_json::value::RawValue;

use crate::{
    ask,
    call::{Change, Event},
    fault::Fault,
};

/// One message of an upstream, as seen by the sender of request `id`.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The reply.
    Done(Outcome),
    /// A notification that the caller wants to see.
    Event(Event),
    /// A list changed.
    Changed(Change),
    /// A resource was updated.
    Updated(String),
    /// The server asks the gateway something.
    Asked(Id, bool),
    /// The server asks something that this caller can answer.
    Question(Id, Question),
    /// Nothing for this caller.
    Nothing,
}

/// What one caller wants to hear besides the reply.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ear {
    /// Id and progress token of the request.
    pub(crate) id: i64,
    /// Whether progress was asked for.
    pub(crate) progress: bool,
    /// The least severe log message, as its place in `LOG_LEVELS`.
    pub(crate) level: Option<usize>,
    /// What the caller can be asked.
    pub(crate) abilities: Abilities,
}

impl Ear {
    /// The ear of a call.
    pub(crate) fn new(id: i64, context: &crate::call::CallContext) -> Self {
        let level = context.log_level.as_deref().and_then(severity);
        Self { id, progress: context.progress, level, abilities: context.abilities }
    }

    /// Reads one message; what cannot be read is an error, because the reply may have been in it.
    pub(crate) fn hear(&self, text: &[u8]) -> Result<Heard, Fault> {
        match jsonrpc::parse(text) {
            Ok(Message::Response { id: Some(id), outcome }) if id.as_number() == Some(self.id) => {
                Ok(Heard::Done(outcome))
            }
            // Servers that could not read the id say so with none.
            Ok(Message::Response { id: None, outcome }) => Ok(Heard::Done(outcome)),
            Ok(Message::Response { .. }) => Ok(Heard::Nothing),
            Ok(Message::Request { id, method, params }) if self.abilities.allow(&method, params) => {
                let question = ask::question(&id, &method, params);
                Ok(Heard::Question(id, question))
            }
            Ok(Message::Request { id, method, .. }) => Ok(Heard::Asked(id, method == "ping")),
            Ok(Message::Notification { method, params }) => Ok(self.notified(&method, params)),
            Err(refusal) => {
                let why = refusal.message();
                Err(Fault::Useless(format!("answered with something that is not JSON-RPC: {why}")))
            }
        }
    }

    fn notified(&self, method: &str, params: Option<&RawValue>) -> Heard {
        if let Some(change) = Change::of(method) {
            return Heard::Changed(change);
        }
        let params = match method {
            "notifications/progress" => match params.and_then(progress) {
                Some((token, params)) if self.progress && token == self.id => Some(params),
                _ => return Heard::Nothing,
            },
            "notifications/resources/updated" => return updated(params),
            "notifications/message" if !self.wants_message(params) => return Heard::Nothing,
            // The front door knows which client was asked.
            "notifications/elicitation/complete" if !self.abilities.has(Abilities::URL) => {
                return Heard::Nothing;
            }
            // About the session, not about this request.
            "notifications/cancelled"
            | "notifications/initialized"
            | "notifications/subscriptions/acknowledged" => return Heard::Nothing,
            _ => params.map(ToOwned::to_owned),
        };
        Heard::Event(Event::Notification { method: method.to_owned(), params })
    }

    /// Whether a log message is severe enough for the caller.
    pub(crate) fn wants_message(&self, params: Option<&RawValue>) -> bool {
        let Some(least) = self.level else { return false };
        let object = params.and_then(|params| RawObject::parse(params).ok());
        let level = object.as_ref().and_then(|object| object.text("level"));
        level.and_then(|level| severity(&level)).is_some_and(|level| level >= least)
    }
}

fn updated(params: Option<&RawValue>) -> Heard {
    updated_uri(params).map_or(Heard::Nothing, Heard::Updated)
}

/// The URI in the parameters of `notifications/resources/updated`.
pub(crate) fn updated_uri(params: Option<&RawValue>) -> Option<String> {
    let object = params.and_then(|params| RawObject::parse(params).ok())?;
    object.text("uri").map(std::borrow::Cow::into_owned)
}

/// The place of a log level, higher for more severe ones.
pub(crate) fn severity(level: &str) -> Option<usize> {
    meta::LOG_LEVELS.iter().position(|known| *known == level)
}

/// The token of a progress notification, if it is one of ours, and its parameters without the token: the caller
/// knows its own.
pub(crate) fn progress(params: &RawValue) -> Option<(i64, Box<RawValue>)> {
    let mut object = RawObject::parse(params).ok()?;
    let token = object.remove(meta::PROGRESS_TOKEN)?;
    // Some servers turn tokens into texts.
    let number = json::as_text(&token).map_or_else(|| token.get().parse(), |text| text.parse()).ok()?;
    Some((number, object.to_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(ear: &Ear, text: &str) -> String {
        match ear.hear(text.as_bytes()) {
            Ok(Heard::Done(Ok(result))) => format!("done {result}"),
            Ok(Heard::Done(Err(error))) => format!("error {}", error.code),
            Ok(Heard::Event(Event::Notification { method, params })) => {
                format!("{method} {}", params.map_or_else(String::new, |params| params.get().to_owned()))
            }
            Ok(Heard::Event(Event::Done(_) | Event::Asked(_))) => unreachable!(),
            Ok(Heard::Changed(change)) => format!("{change:?}"),
            Ok(Heard::Updated(uri)) => format!("updated {uri}"),
            Ok(Heard::Asked(id, ping)) => format!("asked {id} {ping}"),
            Ok(Heard::Question(id, question)) => format!("question {id} {}", question.method),
            Ok(Heard::Nothing) => String::new(),
            Err(_) => "fault".to_owned(),
        }
    }

    #[test]
    fn only_the_reply_to_this_request_is_the_reply() {
        let ear = Ear { id: 7, ..Ear::default() };
        assert_eq!(hear(&ear, r#"{"jsonrpc":"2.0","id":7,"result":{"x":1e400}}"#), r#"done {"x":1e400}"#);
        assert_eq!(hear(&ear, r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":""}}"#), "error -1");
        assert_eq!(hear(&ear, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-2,"message":""}}"#), "error -2");
        for other in [r#"{"jsonrpc":"2.0","id":8,"result":{}}"#, r#"{"jsonrpc":"2.0","id":"7","result":{}}"#]
        {
            assert_eq!(hear(&ear, other), "");
        }
        for broken in ["", "x", "[]", r#"{"jsonrpc":"2.0","id":7,"result":{},"result":{}}"#] {
            assert_eq!(hear(&ear, broken), "fault", "{broken}");
        }
    }

    #[test]
    fn notifications_reach_whoever_asked_for_them() {
        let deaf = Ear { id: 7, ..Ear::default() };
        let ear = Ear { id: 7, progress: true, level: severity("warning"), ..Ear::default() };
        let note = |method: &str, params: &str| {
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#)
        };
        let progress = note("progress", r#"{"progressToken":7,"progress":0.50}"#);
        assert_eq!(hear(&ear, &progress), r#"notifications/progress {"progress":0.50}"#);
        assert_eq!(hear(&deaf, &progress), "");
        assert_eq!(hear(&ear, &note("progress", r#"{"progressToken":8,"progress":1}"#)), "");
        let warning = note("message", r#"{"level":"warning","data":1}"#);
        assert!(hear(&ear, &warning).starts_with("notifications/message"));
        assert_eq!(hear(&deaf, &warning), "");
        assert_eq!(hear(&ear, &note("message", r#"{"level":"notice","data":1}"#)), "");
        assert_eq!(hear(&ear, &note("tools/list_changed", "{}")), "Tools");
        assert_eq!(hear(&ear, &note("resources/updated", "{}")), "");
        assert_eq!(hear(&ear, &note("resources/updated", r#"{"uri":"a:b"}"#)), "updated a:b");
        assert_eq!(hear(&ear, &note("acme/thing", r#"{"a":1}"#)), r#"notifications/acme/thing {"a":1}"#);
        assert_eq!(hear(&ear, r#"{"jsonrpc":"2.0","id":"q","method":"ping"}"#), r#"asked "q" true"#);
    }
}
