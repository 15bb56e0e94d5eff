//! `/api/logs/audit-trails`: the audit record, newest first.

use domain::{audit::AuditRow, permission::grant::AuditRead};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Query},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

pub(crate) fn routes(api: Api) -> Api {
    api.plain(Method::GET, "/api/logs/audit-trails", list)
}

/// A filter that is not known here is refused: leaving it out would show more than was asked for.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TrailQuery {
    limit: u32,
    /// Only records with a smaller number: the `id` of the last one on the page before.
    before: Option<i64>,
}

impl Default for TrailQuery {
    fn default() -> Self {
        Self { limit: 100, before: None }
    }
}

async fn list(
    reader: Authorized<AuditRead>,
    Query(query): Query<TrailQuery>,
) -> Result<Json<Value>, Failure> {
    let limit = query.limit.clamp(1, 1000);
    let rows = engine::audit::list(reader.app.engine(), &reader, query.before, limit).await?;
    Ok(Json(rows.iter().map(shown).collect()))
}

fn shown(row: &AuditRow) -> Value {
    let event = &row.event;
    json!({
        "id": row.seq.to_string(),
        "timestamp": event.at.to_string(),
        "correlation_id": event.request_id,
        "action": event.action,
        "resource_type": event.target_kind,
        "resource_id": event.target_id,
        "resource_name": null,
        "user_id": event.actor,
        "user_email": event.actor,
        "success": event.outcome == "success",
        "requires_review": false,
        "data_classification": null,
        "client_ip": event.ip,
        "details": event.details,
        "previous_hash": row.previous,
        "hash": row.hash,
    })
}
