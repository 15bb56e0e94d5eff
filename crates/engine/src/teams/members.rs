//! Who is in a team. Every member has the role in it that goes with their place, as the settings say: owners run it,
//! members look.
//!
//! A team always keeps an owner; a personal team keeps its one member. Whoever leaves loses every role in the team and
//! takes the invitations back that they made. Whoever makes an owner has to hold what owners may do there.

use std::sync::Arc;

use domain::{
    Actor, Caller, Error, Result, Secret, Timestamp,
    id::TeamId,
    permission::grant::{TeamsJoin, TeamsManageMembers, TeamsRead},
    person::{Invitation, Membership, Role, RoleScope, Team, TeamRole},
};
use serde_json::json;
use store::teams::Page;

use super::{find, find_to_change, get, input::Seeds, invitations, quota};
use crate::{
    audit::{self, Deed},
    authn::sha256,
    engine::Engine,
    people::{self, check_may_grant_in, commit},
    policy::Permit,
};

pub(super) type May = Permit<TeamsManageMembers>;

/// Members of a team, longest first.
#[crate::boxed]
pub async fn members(
    engine: &Engine,
    permit: &Permit<TeamsRead>,
    id: &str,
    page: &Page,
) -> Result<Vec<Membership>> {
    let team = get(engine, permit, id).await?.team;
    store::teams::members_page(engine.db(), &team.id, page).await
}

/// The id that clients know a membership by: 32 hexadecimal digits, from the team and the address.
pub fn member_id(membership: &Membership) -> String {
    let mut id = hexadecimal(&sha256(format!("{}:{}", membership.team_id, membership.email).as_bytes()));
    id.truncate(32);
    id
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Takes somebody into a team.
#[crate::boxed]
pub async fn add_member(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    (email, role): (&str, TeamRole),
) -> Result<Membership> {
    let team = shared(find_to_change(engine, permit, id).await?)?;
    let places = places(engine).await?;
    places.check_may_give(permit.actor(), role, &team.id)?;
    let by = permit.actor().email.as_str();
    let email = email.trim().to_lowercase();
    let new = membership(&team, &email, role, engine.clock().now(), Some(by));
    let mut tx = engine.db().begin().await?;
    record(engine, &mut tx, (by, caller), "team.member_add", &new).await?;
    if store::teams::member_in(&mut tx, &team.id, &email).await?.is_some() {
        return Err(Error::Conflict(ALREADY.to_owned()));
    }
    take_in(engine, &mut tx, (&team, &places), &new, by).await?;
    commit(engine, tx).await?;
    Ok(new)
}

/// Makes a member an owner, or an owner a member, who then keeps no other role in the team.
#[crate::boxed]
pub async fn change_member(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    (email, role): (&str, TeamRole),
) -> Result<Membership> {
    let team = shared(find_to_change(engine, permit, id).await?)?;
    let by = permit.actor().email.as_str();
    let places = places(engine).await?;
    let mut tx = engine.db().begin().await?;
    let old = member(&mut tx, &team, email).await?;
    if old.role == role {
        return Ok(old);
    }
    places.check_may_give(permit.actor(), role, &team.id)?;
    let changed = Membership { role, ..old.clone() };
    record(engine, &mut tx, (by, caller), "team.member_change", &changed).await?;
    if role == TeamRole::Owner {
        store::teams::set_member_role(&mut tx, &team.id, &old.email, role).await?;
        people::grant(&mut tx, &old.email, places.role(role), Some(&team.id), (by, engine.clock().now()))
            .await?;
    } else {
        go(&mut tx, &old).await?;
        join(&mut tx, &changed, places.role(role), by).await?;
        keep_an_owner(&mut tx, &team, LAST_OWNER).await?;
    }
    commit(engine, tx).await?;
    Ok(changed)
}

/// Takes somebody out of a team.
#[crate::boxed]
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
    go(&mut tx, &old).await?;
    keep_an_owner(&mut tx, &team, LAST_OWNER).await?;
    commit(engine, tx).await
}

/// Leaves a team.
#[crate::boxed]
pub async fn leave(engine: &Engine, permit: &Permit<TeamsJoin>, caller: &Caller, id: &str) -> Result<()> {
    let team = find(engine, permit, id).await?;
    if team.is_personal {
        return Err(Error::Refused("Cannot leave personal team".to_owned()));
    }
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    let own = store::teams::member_in(&mut tx, &team.id, by).await?;
    let own = own.ok_or_else(|| Error::Refused("User is not a member of this team".to_owned()))?;
    record(engine, &mut tx, (by, caller), "team.leave", &own).await?;
    go(&mut tx, &own).await?;
    keep_an_owner(&mut tx, &team, "Cannot leave team - you are its last owner").await?;
    commit(engine, tx).await
}

pub(super) const ALREADY: &str = "User is already a member of this team";
const LAST_OWNER: &str = "The last owner of a team cannot be removed or demoted";

pub(super) fn shared(team: Team) -> Result<Team> {
    if team.is_personal {
        return Err(Error::Refused("A personal team has one member".to_owned()));
    }
    Ok(team)
}

pub(super) fn membership(
    team: &Team,
    email: &str,
    role: TeamRole,
    joined_at: Timestamp,
    invited_by: Option<&str>,
) -> Membership {
    let (team_id, email) = (team.id.clone(), email.to_owned());
    Membership { team_id, email, role, joined_at, invited_by: invited_by.map(str::to_owned) }
}

/// Takes in an account that is in use, as far as the quotas allow.
pub(super) async fn take_in(
    engine: &Engine,
    tx: &mut store::Tx,
    (team, places): (&Team, &Places),
    new: &Membership,
    by: &str,
) -> Result<()> {
    let user = store::users::by_email_in(tx, &new.email).await?;
    if user.is_none_or(|user| !user.is_active) {
        return Err(Error::not_found("User", ""));
    }
    quota::check_teams_of(engine, tx, &new.email).await?;
    quota::check_room(engine, tx, team, 0).await?;
    store::join_requests::remove(tx, &team.id, &new.email).await?;
    join(tx, new, places.role(new.role), by).await
}

/// The first members of a new team: accounts are taken in, other addresses invited.
pub(super) async fn seed(
    engine: &Engine,
    tx: &mut store::Tx,
    (team, places): (&Team, &Places),
    (maker, seeds): (&Arc<Actor>, &Seeds),
) -> Result<(Vec<Membership>, Vec<(Invitation, Secret<String>)>)> {
    let (mut added, mut invited) = (Vec::new(), Vec::new());
    for (email, role) in seeds {
        let user = store::users::by_email_in(tx, email).await?;
        if user.is_some_and(|user| user.is_active) {
            let new = membership(team, email, *role, team.created_at, Some(&maker.email));
            take_in(engine, tx, (team, places), &new, &maker.email).await?;
            added.push(new);
        } else {
            invitations::check_allowed(engine, maker)?;
            invited.push(invitations::make(engine, tx, team, (email, *role), &maker.email).await?);
        }
    }
    Ok((added, invited))
}

async fn member(tx: &mut store::Tx, team: &Team, email: &str) -> Result<Membership> {
    let found = store::teams::member_in(tx, &team.id, &email.trim().to_lowercase()).await?;
    found.ok_or_else(|| Error::not_found("Team member", ""))
}

/// Checked after the change, in its transaction: writers take turns.
async fn keep_an_owner(tx: &mut store::Tx, team: &Team, refusal: &str) -> Result<()> {
    if store::teams::count_in(tx, &team.id, TeamRole::Owner).await? > 0 {
        return Ok(());
    }
    Err(Error::Refused(refusal.to_owned()))
}

pub(super) async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    membership: &Membership,
) -> Result<()> {
    let details = json!({ "email": membership.email, "role": membership.role });
    let deed = Deed::done(action, "team", membership.team_id.as_str()).with(details);
    audit::record(engine, tx, by, caller, deed).await
}

/// The roles that go with the places in a team.
pub(super) struct Places {
    owner: Role,
    member: Role,
    /// What owners may do, with everything that their role inherits.
    owners_may: domain::PermissionSet,
}

impl Places {
    pub(super) fn role(&self, place: TeamRole) -> &Role {
        match place {
            TeamRole::Owner => &self.owner,
            TeamRole::Member => &self.member,
        }
    }

    /// Managing members brings the right to make members; owners are made by those who may what owners may.
    pub(super) fn check_may_give(&self, actor: &Arc<Actor>, place: TeamRole, team: &TeamId) -> Result<()> {
        match place {
            TeamRole::Member => Ok(()),
            TeamRole::Owner => check_may_grant_in(actor, self.owners_may, Some(team)),
        }
    }
}

pub(super) async fn places(engine: &Engine) -> Result<Places> {
    let roles = store::roles::all(engine.db()).await?;
    let owner = role_of(engine, TeamRole::Owner).await?;
    let row = roles.iter().find(|row| row.role.id == owner.id);
    let owners_may = row.map_or(domain::PermissionSet::ALL, |row| people::effective(row, &roles));
    Ok(Places { owner, member: role_of(engine, TeamRole::Member).await?, owners_may })
}

/// The role that goes with a place in a team.
pub(crate) async fn role_of(engine: &Engine, place: TeamRole) -> Result<Role> {
    let settings = &engine.settings().teams;
    let name = match place {
        TeamRole::Owner => &settings.owner_role,
        TeamRole::Member => &settings.member_role,
    };
    people::built_in(engine, name, RoleScope::Team).await
}

/// Stores a membership and the role that goes with it.
pub(crate) async fn join(tx: &mut store::Tx, membership: &Membership, role: &Role, by: &str) -> Result<()> {
    store::teams::add_member(tx, membership).await?;
    let made = (by, membership.joined_at);
    people::grant(tx, &membership.email, role, Some(&membership.team_id), made).await
}

/// Removes a membership, every role in the team, and the invitations that the member made.
async fn go(tx: &mut store::Tx, membership: &Membership) -> Result<()> {
    store::invitations::close_by(tx, &membership.team_id, &membership.email).await?;
    store::roles::revoke_in_team(tx, &membership.email, membership.team_id.as_str()).await?;
    store::teams::remove_member(tx, &membership.team_id, &membership.email).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_keeps_its_id() {
        let one = Membership {
            team_id: TeamId::from_stored("a".repeat(32)),
            email: "a@b.c".to_owned(),
            role: TeamRole::Member,
            joined_at: Timestamp(1),
            invited_by: None,
        };
        let later = Membership { role: TeamRole::Owner, joined_at: Timestamp(2), ..one.clone() };
        assert_eq!(member_id(&one), member_id(&later));
        assert_ne!(member_id(&one), member_id(&Membership { email: "d@e.f".to_owned(), ..one.clone() }));
        assert_eq!(member_id(&one).len(), 32);
        assert!(member_id(&one).bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
