//! `/auth/email/admin/users`: accounts, for administrators of people.

use domain::{Secret, Timestamp, permission::grant::AdminUserManagement, person::User};
use engine::people::{self, AccountChange, NewAccount};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    page::{Cursor, ListQuery},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Admin = Authorized<AdminUserManagement>;
type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const ONE: &str = "/auth/email/admin/users/{email}";
    api.collection(Method::GET, "/auth/email/admin/users", list)
        .collection(Method::POST, "/auth/email/admin/users", create)
        .route(Method::GET, ONE, get)
        .route(Method::PUT, ONE, update)
        .route(Method::PATCH, ONE, update)
        .route(Method::DELETE, ONE, delete)
        .route(Method::POST, "/auth/email/admin/users/{email}/unlock", unlock)
}

/// An account as the API shows it.
pub(super) fn account(user: &User, now: Timestamp) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "email": user.email,
        "full_name": user.full_name,
        "is_admin": user.is_admin,
        "is_active": user.is_active,
        "auth_provider": "local",
        "created_at": user.created_at.to_string(),
        "last_login": time(user.last_login),
        "email_verified": user.email_verified_at.is_some(),
        "password_change_required": user.password_change_required,
        "failed_login_attempts": user.failed_login_attempts,
        "locked_until": time(user.locked_until),
        "is_locked": user.locked_until.is_some_and(|until| until > now),
    })
}

#[derive(Deserialize)]
struct SearchQuery {
    search: Option<String>,
}

async fn list(admin: Admin, Query(query): Query<ListQuery>, Query(words): Query<SearchQuery>) -> Reply {
    let engine = admin.app.engine();
    let rows = query.rows(engine.settings().federation.default_page_size);
    let after = query.start()?.map(|cursor| cursor.id);
    // One row more than wanted tells whether there is a next page.
    let fetched = rows.map(|rows| rows.saturating_add(1));
    let mut users = people::list(engine, &admin, after.as_deref(), words.search.as_deref(), fetched).await?;
    let wanted = rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX);
    let more = users.len() > wanted;
    users.truncate(wanted);
    let now = engine.clock().now();
    let shown: Vec<Value> = users.iter().map(|user| account(user, now)).collect();
    if !query.include_pagination {
        return Ok(Json(Value::Array(shown)));
    }
    let last = users.last().filter(|_| more);
    let next = last.map(|user| Cursor { created_at: user.created_at, id: user.email.clone() }.write());
    Ok(Json(json!({ "users": shown, "nextCursor": next })))
}

async fn get(admin: Admin, Path(email): Path<String>) -> Reply {
    let engine = admin.app.engine();
    Ok(Json(account(&people::get(engine, &admin, &email).await?, engine.clock().now())))
}

#[derive(Deserialize)]
pub(crate) struct AdminCreateUserRequest {
    email: String,
    password: String,
    #[serde(default, alias = "fullName")]
    full_name: Option<String>,
    #[serde(default, alias = "isAdmin")]
    is_admin: bool,
    #[serde(default = "yes", alias = "isActive")]
    is_active: bool,
    #[serde(default, alias = "passwordChangeRequired")]
    password_change_required: bool,
}

fn yes() -> bool {
    true
}

async fn create(
    admin: Admin,
    Json(body): Json<AdminCreateUserRequest>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let engine = admin.app.engine();
    let new = NewAccount {
        email: body.email,
        password: Secret::new(body.password),
        full_name: body.full_name,
        is_admin: body.is_admin,
        is_active: body.is_active,
        password_change_required: body.password_change_required,
    };
    let user = people::create(engine, &admin, &admin.caller, new).await?;
    Ok((StatusCode::CREATED, Json(account(&user, engine.clock().now()))))
}

#[derive(Deserialize)]
pub(crate) struct AdminUserUpdateRequest {
    #[serde(default, alias = "fullName")]
    full_name: Option<String>,
    #[serde(default, alias = "isAdmin")]
    is_admin: Option<bool>,
    #[serde(default, alias = "isActive")]
    is_active: Option<bool>,
    #[serde(default, alias = "passwordChangeRequired")]
    password_change_required: Option<bool>,
    #[serde(default, alias = "emailVerified")]
    email_verified: Option<bool>,
    #[serde(default)]
    password: Option<String>,
}

async fn update(admin: Admin, Path(email): Path<String>, Json(body): Json<AdminUserUpdateRequest>) -> Reply {
    let engine = admin.app.engine();
    let change = AccountChange {
        full_name: body.full_name,
        is_admin: body.is_admin,
        is_active: body.is_active,
        password_change_required: body.password_change_required,
        email_verified: body.email_verified,
        password: body.password.map(Secret::new),
    };
    let user = people::update(engine, &admin, &admin.caller, &email, change).await?;
    Ok(Json(account(&user, engine.clock().now())))
}

async fn delete(admin: Admin, Path(email): Path<String>) -> Reply {
    people::delete(admin.app.engine(), &admin, &admin.caller, &email).await?;
    Ok(Json(json!({ "success": true, "message": format!("User {email} has been deleted") })))
}

async fn unlock(admin: Admin, Path(email): Path<String>) -> Reply {
    let user = people::unlock(admin.app.engine(), &admin, &admin.caller, &email).await?;
    Ok(Json(json!({ "success": true, "message": format!("User {} has been unlocked", user.email) })))
}
