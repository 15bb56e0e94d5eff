//! `/admin/content-security/violations`: what content security found, newest first, in the contract's record format.

use domain::permission::grant::AdminSecurityAudit;
use engine::content_security::{self, Recorded};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Query},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/admin/content-security/violations", list)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViolationQuery {
    limit: Option<u32>,
    /// Only records with a smaller number: the `id` of the last one on the page before.
    before: Option<i64>,
}

async fn list(
    auditor: Authorized<AdminSecurityAudit>,
    Query(query): Query<ViolationQuery>,
) -> Result<Json<Value>, Failure> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1_000);
    let rows = content_security::list(auditor.app.engine(), &auditor, query.before, limit).await?;
    Ok(Json(rows.iter().map(shown).collect()))
}

fn shown(row: &Recorded) -> Value {
    let first = |member: &str| row.violations.first().and_then(|violation| violation.get(member)).cloned();
    json!({
        "id": row.number.to_string(),
        "timestamp": row.at.to_string(),
        "level": "WARNING",
        "message": first("message"),
        "user": row.user,
        "violation_type": first("violation_type"),
        "validation_mode": first("validation_mode"),
        "action": first("action"),
        "correlation_id": row.correlation_id,
        "content_type": row.kind,
        "content_id": row.id,
        "violations": row.violations,
        "count": row.count,
    })
}
