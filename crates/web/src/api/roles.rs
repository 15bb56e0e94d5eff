//! `/rbac`: roles and who has them.

use domain::{permission::grant::AdminUserManagement, person::RoleScope};
use engine::people::{self, Assignment, NewAssignment, RoleRow};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Admin = Authorized<AdminUserManagement>;
type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const OF_USER: &str = "/rbac/users/{email}/roles";
    api.collection(Method::GET, "/rbac/roles", list)
        .route(Method::GET, "/rbac/roles/{role_id}", get)
        .route(Method::GET, OF_USER, assignments)
        .route(Method::POST, OF_USER, assign)
        .route(Method::DELETE, "/rbac/users/{email}/roles/{role_id}", revoke)
}

fn shown(row: &RoleRow) -> Value {
    json!({
        "id": row.role.id,
        "name": row.role.name,
        "description": row.role.description,
        "scope": row.role.scope,
        "permissions": row.permissions,
        "effective_permissions": row.role.permissions.names(),
        "inherits_from": null,
        "created_by": row.created_by,
        "is_system_role": row.role.is_system,
        "is_active": true,
        "created_at": row.created_at.to_string(),
        "updated_at": row.updated_at.to_string(),
    })
}

fn assignment(given: &Assignment, name: Option<&str>) -> Value {
    json!({
        "id": given.id,
        "user_email": given.email,
        "role_id": given.role_id,
        "role_name": name,
        "scope": given.scope,
        "scope_id": given.scope_id,
        "granted_by": given.granted_by,
        "granted_at": given.granted_at.to_string(),
        "expires_at": given.expires_at.map(|end| end.to_string()),
        "is_active": true,
        "grant_source": null,
    })
}

#[derive(Deserialize)]
struct ScopeQuery {
    scope: Option<RoleScope>,
}

async fn list(admin: Admin, Query(query): Query<ScopeQuery>) -> Reply {
    let roles = people::roles(admin.app.engine(), &admin, query.scope).await?;
    Ok(Json(roles.iter().map(shown).collect()))
}

async fn get(admin: Admin, Path(id): Path<String>) -> Reply {
    Ok(Json(shown(&people::role(admin.app.engine(), &admin, &id).await?)))
}

async fn assignments(admin: Admin, Path(email): Path<String>, Query(query): Query<ScopeQuery>) -> Reply {
    let engine = admin.app.engine();
    let roles = people::roles(engine, &admin, None).await?;
    let given = people::assignments(engine, &admin, &email).await?;
    let wanted = given.iter().filter(|given| query.scope.is_none_or(|scope| given.scope == scope));
    let named = wanted.map(|given| {
        let role = roles.iter().find(|row| row.role.id == given.role_id);
        assignment(given, role.map(|row| row.role.name.as_str()))
    });
    Ok(Json(named.collect()))
}

#[derive(Deserialize)]
pub(crate) struct UserRoleAssignRequest {
    #[serde(alias = "roleId")]
    role_id: String,
    scope: RoleScope,
    #[serde(default, alias = "scopeId")]
    scope_id: Option<String>,
    #[serde(default, alias = "expiresAt")]
    expires_at: Option<String>,
}

async fn assign(admin: Admin, Path(email): Path<String>, Json(body): Json<UserRoleAssignRequest>) -> Reply {
    let engine = admin.app.engine();
    let expires = body.expires_at.is_some();
    let new = NewAssignment { role: body.role_id, scope: body.scope, team_id: body.scope_id, expires };
    let given = people::assign(engine, &admin, &admin.caller, &email, new).await?;
    let role = people::role(engine, &admin, given.role_id.as_str()).await?;
    Ok(Json(assignment(&given, Some(&role.role.name))))
}

#[derive(Deserialize)]
struct RevokeQuery {
    scope_id: Option<String>,
}

async fn revoke(
    admin: Admin,
    Path((email, role)): Path<(String, String)>,
    Query(query): Query<RevokeQuery>,
) -> Reply {
    let which = (role.as_str(), query.scope_id.as_deref());
    people::revoke(admin.app.engine(), &admin, &admin.caller, &email, which).await?;
    Ok(Json(json!({ "message": "Role revoked successfully" })))
}
