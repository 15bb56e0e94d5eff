//! Requests to join a public team, answered by those who manage its members. A person has one for each team; asking
//! again after an answer replaces it. Private teams do not exist for those who ask.

use std::{sync::Arc, time::Duration};

use domain::{
    Actor, Caller, Error, Result,
    id::TeamId,
    permission::grant::TeamsJoin,
    person::{JoinRequest, JoinStatus, Membership, Team, TeamRole},
};
use serde_json::json;

use super::{
    find_to_change,
    members::{ALREADY, May, membership, places, take_in},
};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    people::commit,
    policy::Permit,
};

/// How long a request waits for an answer: ContextForge's week.
const PATIENCE: Duration = Duration::from_hours(7 * 24);

/// A request with the name of its team.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub request: JoinRequest,
    /// The team's name.
    pub team_name: String,
}

/// Asks to be let into a public team.
#[crate::boxed]
pub async fn ask(
    engine: &Engine,
    permit: &Permit<TeamsJoin>,
    caller: &Caller,
    id: &str,
    message: Option<String>,
) -> Result<Asked> {
    check_allowed(engine, permit.actor())?;
    if message.as_ref().is_some_and(|text| text.chars().count() > 500) {
        return Err(Error::invalid("message", "must be at most 500 characters"));
    }
    let team = public(engine, permit, id).await?;
    let (me, now) = (permit.actor().email.as_str(), engine.clock().now());
    let request = JoinRequest {
        id: TeamId::random().as_str().to_owned(),
        team_id: team.id.clone(),
        email: me.to_owned(),
        message,
        status: JoinStatus::Pending,
        requested_at: now,
        expires_at: now.plus(PATIENCE),
        reviewed_at: None,
        reviewed_by: None,
    };
    let mut tx = engine.db().begin().await?;
    if store::teams::member_in(&mut tx, &team.id, me).await?.is_some() {
        return Err(Error::Refused(ALREADY.to_owned()));
    }
    let before = store::join_requests::of_person_in(&mut tx, &team.id, me).await?;
    if before.is_some_and(|before| before.is_open(now)) {
        return Err(Error::Refused("User already has a pending join request for this team".to_owned()));
    }
    store::join_requests::replace(&mut tx, &request).await?;
    record(engine, &mut tx, (me, caller), "team.join_ask", &request).await?;
    commit(engine, tx).await?;
    Ok(Asked { request, team_name: team.name })
}

/// Takes the actor's own request back.
#[crate::boxed]
pub async fn withdraw(engine: &Engine, permit: &Permit<TeamsJoin>, caller: &Caller, id: &str) -> Result<()> {
    let hidden = || Error::not_found("Join request", "");
    let team = TeamId::parse(id).ok_or_else(hidden)?;
    let (me, now) = (permit.actor().email.as_str(), engine.clock().now());
    let mut tx = engine.db().begin().await?;
    let own = store::join_requests::of_person_in(&mut tx, &team, me).await?;
    let own = own.filter(|own| own.is_open(now)).ok_or_else(hidden)?;
    store::join_requests::remove(&mut tx, &team, me).await?;
    record(engine, &mut tx, (me, caller), "team.join_withdraw", &own).await?;
    commit(engine, tx).await
}

/// Requests to a team that wait for an answer, oldest first.
#[crate::boxed]
pub async fn requests(engine: &Engine, permit: &May, id: &str, page: (i64, i64)) -> Result<Vec<Asked>> {
    let team = find_to_change(engine, permit, id).await?;
    let found = store::join_requests::open_of_team(engine.db(), &team.id, engine.clock().now(), page).await?;
    Ok(found.into_iter().map(|request| Asked { request, team_name: team.name.clone() }).collect())
}

/// The actor's own requests that wait for an answer. Teams that went private since are not named.
#[crate::boxed]
pub async fn asked_by_me(
    engine: &Engine,
    permit: &Permit<TeamsJoin>,
    page: (i64, i64),
) -> Result<Vec<Asked>> {
    let me = permit.actor().email.as_str();
    let mut told = Vec::new();
    for request in store::join_requests::open_of_person(engine.db(), me, engine.clock().now(), page).await? {
        if let Some(team) = store::teams::get(engine.db(), &request.team_id).await?
            && is_open(&team)
        {
            told.push(Asked { request, team_name: team.name });
        }
    }
    Ok(told)
}

/// Takes somebody in who asked.
#[crate::boxed]
pub async fn approve(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    (id, request): (&str, &str),
) -> Result<Membership> {
    let team = super::members::shared(find_to_change(engine, permit, id).await?)?;
    let places = places(engine).await?;
    let (by, now) = (permit.actor().email.as_str(), engine.clock().now());
    let mut tx = engine.db().begin().await?;
    let request = waiting(engine, &mut tx, &team, request).await?;
    if store::teams::member_in(&mut tx, &team.id, &request.email).await?.is_some() {
        return Err(Error::Refused(ALREADY.to_owned()));
    }
    let new = membership(&team, &request.email, TeamRole::Member, now, Some(by));
    take_in(engine, &mut tx, (&team, &places), &new, by).await?;
    record(engine, &mut tx, (by, caller), "team.join_approve", &request).await?;
    commit(engine, tx).await?;
    Ok(new)
}

/// Refuses a request.
#[crate::boxed]
pub async fn reject(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    (id, request): (&str, &str),
) -> Result<()> {
    let team = find_to_change(engine, permit, id).await?;
    let (by, now) = (permit.actor().email.as_str(), engine.clock().now());
    let mut tx = engine.db().begin().await?;
    let request = waiting(engine, &mut tx, &team, request).await?;
    store::join_requests::review(&mut tx, &request, JoinStatus::Rejected, (by, now)).await?;
    record(engine, &mut tx, (by, caller), "team.join_reject", &request).await?;
    commit(engine, tx).await
}

async fn waiting(engine: &Engine, tx: &mut store::Tx, team: &Team, id: &str) -> Result<JoinRequest> {
    let hidden = || Error::not_found("Join request", "");
    let id = TeamId::parse(id).ok_or_else(hidden)?;
    let found = store::join_requests::get_in(tx, &team.id, id.as_str()).await?;
    found.filter(|request| request.is_open(engine.clock().now())).ok_or_else(hidden)
}

/// A team that can be asked for: public, or one's own, for which the answer is another.
async fn public(engine: &Engine, permit: &Permit<TeamsJoin>, id: &str) -> Result<Team> {
    let hidden = || Error::not_found("Team", "");
    let id = TeamId::parse(id).ok_or_else(hidden)?;
    let team = store::teams::get(engine.db(), &id).await?.ok_or_else(hidden)?;
    match (is_open(&team), permit.scope().has_team(&team.id)) {
        (true, _) => Ok(team),
        (false, true) => Err(Error::Refused("Can only request to join public teams".to_owned())),
        (false, false) => Err(hidden()),
    }
}

fn is_open(team: &Team) -> bool {
    team.visibility == "public" && !team.is_personal && team.is_active
}

fn check_allowed(engine: &Engine, actor: &Arc<Actor>) -> Result<()> {
    if engine.settings().teams.allow_join_requests || actor.is_admin {
        Ok(())
    } else {
        Err(Error::Forbidden { needs: None })
    }
}

async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    request: &JoinRequest,
) -> Result<()> {
    let details = json!({ "request": request.id, "email": request.email });
    let deed = Deed::done(action, "team", request.team_id.as_str()).with(details);
    audit::record(engine, tx, by, caller, deed).await
}
