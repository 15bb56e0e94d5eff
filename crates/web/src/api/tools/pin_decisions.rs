//! `POST /tools/pins/decisions`: many decisions about definitions in one request, each as if it were made alone; or one
//! about everything that an upstream changed, all of it or nothing.
//!
//! Every decision names the fingerprint that was looked at, so that nobody approves what they did not see; one about a
//! gateway names the newest `seen_at` that was looked at. One of many that cannot be carried out says why and keeps none
//! of the others back.

use domain::{Error, Timestamp, permission::grant::ToolsUpdate, pin::PinState};
use engine::tools::pins::{
    self, View,
    whole::{self, Whole},
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pins::summary;
use crate::{
    api::{json::Json, problem::Failure},
    guard::Authorized,
    routes::Api,
};

/// Given in one request: each is a transaction of its own.
const MOST: usize = 100;

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/tools/pins/decisions", decide)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(default)]
    decisions: Vec<Decision>,
    /// Everything of this gateway, instead of decisions about each.
    gateway_id: Option<String>,
    decision: Option<Verb>,
    /// The newest `seen_at` that was looked at.
    seen_until: Option<String>,
    /// What is decided about; what was changed or is new where absent, and never silently what is held back for a reason.
    states: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    tool_id: String,
    /// The fingerprint of the definition that was looked at.
    fingerprint: String,
    #[serde(rename = "decision")]
    verb: Verb,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verb {
    Approve,
    Reject,
}

impl From<Verb> for pins::Verb {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Approve => Self::Approve,
            Verb::Reject => Self::Reject,
        }
    }
}

async fn decide(operator: Authorized<ToolsUpdate>, Json(given): Json<Given>) -> Result<Json<Value>, Failure> {
    if let Some(gateway) = &given.gateway_id {
        return about_gateway(&operator, gateway, &given).await;
    }
    if given.decision.is_some() || given.seen_until.is_some() || given.states.is_some() {
        return Err(Error::invalid("gateway_id", "is needed where decisions are not made one by one").into());
    }
    if given.decisions.is_empty() || given.decisions.len() > MOST {
        return Err(Error::invalid("decisions", format!("must be 1 to {MOST} decisions")).into());
    }
    let mut results = Vec::with_capacity(given.decisions.len());
    let mut failed = 0;
    for decision in &given.decisions {
        let outcome = one(&operator, decision).await;
        failed += usize::from(outcome.is_err());
        results.push(told(&decision.tool_id, outcome)?);
    }
    let decided = results.len() - failed;
    Ok(Json(json!({ "results": results, "decided": decided, "failed": failed })))
}

async fn about_gateway(
    operator: &Authorized<ToolsUpdate>,
    gateway: &str,
    given: &Given,
) -> Result<Json<Value>, Failure> {
    if !given.decisions.is_empty() {
        return Err(Error::invalid("decisions", "must not be given with a gateway_id").into());
    }
    let verb = given.decision.ok_or_else(|| Error::invalid("decision", "must be approve or reject"))?;
    let until = given.seen_until.as_deref().and_then(Timestamp::parse);
    let until =
        until.ok_or_else(|| Error::invalid("seen_until", "must be the newest seen_at that was looked at"))?;
    let states = match &given.states {
        None => vec![PinState::Pending, PinState::Changed],
        Some(words) => words
            .iter()
            .map(|word| word.parse())
            .collect::<Result<_, String>>()
            .map_err(|message| Error::invalid("states", message))?,
    };
    let about = Whole { gateway: gateway.to_owned(), until, states };
    let engine = operator.app.engine();
    let done = whole::decide(engine, operator, &operator.caller, verb.into(), about).await?;
    let pin = |view: &View| summary(view.tool.id.as_str(), &view.tool.name, &view.pin);
    let results = done
        .views
        .iter()
        .map(|view| json!({ "tool_id": view.tool.id.as_str(), "status": 200, "pin": pin(view) }));
    let results: Vec<Value> = results.collect();
    Ok(Json(json!({ "decided": results.len(), "failed": 0, "later": done.later, "results": results })))
}

async fn one(operator: &Authorized<ToolsUpdate>, decision: &Decision) -> Result<View, Error> {
    let (engine, caller) = (operator.app.engine(), &operator.caller);
    let Decision { tool_id, fingerprint, verb } = decision;
    pins::decide(engine, operator, caller, (*verb).into(), (tool_id, fingerprint)).await
}

/// What became of one decision. What is wrong with the gateway itself ends the request.
fn told(tool_id: &str, outcome: Result<View, Error>) -> Result<Value, Error> {
    let refused =
        |status: u16, reason: String| json!({ "tool_id": tool_id, "status": status, "error": reason });
    match outcome {
        Ok(view) => {
            let pin = summary(view.tool.id.as_str(), &view.tool.name, &view.pin);
            Ok(json!({ "tool_id": tool_id, "status": 200, "pin": pin }))
        }
        Err(error @ Error::NotFound { .. }) => Ok(refused(404, error.to_string())),
        Err(error @ (Error::Conflict(_) | Error::Stale { .. })) => Ok(refused(409, error.to_string())),
        Err(error @ (Error::Forbidden { .. } | Error::Denied(_) | Error::Decided(_))) => {
            Ok(refused(403, error.to_string()))
        }
        Err(error) => Err(error),
    }
}
