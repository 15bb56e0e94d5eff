//! The end of a call as a client of its era understands it: results and the errors that only one era has.
//!
//! What a modern upstream wants back is sealed on the way out. Codes of the other era are translated: `-32042`
//! (something has to be done at a URL) becomes `input_required` for a modern client that can do it, and a text for
//! whoever cannot; a missing capability is the modern client's mistake (400) and a failed tool for a legacy one.

use std::borrow::Cow;

use domain::Error;
use engine::{invoke::Outcome, rounds::tool_error};
use http::StatusCode;
use protocol::{
    abilities::Abilities,
    json::{self, RawObject},
    jsonrpc::RpcError,
    ladder,
    rounds::{self, Question},
};
use serde_json::value::RawValue;

use super::{
    dispatch::for_client,
    parking::{self, ANEW, UPSTREAM},
    reply::Reply,
    running::Client,
    tasks,
};
use crate::app::App;

/// The answer to a client's request.
pub(crate) fn answer(app: &App, binding: &str, outcome: Outcome, client: &Client) -> Reply {
    match translated(app, binding, outcome, client) {
        Ok(outcome) => {
            let mistakes = [ladder::MISSING_CAPABILITY, ladder::HEADER_MISMATCH];
            let mistake = matches!(&outcome, Err(error) if mistakes.contains(&error.code));
            let status =
                if mistake && client.era.is_modern() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            Reply::Answer { id: client.id.clone(), outcome, status, session: None }
        }
        Err(error) => Reply::failed(client.id.clone(), error, client.era),
    }
}

fn translated(app: &App, binding: &str, outcome: Outcome, client: &Client) -> Result<Outcome, Error> {
    let outcome = match outcome {
        Ok(result) => Ok(tasks::sealed(app, binding, result, client)?),
        Err(error) => Err(error),
    };
    match (outcome, &client.digest) {
        (Ok(result), Some(digest)) => {
            let result = match rounds::state_of(&result) {
                None => result,
                Some(state) => {
                    let sealed = parking::seal_state(app, (binding, digest), (UPSTREAM, &state))?;
                    rounds::with_state(&result, &sealed).map_err(Error::internal)?
                }
            };
            for_client(result, client.era, client.cacheable).map(Ok)
        }
        (Ok(result), None) => for_client(result, client.era, client.cacheable).map(Ok),
        (Err(error), digest) if error.code == ladder::LEGACY_URL_ELICITATION => {
            url_needed(app, (binding, digest.as_deref()), error, client)
        }
        (Err(error), _) => Ok(failed(error, client)),
    }
}

/// An error in the words of the client's era.
fn failed(mut error: RpcError, client: &Client) -> Outcome {
    if client.era.is_modern() {
        if error.code == ladder::LEGACY_RESOURCE_NOT_FOUND {
            error.code = ladder::INVALID_PARAMS;
        }
        return Err(error);
    }
    if error.code == ladder::MISSING_CAPABILITY && client.tool {
        return Ok(tool_error(&error.message));
    }
    Err(error)
}

/// The upstream wants something done at a URL before it takes the request.
fn url_needed(
    app: &App,
    (binding, digest): (&str, Option<&str>),
    error: RpcError,
    client: &Client,
) -> Result<Outcome, Error> {
    let questions = elicitations(&error);
    let can = client.abilities.has(Abilities::URL) && !questions.is_empty();
    match digest {
        Some(digest) if can => {
            let state = parking::seal_state(app, (binding, digest), (ANEW, ""))?;
            Ok(Ok(rounds::input_required(&questions, &state)))
        }
        None if can && !client.era.is_modern() => Ok(Err(error)),
        _ if client.tool => for_client(tool_error(&in_words(&error, &questions)), client.era, false).map(Ok),
        _ => Ok(Err(RpcError::new(ladder::INTERNAL_ERROR, in_words(&error, &questions)))),
    }
}

fn elicitations(error: &RpcError) -> Vec<Question> {
    let data = error.data.as_deref().and_then(|data| RawObject::parse(data).ok());
    let list = data.as_ref().and_then(|data| data.get("elicitations")).and_then(json::elements);
    let question = |(number, given): (usize, &RawValue)| {
        let mut object = RawObject::parse(given).ok()?;
        object.text("url")?;
        object.set_text("mode", "url");
        let key = object.text("elicitationId").map_or_else(|| format!("url-{number}"), Cow::into_owned);
        let params = Some(object.to_raw());
        Some(Question { key, method: "elicitation/create".to_owned(), params })
    };
    list.unwrap_or_default().into_iter().enumerate().filter_map(question).collect()
}

/// For clients that cannot open a URL themselves: the person who reads it can.
fn in_words(error: &RpcError, questions: &[Question]) -> String {
    let mut text = error.message.clone();
    for question in questions {
        let object = question.params.as_deref().and_then(|params| RawObject::parse(params).ok());
        let Some(object) = object else { continue };
        for member in ["message", "url"] {
            if let Some(part) = object.text(member) {
                text.push('\n');
                text.push_str(&part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_be_done_at_a_url_becomes_a_question_or_a_text() {
        let data = r#"{"elicitations":[{"mode":"url","elicitationId":"e1","url":"https://a.test/","message":"Sign in"},{"message":"no url"}]}"#;
        let error = RpcError::new(-32042, "Needs a URL").with_data(serde_json::from_str(data).unwrap());
        let questions = elicitations(&error);
        assert_eq!(questions.len(), 1);
        assert_eq!((questions[0].key.as_str(), questions[0].method.as_str()), ("e1", "elicitation/create"));
        assert_eq!(in_words(&error, &questions), "Needs a URL\nSign in\nhttps://a.test/");
        assert!(elicitations(&RpcError::new(-32042, "x")).is_empty());
    }
}
