//! `/rbac/decisions`: the refusals of the recent past, under the numbers that the refused were told.

use domain::{Permission, permission::grant::AdminSecurityAudit};
use engine::policy::denials::{self, Refusal};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Auditor = Authorized<AdminSecurityAudit>;

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/rbac/decisions", list).route(Method::GET, "/rbac/decisions/{id}", get)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionQuery {
    limit: Option<usize>,
    /// Only older ones than the one with this number.
    before: Option<String>,
    user_email: Option<String>,
}

async fn list(auditor: Auditor, Query(query): Query<DecisionQuery>) -> Json<Value> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1_000);
    let which = (query.before.as_deref(), query.user_email.as_deref());
    let refusals = denials::list(auditor.app.engine().denials(), &auditor, which, limit);
    Json(refusals.iter().map(|refusal| shown(refusal)).collect())
}

async fn get(auditor: Auditor, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(shown(&*denials::get(auditor.app.engine().denials(), &auditor, &id)?)))
}

fn shown(refusal: &Refusal) -> Value {
    json!({
        "decision_id": refusal.id,
        "timestamp": refusal.at.to_string(),
        "decision": "denied",
        "reason": refusal.reason,
        "permission": refusal.needs.map(Permission::as_str),
        "user_email": refusal.email,
        "method": refusal.method,
        "path": refusal.path,
        "client_ip": refusal.ip.map(|ip| ip.to_string()),
        "request_id": refusal.request_id,
        "trace": refusal.trace,
    })
}
