//! JSON-RPC 2.0 envelopes: one message, or a batch for the one revision that has them.
//!
//! Only the envelope is read; `params` stays the text it is. A message that two parsers could read differently
//! (duplicate or case-variant envelope members) is refused. `"params": null` and an `"error": null` beside a result
//! mean "absent", because stock peers write them.

mod error;
mod id;
mod write;

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    json::{self, JsonError, RawObject},
    ladder::Refusal,
};

pub use error::RpcError;
pub use id::Id;
pub use write::{write_error, write_notification, write_request, write_request_of, write_result};

/// What a request ends with.
pub type Outcome = Result<Box<RawValue>, RpcError>;

/// The members an envelope can have; anything that imitates one of them is refused.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// How many messages one batch may carry.
pub const MAX_BATCH: usize = 50;

/// One JSON-RPC message.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// Wants an answer with the same id.
    Request {
        /// Chosen by the sender.
        id: Id,
        /// Decoded, so `tools\/call` is `tools/call`.
        method: Cow<'a, str>,
        /// An object, undecoded.
        params: Option<&'a RawValue>,
    },
    /// Wants no answer.
    Notification {
        /// Decoded method.
        method: Cow<'a, str>,
        /// An object, undecoded.
        params: Option<&'a RawValue>,
    },
    /// Answers a request.
    Response {
        /// Absent only in an error about a message whose id could not be read.
        id: Option<Id>,
        /// The result or the error.
        outcome: Outcome,
    },
}

impl Message<'_> {
    /// The method, unless it is a response.
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => Some(method),
            Self::Response { .. } => None,
        }
    }

    /// The id, if it has one.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Self::Request { id, .. } => Some(id),
            Self::Response { id, .. } => id.as_ref(),
            Self::Notification { .. } => None,
        }
    }
}

/// Whether the text is an array, that is, a batch.
pub fn is_batch(text: &[u8]) -> bool {
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// Reads one message.
pub fn parse(text: &[u8]) -> Result<Message<'_>, Refusal> {
    match RawObject::parse_exact(text, &ENVELOPE) {
        Ok(envelope) => message(&envelope),
        Err(JsonError::NotAnObject) if is_batch(text) => {
            Err(invalid("batches exist only in revision 2025-03-26", None))
        }
        Err(error) => Err(Refusal::from(error)),
    }
}

/// Reads one message or an array of them; only for clients of revision 2025-03-26.
///
/// A message that cannot be read is refused on its own: the others are still answered.
pub fn parse_batch(text: &[u8]) -> Result<Vec<Result<Message<'_>, Refusal>>, Refusal> {
    if !is_batch(text) {
        return Ok(vec![parse(text)]);
    }
    if json::deeper_than(text, json::MAX_DEPTH) {
        return Err(Refusal::from(JsonError::TooDeep));
    }
    let items: Vec<&RawValue> =
        serde_json::from_slice(text).map_err(|error| Refusal::Malformed(error.to_string()))?;
    match items.len() {
        0 => Err(invalid("the batch is empty", None)),
        n if n > MAX_BATCH => {
            Err(invalid(&format!("the batch has {n} messages, at most {MAX_BATCH} may come"), None))
        }
        _ => Ok(items.into_iter().map(batched).collect()),
    }
}

fn batched(item: &RawValue) -> Result<Message<'_>, Refusal> {
    let parsed = message(&RawObject::parse_exact(item, &ENVELOPE)?)?;
    match parsed {
        Message::Request { id, method, .. } if method == "initialize" => {
            Err(invalid("initialize must not be part of a batch", Some(id)))
        }
        parsed => Ok(parsed),
    }
}

fn invalid(message: &str, id: Option<Id>) -> Refusal {
    Refusal::InvalidRequest { message: message.to_owned(), id }
}

/// Decides the kind of a message from its members.
fn message<'a>(envelope: &RawObject<'a>) -> Result<Message<'a>, Refusal> {
    let id = envelope.get("id").map(Id::read);
    // What could be read of the id goes into the refusal, so that the answer can echo it.
    let refuse = |text: &str| invalid(text, id.clone().and_then(Result::ok));
    match envelope.text("jsonrpc") {
        Some(version) if version == "2.0" => {}
        Some(_) => return Err(refuse("jsonrpc must be \"2.0\"")),
        None if envelope.contains("jsonrpc") => return Err(refuse("jsonrpc must be the string \"2.0\"")),
        None => return Err(refuse("jsonrpc is missing")),
    }
    let Some(method) = envelope.borrowed("method") else {
        return response(envelope, id);
    };
    if envelope.contains("result") || envelope.contains("error") {
        return Err(refuse("method cannot stand beside result or error"));
    }
    let method = json::as_text(method).ok_or_else(|| refuse("method must be a string"))?;
    if method.is_empty() {
        return Err(refuse("method is empty"));
    }
    let params = envelope.borrowed("params").filter(|params| !json::is_null(params));
    if params.is_some_and(|params| !json::is_object(params)) {
        return Err(refuse("params must be an object"));
    }
    match id {
        None => Ok(Message::Notification { method, params }),
        Some(Ok(id)) => Ok(Message::Request { id, method, params }),
        Some(Err(reason)) => Err(invalid(reason, None)),
    }
}

fn response<'a>(
    envelope: &RawObject<'a>,
    id: Option<Result<Id, &'static str>>,
) -> Result<Message<'a>, Refusal> {
    // With its id, a caller that waits for this response can be told that it was unreadable.
    let refuse = |text: &str| invalid(text, id.clone().and_then(Result::ok));
    let result = envelope.get("result");
    let error = envelope.get("error").filter(|error| !json::is_null(error) || result.is_none());
    let outcome = match (result, error) {
        (Some(result), None) => Ok(result.to_owned()),
        (None, Some(error)) => Err(RpcError::read(error).map_err(refuse)?),
        (Some(_), Some(_)) => return Err(refuse("result and error cannot both be present")),
        (None, None) => return Err(refuse("method is missing")),
    };
    let null = envelope.get("id").is_none_or(json::is_null);
    match id {
        _ if null && outcome.is_err() => Ok(Message::Response { id: None, outcome }),
        None => Err(invalid("id is missing", None)),
        Some(Ok(id)) => Ok(Message::Response { id: Some(id), outcome }),
        Some(Err(reason)) => Err(invalid(reason, None)),
    }
}

#[cfg(test)]
mod tests;
