//! `POST /tools/pins/decisions`: many decisions about definitions in one request, each as if it were made alone.
//!
//! Every decision names the fingerprint that was looked at, so that nobody approves what they did not see. One that
//! cannot be carried out says why and keeps none of the others back.

use domain::{Error, permission::grant::ToolsUpdate};
use engine::tools::pins::{self, View};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::pins::summary;
use crate::{
    api::{json::Json, problem::Failure},
    guard::Authorized,
    routes::Api,
};

/// Decisions in one request: each is a transaction of its own.
const MOST: usize = 100;

pub(super) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/tools/pins/decisions", decide)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    decisions: Vec<Decision>,
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

async fn decide(
    operator: Authorized<ToolsUpdate>,
    Json(given): Json<Decisions>,
) -> Result<Json<Value>, Failure> {
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

async fn one(operator: &Authorized<ToolsUpdate>, decision: &Decision) -> Result<View, Error> {
    let (engine, caller) = (operator.app.engine(), &operator.caller);
    let Decision { tool_id, fingerprint, verb } = decision;
    match verb {
        Verb::Approve => pins::approve(engine, operator, caller, tool_id, fingerprint).await,
        Verb::Reject => pins::reject(engine, operator, caller, tool_id, fingerprint).await,
    }
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
