//! What happened to accounts: one's own, and everybody's for administrators of people.

use domain::permission::grant::AdminUserManagement;
use engine::people::{self, AuthEvent};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Query},
    page::MAX_LIMIT,
    problem::Failure,
};
use crate::{
    guard::{Authorized, SignedIn},
    routes::Api,
};

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::GET, "/auth/email/events", own).route(Method::GET, "/auth/email/admin/events", all)
}

#[derive(Deserialize)]
struct EventQuery {
    limit: Option<u32>,
    #[serde(default)]
    offset: u32,
    user_email: Option<String>,
}

impl EventQuery {
    fn page(&self, default: u32) -> (u32, u32) {
        (self.limit.unwrap_or(default).clamp(1, MAX_LIMIT), self.offset)
    }
}

async fn own(user: SignedIn, Query(query): Query<EventQuery>) -> Result<Json<Value>, Failure> {
    let events = people::own_events(user.app.engine(), &user.actor, query.page(50)).await?;
    Ok(Json(events.iter().map(shown).collect()))
}

async fn all(
    admin: Authorized<AdminUserManagement>,
    Query(query): Query<EventQuery>,
) -> Result<Json<Value>, Failure> {
    let email = query.user_email.as_deref();
    let events = people::events(admin.app.engine(), &admin, email, query.page(100)).await?;
    Ok(Json(events.iter().map(shown).collect()))
}

fn shown(event: &AuthEvent) -> Value {
    json!({
        "id": event.id,
        "timestamp": event.at.to_string(),
        "user_email": event.email,
        "event_type": event.kind,
        "success": event.success,
        "ip_address": event.ip,
        "failure_reason": event.failure_reason,
    })
}
