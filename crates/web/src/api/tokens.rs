//! `/tokens`: the catalogue of API tokens.

mod bodies;

use axum::response::{IntoResponse, Response};
use domain::{
    Error, Timestamp,
    api_token::ApiToken,
    id::TokenId,
    permission::grant::{TokensCreate, TokensRead, TokensRevoke, TokensUpdate},
};
use engine::tokens::{self, Desk, Page, Tokens};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use self::bodies::{TokenCreateRequest, TokenUpdateRequest};
use super::{
    body::Posted,
    json::{Json, Path, Query},
    problem::Failure,
};
use crate::{
    guard::{Authorized, SignedIn},
    routes::Api,
};

type Reply = Result<Json<Value>, Failure>;
type Created = Result<(StatusCode, Json<Value>), Failure>;

pub(crate) fn routes(api: Api) -> Api {
    api.collection(Method::GET, "/tokens", list)
        .collection(Method::POST, "/tokens", create)
        .route(Method::GET, "/tokens/{token_id}", get)
        .route(Method::PUT, "/tokens/{token_id}", update)
        .route(Method::DELETE, "/tokens/{token_id}", revoke)
        .route(Method::GET, "/tokens/{token_id}/usage", usage)
        .route(Method::GET, "/tokens/teams/{team_id}", list_of_team)
        .route(Method::POST, "/tokens/teams/{team_id}", create_for_team)
        .route(Method::GET, "/tokens/admin/all", list_all)
        .route(Method::DELETE, "/tokens/admin/{token_id}", revoke_any)
}

macro_rules! desk {
    ($guard:expr) => {
        Desk { credential: &$guard.credential, caller: &$guard.caller }
    };
}

/// Ids of tokens have dashes on the wire, unlike all others.
fn dashed(id: &TokenId) -> String {
    let mut text = id.as_str().to_owned();
    for at in [20, 16, 12, 8] {
        if text.is_char_boundary(at) {
            text.insert(at, '-');
        }
    }
    text
}

fn shown(token: &ApiToken) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let revoked = token.revoked.as_ref();
    json!({
        "id": dashed(&token.id),
        "name": token.name,
        "description": token.description,
        "user_email": token.email,
        "team_id": token.team_id,
        "server_id": token.limits.server_id,
        "resource_scopes": token.limits.permissions,
        "ip_restrictions": token.limits.ip_restrictions,
        "time_restrictions": token.limits.time_restrictions,
        "usage_limits": token.limits.usage_limits,
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.to_string(),
        "last_used": time(token.last_used),
        "is_active": token.is_active,
        "is_revoked": revoked.is_some(),
        "revoked_at": time(revoked.map(|revoked| revoked.at)),
        "revoked_by": revoked.map(|revoked| &revoked.by),
        "revocation_reason": revoked.and_then(|revoked| revoked.reason.as_ref()),
        "tags": token.tags,
    })
}

fn listed(found: &Tokens, page: Page) -> Json<Value> {
    let tokens: Vec<Value> = found.tokens.iter().map(shown).collect();
    Json(json!({ "tokens": tokens, "total": found.total, "limit": page.limit, "offset": page.offset }))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListTokensQuery {
    include_inactive: bool,
    limit: Option<u32>,
    offset: u32,
    user_email: Option<String>,
}

impl ListTokensQuery {
    fn page(&self, default: u32) -> Result<Page, Error> {
        let limit = self.limit.unwrap_or(default);
        if !(1..=tokens::MOST_ROWS).contains(&limit) {
            return Err(Error::invalid("query:limit", format!("must be 1 to {}", tokens::MOST_ROWS)));
        }
        Ok(Page { include_inactive: self.include_inactive, limit, offset: self.offset })
    }
}

async fn list(reader: Authorized<TokensRead>, Query(query): Query<ListTokensQuery>) -> Reply {
    let page = query.page(50)?;
    let found = tokens::list(reader.app.engine(), &reader, desk!(reader), page).await?;
    Ok(listed(&found, page))
}

async fn list_of_team(
    reader: Authorized<TokensRead>,
    Path(team): Path<String>,
    Query(query): Query<ListTokensQuery>,
) -> Reply {
    let page = query.page(50)?;
    let found = tokens::list_of_team(reader.app.engine(), &reader, desk!(reader), &team, page).await?;
    Ok(listed(&found, page))
}

async fn list_all(reader: SignedIn, Query(query): Query<ListTokensQuery>) -> Reply {
    let page = query.page(100)?;
    let email = query.user_email.as_deref();
    let found = tokens::list_all(reader.app.engine(), &reader.actor, desk!(reader), email, page).await?;
    Ok(listed(&found, page))
}

async fn create(maker: Authorized<TokensCreate>, Json(body): Json<TokenCreateRequest>) -> Created {
    make(&maker, body).await
}

async fn create_for_team(
    maker: Authorized<TokensCreate>,
    Path(team): Path<String>,
    Json(body): Json<TokenCreateRequest>,
) -> Created {
    make(&maker, body.of_team(team)).await
}

async fn make(maker: &Authorized<TokensCreate>, body: TokenCreateRequest) -> Created {
    let (token, raw) = tokens::create(maker.app.engine(), maker, desk!(maker), body.into()).await?;
    Ok((StatusCode::CREATED, Json(json!({ "token": shown(&token), "access_token": raw.expose() }))))
}

async fn get(reader: Authorized<TokensRead>, Path(id): Path<String>) -> Reply {
    Ok(Json(shown(&tokens::get(reader.app.engine(), &reader, desk!(reader), &id).await?)))
}

async fn update(
    editor: Authorized<TokensUpdate>,
    Path(id): Path<String>,
    Json(body): Json<TokenUpdateRequest>,
) -> Reply {
    Ok(Json(shown(&tokens::update(editor.app.engine(), &editor, desk!(editor), &id, body.into()).await?)))
}

#[derive(Deserialize, Default)]
pub(crate) struct TokenRevokeRequest {
    #[serde(default)]
    reason: Option<String>,
}

/// The reason, from a body that need not be there.
fn reason(body: &[u8]) -> Result<Option<String>, Error> {
    if body.is_empty() {
        return Ok(None);
    }
    let request: TokenRevokeRequest =
        serde_json::from_slice(body).map_err(|error| Error::invalid("reason", error.to_string()))?;
    Ok(request.reason)
}

async fn revoke(
    editor: Authorized<TokensRevoke>,
    Path(id): Path<String>,
    Posted { body, .. }: Posted,
) -> Result<Response, Failure> {
    let what = (id.as_str(), reason(&body)?);
    tokens::revoke(editor.app.engine(), &editor, desk!(editor), what).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn revoke_any(
    editor: SignedIn,
    Path(id): Path<String>,
    Posted { body, .. }: Posted,
) -> Result<Response, Failure> {
    let what = (id.as_str(), reason(&body)?);
    tokens::revoke_any(editor.app.engine(), &editor.actor, desk!(editor), what).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct UsageQuery {
    #[serde(default = "thirty")]
    days: u32,
}

fn thirty() -> u32 {
    30
}

async fn usage(
    reader: Authorized<TokensRead>,
    Path(id): Path<String>,
    Query(query): Query<UsageQuery>,
) -> Reply {
    if !(1..=tokens::USAGE_DAYS).contains(&query.days) {
        let message = format!("must be 1 to {}", tokens::USAGE_DAYS);
        return Err(Error::invalid("query:days", message).into());
    }
    let found = tokens::usage(reader.app.engine(), &reader, desk!(reader), (&id, query.days)).await?;
    let usage = found.usage;
    let total = usage.served + usage.blocked;
    Ok(Json(json!({
        "period_days": query.days,
        "total_requests": total,
        "successful_requests": usage.served,
        "blocked_requests": usage.blocked,
        "success_rate": ratio(usage.served, total),
        "average_response_time_ms": ratio(usage.micros / 10, usage.served) / 100.0,
        "top_endpoints": found.top_endpoints,
    })))
}

/// A quotient for people; nothing of nothing is zero.
fn ratio(part: i64, whole: i64) -> f64 {
    let number = |count: i64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole <= 0 { 0.0 } else { number(part) / number(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_on_the_wire() {
        let id = TokenId::from_stored("0123456789abcdef0123456789abcdef");
        assert_eq!(dashed(&id), "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(TokenId::parse(&dashed(&id)), Some(id));
    }

    #[test]
    fn a_reason_need_not_be_given() {
        assert_eq!(reason(b"").unwrap(), None);
        assert_eq!(reason(b"{}").unwrap(), None);
        assert_eq!(reason(br#"{"reason":"lost"}"#).unwrap().as_deref(), Some("lost"));
        assert!(reason(b"{").is_err() && reason(br#"{"reason":1}"#).is_err());
    }
}
