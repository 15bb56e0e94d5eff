//! `/rbac/roles` and `/rbac/users`: roles, and who has them.

use domain::{PermissionSet, Timestamp, permission::grant::AdminUserManagement, person::RoleScope};
use engine::people::{self, Given, NewAssignment, NewRole, RoleChange, RoleRow};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    page::Slice,
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Admin = Authorized<AdminUserManagement>;
type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const ONE: &str = "/rbac/roles/{role_id}";
    const OF_USER: &str = "/rbac/users/{email}/roles";
    api.collection(Method::GET, "/rbac/roles", list)
        .collection(Method::POST, "/rbac/roles", create)
        .route(Method::GET, ONE, get)
        .route(Method::PUT, ONE, update)
        .route(Method::DELETE, ONE, delete)
        .route(Method::GET, OF_USER, assignments)
        .route(Method::POST, OF_USER, assign)
        .route(Method::DELETE, "/rbac/users/{email}/roles/{role_id}", revoke)
}

/// Roles and assignments have ids with dashes in ContextForge, unlike everything else.
fn dashed(id: &str) -> String {
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
    if id.len() != 32 {
        return id.to_owned();
    }
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

fn shown((row, comes_to): &(RoleRow, PermissionSet)) -> Value {
    json!({
        "id": dashed(row.role.id.as_str()),
        "name": row.role.name,
        "description": row.role.description,
        "scope": row.role.scope,
        "permissions": row.permissions,
        "effective_permissions": comes_to.names(),
        "inherits_from": row.role.inherits_from.as_ref().map(|id| dashed(id.as_str())),
        "created_by": row.created_by,
        "is_system_role": row.role.is_system,
        "is_active": row.role.is_active,
        "created_at": row.created_at.to_string(),
        "updated_at": row.updated_at.to_string(),
    })
}

/// An assignment as the API shows it.
pub(super) fn assignment(given: &Given) -> Value {
    let Given { assignment, role_name, is_active } = given;
    json!({
        "id": dashed(&assignment.id),
        "user_email": assignment.email,
        "role_id": dashed(assignment.role_id.as_str()),
        "role_name": role_name,
        "scope": assignment.scope,
        "scope_id": assignment.scope_id,
        "granted_by": assignment.granted_by,
        "granted_at": assignment.granted_at.to_string(),
        "expires_at": assignment.expires_at.map(|end| end.to_string()),
        "is_active": is_active,
        "grant_source": null,
    })
}

/// Which roles or assignments are wanted.
#[derive(Deserialize)]
struct RolesQuery {
    scope: Option<RoleScope>,
    #[serde(default = "yes")]
    active_only: bool,
    #[serde(flatten)]
    slice: Slice,
}

fn yes() -> bool {
    true
}

async fn list(admin: Admin, Query(query): Query<RolesQuery>) -> Reply {
    let roles = people::roles(admin.app.engine(), &admin, (query.scope, !query.active_only)).await?;
    Ok(Json(query.slice.of(&roles, shown)))
}

async fn get(admin: Admin, Path(id): Path<String>) -> Reply {
    Ok(Json(shown(&people::role(admin.app.engine(), &admin, &id).await?)))
}

#[derive(Deserialize)]
pub(crate) struct RoleCreateRequest {
    name: String,
    #[serde(default)]
    description: Option<String>,
    scope: RoleScope,
    permissions: Vec<String>,
    #[serde(default, alias = "inheritsFrom")]
    inherits_from: Option<String>,
}

/// `is_system_role` is not read: only the program makes system roles.
async fn create(admin: Admin, Json(body): Json<RoleCreateRequest>) -> Reply {
    let new = NewRole {
        name: body.name,
        description: body.description,
        scope: body.scope,
        permissions: body.permissions,
        inherits_from: body.inherits_from,
    };
    Ok(Json(shown(&people::create_role(admin.app.engine(), &admin, &admin.caller, new).await?)))
}

#[derive(Deserialize)]
pub(crate) struct RoleUpdateRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    permissions: Option<Vec<String>>,
    #[serde(default, alias = "inheritsFrom")]
    inherits_from: Option<String>,
    #[serde(default, alias = "isActive")]
    is_active: Option<bool>,
}

async fn update(admin: Admin, Path(id): Path<String>, Json(body): Json<RoleUpdateRequest>) -> Reply {
    let change = RoleChange {
        name: body.name,
        description: body.description,
        permissions: body.permissions,
        inherits_from: body.inherits_from,
        is_active: body.is_active,
    };
    Ok(Json(shown(&people::update_role(admin.app.engine(), &admin, &admin.caller, &id, change).await?)))
}

async fn delete(admin: Admin, Path(id): Path<String>) -> Reply {
    people::delete_role(admin.app.engine(), &admin, &admin.caller, &id).await?;
    Ok(Json(json!({ "message": "Role deleted successfully" })))
}

async fn assignments(admin: Admin, Path(email): Path<String>, Query(query): Query<RolesQuery>) -> Reply {
    let wanted = (query.scope, !query.active_only);
    let given = people::assignments(admin.app.engine(), &admin, &email, wanted).await?;
    Ok(Json(query.slice.of(&given, assignment)))
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
    let wrong = || domain::Error::invalid("expires_at", "must be a time as in RFC 3339");
    let expires_at = body.expires_at.as_deref().map(|text| Timestamp::parse(text).ok_or_else(wrong));
    let new = NewAssignment {
        role: body.role_id,
        scope: body.scope,
        team_id: body.scope_id,
        expires_at: expires_at.transpose()?,
    };
    let given = people::assign(admin.app.engine(), &admin, &admin.caller, &email, new).await?;
    Ok(Json(assignment(&given)))
}

#[derive(Deserialize)]
struct RevokeQuery {
    scope: Option<RoleScope>,
    scope_id: Option<String>,
}

async fn revoke(
    admin: Admin,
    Path((email, role)): Path<(String, String)>,
    Query(query): Query<RevokeQuery>,
) -> Reply {
    let which = (role.as_str(), query.scope, query.scope_id.as_deref());
    people::revoke(admin.app.engine(), &admin, &admin.caller, &email, which).await?;
    Ok(Json(json!({ "message": "Role revoked successfully" })))
}

#[cfg(test)]
mod tests {
    use super::dashed;

    #[test]
    fn ids_get_their_dashes() {
        assert_eq!(dashed("0123456789abcdef0123456789abcdef"), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(dashed("short"), "short");
    }
}
