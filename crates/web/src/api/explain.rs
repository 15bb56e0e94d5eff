//! `/rbac/explain` and `/rbac/view-as`: why somebody may or may not, and what they see.
//!
//! Everybody may ask about themselves; the engine refuses questions about others to whoever is no auditor. A token in
//! a body stays in a `Secret` and is written nowhere. What somebody sees is asked with `POST` where it is a token's,
//! because a token has no place in a URL.

use std::net::IpAddr;

use domain::{Error, Outcome, Permission, Secret, permission::grant::AdminSecurityAudit};
use engine::{
    catalogue::Kind,
    policy::{
        Subject,
        inquiry::{self, Explanation, Inquiry, Thing},
        view::{self, Shelf, View},
    },
};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Query},
    problem::Failure,
};
use crate::{
    guard::{Authorized, SignedIn},
    routes::Api,
};

type Reply = Result<Json<Value>, Failure>;

/// Rows on a page of what somebody sees.
const PAGE: usize = 100;
/// The most that can be asked for.
const MOST: usize = 1_000;

pub(crate) fn routes(api: Api) -> Api {
    api.route(Method::POST, "/rbac/explain", explain).route(Method::GET, "/rbac/view-as", view_person).route(
        Method::POST,
        "/rbac/view-as",
        view_any,
    )
}

/// What is asked. No `Debug`: the token is somebody's.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    token: Option<String>,
    user_email: Option<String>,
    tool: Option<String>,
    prompt: Option<String>,
    resource: Option<String>,
    gateway: Option<String>,
    /// With another thing: through this virtual server. Alone: the virtual server itself.
    server: Option<String>,
    permission: Option<String>,
    method: Option<String>,
    /// Where the request comes from, for tokens that are limited to networks.
    ip: Option<String>,
}

fn subject(token: Option<String>, email: Option<String>) -> Result<Subject, Error> {
    match (token, email) {
        (Some(_), Some(_)) => Err(Error::invalid("user_email", "and token exclude each other")),
        (Some(token), None) => Ok(Subject::Token(Secret::new(token))),
        (None, Some(email)) => Ok(Subject::Person(email)),
        (None, None) => Ok(Subject::Myself),
    }
}

impl ExplainRequest {
    fn inquiry(self) -> Result<Inquiry, Error> {
        let things = [
            (Thing::Tool, self.tool),
            (Thing::Prompt, self.prompt),
            (Thing::Resource, self.resource),
            (Thing::Gateway, self.gateway),
        ];
        let mut named = things.into_iter().filter_map(|(thing, name)| Some((thing, name?)));
        let about = named.next();
        if named.next().is_some() {
            return Err(Error::invalid("tool", "or one other thing can be asked about, not several"));
        }
        let (about, server) = match (about, self.server) {
            (None, Some(server)) => (Some((Thing::Server, server)), None),
            pair => pair,
        };
        let permission = self.permission.map(|name| name.parse::<Permission>());
        let permission = permission.transpose().map_err(|message| Error::invalid("permission", message))?;
        let ip = self.ip.map(|text| text.parse::<IpAddr>());
        let ip = ip.transpose().map_err(|_| Error::invalid("ip", "must be an IP address"))?;
        let subject = subject(self.token, self.user_email)?;
        Ok(Inquiry { subject, about, server, permission, method: self.method, ip })
    }
}

async fn explain(user: SignedIn, Json(body): Json<ExplainRequest>) -> Reply {
    let inquiry = body.inquiry()?;
    let found = inquiry::explain(user.app.engine(), &user.actor, &user.caller, &inquiry).await?;
    Ok(Json(told(&inquiry, &found)))
}

fn told(inquiry: &Inquiry, found: &Explanation) -> Value {
    let decision = match found.decision {
        Outcome::Denied => "denied",
        Outcome::Unknown => "unknown",
        Outcome::Passed | Outcome::NotAsked => "allowed",
    };
    let stopped = found.trace.iter().find(|step| step.outcome == Outcome::Denied);
    let about = inquiry.about.as_ref().map(|(thing, name)| {
        let (id, name) = match &found.found {
            Some((id, name)) => (Some(id), name),
            None => (None, name),
        };
        json!({ "kind": thing.word(), "id": id, "name": name })
    });
    json!({
        "decision": decision,
        "stopped_at": stopped.map(|step| step.step),
        "user_email": found.email,
        "permissions": found.needs.iter().map(|permission| permission.as_str()).collect::<Vec<_>>(),
        "about": about,
        "trace": found.trace,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewQuery {
    user_email: String,
    kind: String,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewRequest {
    token: Option<String>,
    user_email: Option<String>,
    kind: String,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

async fn view_person(auditor: Authorized<AdminSecurityAudit>, Query(query): Query<ViewQuery>) -> Reply {
    let ViewQuery { user_email, kind, offset, limit } = query;
    view(&auditor, &ViewRequest { token: None, user_email: Some(user_email), kind, offset, limit }).await
}

async fn view_any(auditor: Authorized<AdminSecurityAudit>, Json(body): Json<ViewRequest>) -> Reply {
    view(&auditor, &body).await
}

async fn view(auditor: &Authorized<AdminSecurityAudit>, asked: &ViewRequest) -> Reply {
    let shelf = match asked.kind.as_str() {
        "tools" => Shelf::Items(Kind::Tool),
        "prompts" => Shelf::Items(Kind::Prompt),
        "resources" => Shelf::Items(Kind::Resource),
        "templates" => Shelf::Items(Kind::Template),
        "servers" => Shelf::Servers,
        _ => {
            let message = "must be tools, prompts, resources, templates or servers";
            return Err(Error::invalid("kind", message).into());
        }
    };
    let subject = subject(asked.token.clone(), asked.user_email.clone())?;
    let page = (asked.offset, asked.limit.unwrap_or(PAGE).clamp(1, MOST));
    let engine = auditor.app.engine();
    let view = view::view_as(engine, auditor, &auditor.caller, (&subject, shelf), page).await?;
    Ok(Json(seen(&view, &asked.kind, asked.offset)))
}

fn seen(view: &View, kind: &str, offset: usize) -> Value {
    let rows = view.rows.iter().map(|row| {
        json!({
            "id": row.id,
            "name": row.name,
            "visibility": row.owned.visibility,
            "team_id": row.owned.team_id,
            "owner_email": row.owned.owner_email,
        })
    });
    let end = offset.saturating_add(view.rows.len());
    json!({
        "user_email": view.email,
        "kind": kind,
        "rows": rows.collect::<Vec<_>>(),
        "total": view.total,
        "next_offset": (end < view.total).then_some(end),
        "private_rows": view.private,
        "rows_beyond_your_teams": view.beyond,
        "refused": view.refused,
    })
}
