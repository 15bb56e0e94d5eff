//! Makes a token that is never more than whoever makes it.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, Error, PermissionSet, Result, Scope, Secret, Timestamp,
    api_token::{ApiToken, TokenLimits},
    id::{TeamId, TokenId},
    permission::grant::TokensCreate,
    person::User,
};
use serde_json::json;
use store::api_tokens::Filter;

use super::{
    Desk, administrators_only, check_in_person,
    input::{self, NewToken},
    reached_team,
};
use crate::{
    audit::{self, Deed},
    authn::{
        Credential, hexadecimal, sha256,
        token::{Claims, Teams, TokenScopes, TokenUser},
    },
    engine::Engine,
    policy::{self, Permit},
};

/// Tokens that one person can have at a time.
const MOST_TOKENS: i64 = 1000;

/// Makes a token. What is returned beside it is the token itself, for the only time.
#[crate::boxed]
pub async fn create<'a>(
    engine: &'a Engine,
    permit: &Permit<TokensCreate>,
    desk: Desk<'a>,
    new: NewToken,
) -> Result<(ApiToken, Secret<String>)> {
    let actor = permit.actor();
    check_in_person(actor, desk.credential)?;
    refuse_restricted(actor, desk.credential)?;
    let (mut token, named) = check(engine, actor, &new)?;
    let owner = owner(engine, actor, new.email.as_deref()).await?;
    token.email.clone_from(&owner.email);
    token.team_id = team(engine, actor, &owner, new.team_id.as_deref()).await?;
    refuse_wider(actor, token.team_id.as_ref(), owner.is_admin)?;
    contain(actor, token.team_id.as_ref(), &mut token.limits, named)?;
    check_server(engine, actor, &token.limits)?;
    refuse_too_many(engine, &owner.email).await?;
    let raw = engine.token_keys().mint(claims(&token, &owner), engine.clock())?;
    token.token_hash = hexadecimal(&sha256(raw.expose().as_bytes()));
    let mut tx = engine.db().begin().await?;
    store::api_tokens::insert(&mut tx, &token).await.map_err(taken)?;
    let deed = Deed::done("token.create", "token", token.id.as_str()).with(summary(&token));
    audit::record(engine, &mut tx, &actor.email, desk.caller, deed).await?;
    tx.commit().await?;
    Ok((token, raw))
}

/// A token made on a credential with restrictions would have to have them as well; such credentials make none.
pub(super) fn refuse_restricted(actor: &Actor, credential: &Credential) -> Result<()> {
    if credential.is_restricted() {
        let why = "The credential has restrictions, which a token made on it would not have.";
        Err(policy::refuse(actor, why, "Use a session without restrictions."))
    } else {
        Ok(())
    }
}

/// An administrator's token for no team reaches everything. A session that is narrowed to teams does not, so that it
/// makes none, and makes none that is there reach further.
pub(super) fn refuse_wider(actor: &Actor, team: Option<&TeamId>, of_administrator: bool) -> Result<()> {
    if team.is_some() || !of_administrator || matches!(actor.scope, Scope::Unrestricted { .. }) {
        return Ok(());
    }
    let why = "The session is narrowed to teams, and the token would reach everything.";
    Err(policy::refuse(actor, why, "Name a team, or use a session that is not narrowed."))
}

/// The token as far as the input alone says, and the permissions that it names.
fn check(engine: &Engine, actor: &Arc<Actor>, new: &NewToken) -> Result<(ApiToken, PermissionSet)> {
    let now = engine.clock().now();
    let mut problems = Vec::new();
    let name = input::name(&new.name, &mut problems);
    input::description(new.description.as_deref(), &mut problems);
    let tags = input::tags(&new.tags, &mut problems);
    let (limits, named) = new.limits.clone().check(&mut problems);
    let lifetime =
        input::lifetime(new.expires_in_days, engine.settings().auth.api_token_max_days, &mut problems)?;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let token = ApiToken {
        id: TokenId::random(),
        email: String::new(),
        team_id: None,
        name,
        description: new.description.clone(),
        token_hash: String::new(),
        limits,
        tags,
        created_by: actor.email.clone(),
        created_at: now,
        updated_at: now,
        // Whole seconds, as in the token.
        expires_at: Timestamp::from_seconds(now.plus(Duration::from_secs(lifetime)).seconds()),
        last_used: None,
        is_active: new.is_active,
        revoked: None,
    };
    Ok((token, named))
}

/// Whose the token is to be. For somebody else it is made by administrators only.
async fn owner(engine: &Engine, actor: &Arc<Actor>, email: Option<&str>) -> Result<User> {
    let email = email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
    let email = email.unwrap_or_else(|| actor.email.clone());
    let unrestricted = actor.is_admin && matches!(actor.scope, Scope::Unrestricted { .. });
    if email != actor.email && !unrestricted {
        return Err(administrators_only(actor));
    }
    let user = store::users::by_email(engine.db(), &email).await?;
    user.filter(|user| user.is_active)
        .ok_or_else(|| Error::invalid("user_email", "must be a person with an account"))
}

/// The team: one that the actor reaches and the owner is in. Who is in one team only need not say which.
async fn team(
    engine: &Engine,
    actor: &Arc<Actor>,
    owner: &User,
    given: Option<&str>,
) -> Result<Option<TeamId>> {
    let team = match (given.filter(|id| !id.is_empty()), &actor.scope) {
        (Some(id), _) => reached_team(actor, id)?,
        (None, Scope::Teams { email, teams }) if *email == owner.email => match teams.as_slice() {
            [only] => only.clone(),
            _ => return Ok(None),
        },
        (None, _) => return Ok(None),
    };
    let memberships = store::teams::memberships(engine.db(), &owner.email).await?;
    if memberships.iter().any(|membership| membership.team_id == team) {
        Ok(Some(team))
    } else {
        let why = "Whose token it is to be is no member of the team.";
        Err(policy::refuse(actor, why, "Name a team of theirs, or make them a member."))
    }
}

/// Keeps the permissions of a token within those of its maker, and within those of the credential they came in with.
pub(super) fn contain(
    actor: &Arc<Actor>,
    team: Option<&TeamId>,
    limits: &mut TokenLimits,
    named: PermissionSet,
) -> Result<()> {
    let in_team = team.and_then(|team| actor.in_team.get(team)).copied().unwrap_or_default();
    let has = if actor.is_admin { PermissionSet::ALL } else { actor.granted.or(in_team) };
    let has = has.and(actor.cap);
    let within = if limits.permissions.iter().any(|name| name == "*") {
        has == PermissionSet::ALL
    } else {
        named.within(has)
    };
    if !within {
        let why = "The token would have permissions that its maker has not got with this credential.";
        return Err(policy::refuse(actor, why, "Ask for permissions that you have."));
    }
    if limits.permissions.is_empty() && actor.cap != PermissionSet::ALL {
        // No list means all that the owner has at any time; this credential does not have that.
        limits.permissions = actor.cap.names().into_iter().map(str::to_owned).collect();
    }
    Ok(())
}

/// The server has to be there for the actor.
pub(super) fn check_server(engine: &Engine, actor: &Arc<Actor>, limits: &TokenLimits) -> Result<()> {
    let Some(id) = &limits.server_id else { return Ok(()) };
    match engine.catalogue().snapshot().server(id, |row| actor.scope.sees(row)) {
        Some(_) => Ok(()),
        None => Err(Error::invalid("scope.server_id", "must be the id of a virtual server")),
    }
}

async fn refuse_too_many(engine: &Engine, email: &str) -> Result<()> {
    let filter = Filter { email: Some(email), usable_at: Some(engine.clock().now()), ..Filter::default() };
    if store::api_tokens::count(engine.db(), &filter).await? >= MOST_TOKENS {
        return Err(Error::Refused(format!("There are {MOST_TOKENS} tokens already; revoke some first")));
    }
    Ok(())
}

/// 400 as in ContextForge, where other duplicates are 409.
pub(super) fn taken(error: Error) -> Error {
    match error {
        Error::AlreadyExists { name, .. } => Error::Refused(format!("A token named {name:?} exists already")),
        other => other,
    }
}

/// For the audit record.
pub(super) fn summary(token: &ApiToken) -> serde_json::Value {
    json!({
        "name": token.name,
        "owner": token.email,
        "team": token.team_id,
        "server": token.limits.server_id,
        "permissions": token.limits.permissions,
        "ip_restrictions": token.limits.ip_restrictions,
        "time_restrictions": token.limits.time_restrictions,
        "usage_limits": token.limits.usage_limits,
        "is_active": token.is_active,
        "expires_at": token.expires_at.to_string(),
    })
}

/// The claims of ContextForge's API tokens. Usage limits stand in the row alone.
fn claims(token: &ApiToken, owner: &User) -> Claims {
    let limits = &token.limits;
    let mut permissions = limits.permissions.clone();
    let used = |name: &String| ["tools.", "resources.", "prompts."].iter().any(|kind| name.starts_with(kind));
    if permissions.iter().any(used) && !permissions.iter().any(|name| name == "servers.use") {
        permissions.push("servers.use".to_owned());
    }
    Claims {
        sub: owner.id.as_str().to_owned(),
        jti: Some(token.id.as_str().to_owned()),
        exp: Some(token.expires_at.seconds()),
        token_use: Some("api".to_owned()),
        teams: match &token.team_id {
            Some(team) => Teams::List(vec![team.as_str().to_owned()]),
            None => Teams::Null,
        },
        user: Some(TokenUser {
            email: owner.email.clone(),
            full_name: Some("API Token User".to_owned()),
            is_admin: owner.is_admin,
            auth_provider: Some("api_token".to_owned()),
        }),
        scopes: Some(TokenScopes {
            server_id: limits.server_id.as_ref().map(|id| id.as_str().to_owned()),
            permissions,
            ip_restrictions: limits.ip_restrictions.clone(),
            time_restrictions: limits.time_restrictions.clone().into_iter().collect(),
            ..TokenScopes::default()
        }),
        ..Claims::default()
    }
}
