//! Who is in a team. Every member has the role in it that goes with their place: owners run it, members look.
//!
//! A team always keeps an owner; a personal team keeps its one member.

use domain::{
    Caller, Error, Result,
    permission::grant::{TeamsManageMembers, TeamsRead},
    person::{Membership, Role, RoleScope, Team, TeamRole},
};
use serde_json::json;

use super::{find, find_to_change};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    people::{self, commit},
    policy::Permit,
};

type May = Permit<TeamsManageMembers>;

/// The members of a team.
pub async fn members(engine: &Engine, permit: &Permit<TeamsRead>, id: &str) -> Result<Vec<Membership>> {
    let team = find(engine, permit, id).await?;
    store::teams::members(engine.db(), &team.id).await
}

/// Takes somebody into a team.
pub async fn add_member(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    (email, role): (&str, TeamRole),
) -> Result<Membership> {
    let team = shared(find_to_change(engine, permit, id).await?)?;
    let user = store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?;
    let user = user.filter(|user| user.is_active).ok_or_else(|| Error::not_found("User", ""))?;
    let actor = permit.actor();
    let membership = Membership {
        team_id: team.id.clone(),
        email: user.email,
        role,
        joined_at: engine.clock().now(),
        invited_by: Some(actor.email.clone()),
    };
    let place = role_of(engine, role).await?;
    let mut tx = engine.db().begin().await?;
    record(engine, &mut tx, (&actor.email, caller), "team.member_add", &membership).await?;
    if let Some(most) = team.max_members
        && count(&mut tx, &team).await? >= most
    {
        return Err(Error::Refused(format!("The team has its {most} members already")));
    }
    join(&mut tx, &membership, &place, &actor.email).await?;
    commit(engine, tx).await?;
    Ok(membership)
}

/// Makes a member an owner, or an owner a member.
pub async fn change_member(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    (email, role): (&str, TeamRole),
) -> Result<Membership> {
    let team = shared(find_to_change(engine, permit, id).await?)?;
    let by = permit.actor().email.as_str();
    let place = role_of(engine, role).await?;
    let mut tx = engine.db().begin().await?;
    let old = member(&mut tx, &team, email).await?;
    let changed = Membership { role, ..old.clone() };
    record(engine, &mut tx, (by, caller), "team.member_change", &changed).await?;
    leave(&mut tx, &old).await?;
    join(&mut tx, &changed, &place, by).await?;
    keep_an_owner(&mut tx, &team).await?;
    commit(engine, tx).await?;
    Ok(changed)
}

/// Takes somebody out of a team.
pub async fn remove_member(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    email: &str,
) -> Result<()> {
    let team = shared(find_to_change(engine, permit, id).await?)?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    let old = member(&mut tx, &team, email).await?;
    record(engine, &mut tx, (by, caller), "team.member_remove", &old).await?;
    leave(&mut tx, &old).await?;
    keep_an_owner(&mut tx, &team).await?;
    commit(engine, tx).await
}

fn shared(team: Team) -> Result<Team> {
    if team.is_personal {
        return Err(Error::Refused("A personal team has one member".to_owned()));
    }
    Ok(team)
}

async fn member(tx: &mut store::Tx, team: &Team, email: &str) -> Result<Membership> {
    let found = store::teams::member_in(tx, &team.id, &email.trim().to_lowercase()).await?;
    found.ok_or_else(|| Error::not_found("Team member", ""))
}

async fn count(tx: &mut store::Tx, team: &Team) -> Result<i64> {
    let owners = store::teams::count_in(tx, &team.id, TeamRole::Owner).await?;
    Ok(owners + store::teams::count_in(tx, &team.id, TeamRole::Member).await?)
}

/// Checked after the audit record, which makes transactions wait for each other.
async fn keep_an_owner(tx: &mut store::Tx, team: &Team) -> Result<()> {
    if store::teams::count_in(tx, &team.id, TeamRole::Owner).await? > 0 {
        return Ok(());
    }
    Err(Error::Refused("The last owner of a team cannot be removed or demoted".to_owned()))
}

async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    membership: &Membership,
) -> Result<()> {
    let details = json!({ "email": membership.email, "role": membership.role });
    audit::record(
        engine,
        tx,
        by,
        caller,
        Deed::done(action, "team", membership.team_id.as_str()).with(details),
    )
    .await
}

/// The role that goes with a place in a team.
pub(crate) async fn role_of(engine: &Engine, place: TeamRole) -> Result<Role> {
    let name = match place {
        TeamRole::Owner => "team_admin",
        TeamRole::Member => "viewer",
    };
    people::built_in(engine, name, RoleScope::Team).await
}

/// Stores a membership and the role that goes with it.
pub(crate) async fn join(tx: &mut store::Tx, membership: &Membership, role: &Role, by: &str) -> Result<()> {
    store::teams::add_member(tx, membership).await?;
    let made = (by, membership.joined_at);
    people::grant(tx, &membership.email, role, Some(&membership.team_id), made).await
}

/// Removes a membership and every role in the team.
async fn leave(tx: &mut store::Tx, membership: &Membership) -> Result<()> {
    store::roles::revoke_in_team(tx, &membership.email, membership.team_id.as_str()).await?;
    store::teams::remove_member(tx, &membership.team_id, &membership.email).await.map(|_| ())
}
