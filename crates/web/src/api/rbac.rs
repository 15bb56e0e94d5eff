//! `/rbac/my` and `/rbac/permissions`: what people may do, for themselves and for auditors.

use domain::permission::grant::AdminSecurityAudit;
use engine::people;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    page::Slice,
    problem::Failure,
    roles::assignment,
};
use crate::{
    guard::{Authorized, SignedIn},
    routes::Api,
};

type Auditor = Authorized<AdminSecurityAudit>;
type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/rbac/my/permissions", my_permissions)
        .route(Method::GET, "/rbac/my/roles", my_roles)
        .route(Method::GET, "/rbac/permissions/available", available)
        .route(Method::POST, "/rbac/permissions/check", check)
        .route(Method::GET, "/rbac/permissions/user/{email}", of_user)
}

#[derive(Deserialize)]
struct TeamQuery {
    team_id: Option<String>,
}

/// What this credential may do, so a limited token sees its limits.
async fn my_permissions(me: SignedIn, Query(query): Query<TeamQuery>) -> Reply {
    let team = query.team_id.as_deref().filter(|id| !id.is_empty());
    Ok(Json(json!(people::my_permissions(&me.actor, team)?)))
}

async fn my_roles(me: SignedIn, Query(slice): Query<Slice>) -> Reply {
    let given = people::my_roles(me.app.engine(), &me.actor).await?;
    Ok(Json(slice.of(&given, assignment)))
}

async fn available(_: SignedIn) -> Json<Value> {
    let groups = people::available_permissions();
    let mut all: Vec<&str> = groups.values().flatten().copied().collect();
    all.sort_unstable();
    Json(json!({ "all_permissions": all, "permissions_by_resource": groups, "total_count": all.len() }))
}

#[derive(Deserialize)]
pub(crate) struct PermissionCheckRequest {
    #[serde(alias = "userEmail")]
    user_email: String,
    permission: String,
    #[serde(default, alias = "teamId")]
    team_id: Option<String>,
}

/// `resource_type` and `resource_id` are not read: which rows somebody reaches is another question than what they
/// may do.
async fn check(auditor: Auditor, Json(body): Json<PermissionCheckRequest>) -> Reply {
    let engine = auditor.app.engine();
    let question = (body.permission.as_str(), body.team_id.as_deref());
    let granted = people::holds(engine, &auditor, &body.user_email, question).await?;
    Ok(Json(json!({
        "user_email": body.user_email,
        "permission": body.permission,
        "granted": granted,
        "checked_at": engine.clock().now().to_string(),
        "checked_by": auditor.actor().email,
    })))
}

async fn of_user(auditor: Auditor, Path(email): Path<String>, Query(query): Query<TeamQuery>) -> Reply {
    let team = query.team_id.as_deref();
    let names = people::permissions_of(auditor.app.engine(), &auditor, &email, team).await?;
    Ok(Json(json!(names)))
}
