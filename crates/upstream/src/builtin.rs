//! The demonstration server inside this process, for a first call with nothing else installed.
//!
//! It answers as an upstream of the modern revision would, in the same types, so that everything that happens to
//! real upstreams happens to it too. It keeps no state and reaches nothing.

use domain::{Clock, Result, gateway::Dialect};
use futures_util::stream;
use protocol::{
    jsonrpc::{Outcome, RpcError},
    ladder, version,
};
use serde::Deserialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use self::{
    texts::Completed,
    tools::{Called, Count},
};
use crate::call::{Answer, Call, Connected, Event, EventStream};

mod catalogue;
mod texts;
mod tools;

/// The demonstration server.
#[derive(Debug, Clone)]
pub struct BuiltinLink {
    clock: Clock,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Located {
    uri: String,
}

#[derive(Deserialize)]
struct Completing {
    #[serde(rename = "ref")]
    reference: Reference,
    argument: Argument,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    uri: String,
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

impl BuiltinLink {
    /// The server; `clock` is what it tells the time from.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// What the server says about itself.
    pub fn connect(&self) -> Result<Connected> {
        let raw = |value: Value| to_raw_value(&value).map_err(domain::Error::internal);
        Ok(Connected {
            dialect: Dialect { version: version::MODERN.to_owned(), modern: true },
            capabilities: raw(catalogue::capabilities())?,
            server_info: Some(raw(catalogue::server_info())?),
            instructions: Some(catalogue::INSTRUCTIONS.to_owned()),
        })
    }

    /// Answers one request.
    pub async fn call(&self, call: Call) -> Answer {
        match self.answer(&call.method, &call.params) {
            Ok(Reply::Now(result)) => Answer::Done(complete(result)),
            Ok(Reply::Count(count)) if call.context.progress => Answer::Stream(counting(count, call.timeout)),
            Ok(Reply::Count(count)) => {
                Answer::Stream(counting(count, call.timeout)).outcome().await.map_or_else(
                    |error| Answer::Done(Err(RpcError::new(ladder::INTERNAL_ERROR, error.to_string()))),
                    Answer::Done,
                )
            }
            Err(error) => Answer::Done(Err(error)),
        }
    }

    fn answer(&self, method: &str, params: &RawValue) -> Result<Reply, RpcError> {
        let result = match method {
            "server/discover" => json!({
                "supportedVersions": [version::MODERN], "capabilities": catalogue::capabilities(),
                "instructions": catalogue::INSTRUCTIONS, "ttlMs": 60_000, "cacheScope": "public",
            }),
            "tools/list" => json!({"tools": catalogue::tools()}),
            "prompts/list" => json!({"prompts": catalogue::prompts()}),
            "resources/list" => json!({"resources": catalogue::resources()}),
            "resources/templates/list" => json!({"resourceTemplates": catalogue::templates()}),
            "tools/call" => {
                let Named { name, arguments } = read(params)?;
                match tools::call(&name, arguments.as_deref(), &self.clock) {
                    Called::Result(result) => result,
                    Called::Count(count) => return Ok(Reply::Count(count)),
                    Called::Unknown => return Err(wrong(format!("Unknown tool: {name}"))),
                }
            }
            "prompts/get" => prompt(&read(params)?)?,
            "resources/read" => {
                let Located { uri } = read(params)?;
                texts::read(&uri).ok_or_else(|| wrong(format!("Resource not found: {uri}")))?
            }
            "completion/complete" => completion(&read(params)?)?,
            _ => return Err(RpcError::new(ladder::METHOD_NOT_FOUND, format!("Method not found: {method}"))),
        };
        Ok(Reply::Now(result))
    }
}

enum Reply {
    Now(Value),
    Count(Count),
}

fn read<'a, T: Deserialize<'a>>(params: &'a RawValue) -> Result<T, RpcError> {
    serde_json::from_str(params.get()).map_err(|error| wrong(format!("Invalid params: {error}")))
}

fn wrong(message: String) -> RpcError {
    RpcError::new(ladder::INVALID_PARAMS, message)
}

fn prompt(named: &Named) -> Result<Value, RpcError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeted {
        name: String,
    }
    if named.name != catalogue::GREET {
        return Err(wrong(format!("Unknown prompt: {}", named.name)));
    }
    let arguments = named.arguments.as_deref().map_or("{}", RawValue::get);
    let greeted: Greeted =
        serde_json::from_str(arguments).map_err(|error| wrong(format!("Invalid arguments: {error}")))?;
    Ok(texts::greet(&greeted.name))
}

fn completion(completing: &Completing) -> Result<Value, RpcError> {
    let Completing { reference, argument } = completing;
    let known = match (reference.kind.as_str(), argument.name.as_str()) {
        ("ref/prompt", "name") if reference.name == catalogue::GREET => Completed::Name,
        ("ref/resource", "id") if reference.uri == catalogue::ITEM => Completed::Item,
        _ => return Err(wrong("There is nothing to complete by that name".to_owned())),
    };
    Ok(texts::complete(&known, &argument.value))
}

/// A result of the modern revision.
fn complete(mut result: Value) -> Outcome {
    catalogue::insert(&mut result, "resultType", json!("complete"));
    to_raw_value(&result).map_err(|error| RpcError::new(ladder::INTERNAL_ERROR, error.to_string()))
}

/// Counts as long as the caller listens and time allows.
fn counting(count: Count, limit: std::time::Duration) -> EventStream {
    let deadline = tokio::time::Instant::now() + limit;
    EventStream::new(stream::unfold(Some(1), move |step| async move {
        let step = step?;
        let at = tokio::time::Instant::now() + count.delay();
        tokio::time::sleep_until(at.min(deadline)).await;
        if at > deadline {
            let error =
                RpcError::new(ladder::INTERNAL_ERROR, "the demonstration server did not answer in time");
            return Some((Event::Done(Err(error)), None));
        }
        if step > count.steps {
            return Some((Event::Done(complete(count.result())), None));
        }
        let params = to_raw_value(&count.progress(step)).ok();
        Some((Event::Notification { method: "notifications/progress".to_owned(), params }, Some(step + 1)))
    }))
}

#[cfg(test)]
mod tests;
