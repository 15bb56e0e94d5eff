//! Teams. A team that the credential's scope does not have does not exist for its bearer; public teams can be
//! discovered, and asked to be let into.
//!
//! A team goes only when nothing is shared within it any more: rows that only its members see would be left to nobody
//! but administrators, and must never become public by accident. Its public and private rows stay and lose the team.

mod input;
mod invitation_mail;
mod invitations;
mod join_requests;
mod members;
mod quota;

use domain::{
    Caller, Error, Grant, Result,
    id::TeamId,
    permission::grant::{TeamsCreate, TeamsDelete, TeamsRead, TeamsUpdate},
    person::{Invitation, Membership, Team, TeamRole},
};
use serde_json::json;
pub use store::teams::Page;
use store::teams::Which;

pub(crate) use self::members::{join, role_of};
pub use self::{
    invitation_mail::Delivery,
    invitations::{Invited, accept, cancel, invitations, invite},
    join_requests::{Asked, approve, ask, asked_by_me, reject, requests, withdraw},
    members::{add_member, change_member, leave, member_id, members, remove_member},
};
use crate::{
    audit::{self, Deed},
    catalogue,
    engine::Engine,
    people::commit,
    policy::Permit,
};

/// A team and how many members it has.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The team.
    pub team: Team,
    /// Its members.
    pub members: i64,
}

/// What a new team is made from.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// Its name.
    pub name: String,
    /// Its slug; made from the name where absent.
    pub slug: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// `private` or `public`.
    pub visibility: String,
    /// The most members it may have.
    pub max_members: Option<i64>,
    /// Who is to be in it from the beginning: accounts are taken in, other addresses invited.
    pub members: Vec<(String, TeamRole)>,
    /// What the links in the mails to those who are invited begin with.
    pub invitation_link: String,
}

/// A new team.
#[derive(Debug)]
pub struct Made {
    /// The team.
    pub team: Counted,
    /// Who was taken in.
    pub added: Vec<Membership>,
    /// Who was invited.
    pub invited: Vec<Invitation>,
}

/// What is to change; absent is unchanged.
#[derive(Debug, Clone, Default)]
pub struct TeamChange {
    /// Its name.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// `private` or `public`.
    pub visibility: Option<String>,
    /// The most members it may have.
    pub max_members: Option<i64>,
}

/// Teams that the credential reaches, latest first.
#[crate::boxed]
pub async fn list(engine: &Engine, permit: &Permit<TeamsRead>, page: &Page) -> Result<Vec<Counted>> {
    let reached = reached(permit);
    let rows = store::teams::list(engine.db(), which(reached.as_deref()), page).await?;
    Ok(rows.into_iter().map(|(team, members)| Counted { team, members }).collect())
}

/// How many teams the credential reaches.
#[crate::boxed]
pub async fn count(engine: &Engine, permit: &Permit<TeamsRead>) -> Result<i64> {
    store::teams::count(engine.db(), which(reached(permit).as_deref())).await
}

/// The teams in which the permission holds, or `None` for all there are.
fn reached<P: Grant>(permit: &Permit<P>) -> Option<Vec<TeamId>> {
    match permit.scope() {
        domain::Scope::PublicOnly => Some(Vec::new()),
        domain::Scope::Unrestricted { .. } => None,
        domain::Scope::Teams { teams, .. } => {
            Some(teams.iter().filter(|team| permit.covers(Some(team))).cloned().collect())
        }
    }
}

fn which(reached: Option<&[TeamId]>) -> Which<'_> {
    reached.map_or(Which::All, Which::Of)
}

/// Public teams that the actor is not in, and whether each takes requests to join.
#[crate::boxed]
pub async fn discover(
    engine: &Engine,
    permit: &Permit<TeamsRead>,
    page: &Page,
) -> Result<Vec<(Counted, bool)>> {
    let which = Which::OpenTo(&permit.actor().email);
    let rows = store::teams::list(engine.db(), which, page).await?;
    let open = engine.settings().teams.allow_join_requests || permit.actor().is_admin;
    let told = rows.into_iter().map(|(team, members)| {
        let joinable = open && members < quota::most_members(engine, &team);
        (Counted { team, members }, joinable)
    });
    Ok(told.collect())
}

/// One team.
#[crate::boxed]
pub async fn get(engine: &Engine, permit: &Permit<TeamsRead>, id: &str) -> Result<Counted> {
    let team = find(engine, permit, id).await?;
    if permit.covers(Some(&team.id)) {
        return counted(engine, team).await;
    }
    Err(Error::not_found("Team", ""))
}

/// Makes a team; its maker becomes its owner.
#[crate::boxed]
pub async fn create(
    engine: &Engine,
    permit: &Permit<TeamsCreate>,
    caller: &Caller,
    new: NewTeam,
) -> Result<Made> {
    let actor = permit.actor();
    // A public-only credential would not even see what it made.
    if *permit.scope() == domain::Scope::PublicOnly
        || !(engine.settings().teams.allow_creation || actor.is_admin)
    {
        return Err(Error::Forbidden { needs: None });
    }
    let seeds = input::checked(engine, actor, &new)?;
    let now = engine.clock().now();
    let slug = match new.slug {
        Some(slug) => slug,
        None => free_slug(engine, &new.name).await?,
    };
    let team = Team {
        id: TeamId::random(),
        name: new.name.trim().to_owned(),
        slug,
        description: new.description,
        created_by: actor.email.clone(),
        is_personal: false,
        visibility: new.visibility,
        max_members: new.max_members,
        created_at: now,
        updated_at: now,
        is_active: true,
    };
    let place = members::places(engine).await?;
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("team.create", "team", team.id.as_str());
    let seeded: Vec<_> = seeds.iter().map(|(email, role)| json!([email, role])).collect();
    let details = json!({ "name": team.name, "visibility": team.visibility, "members": seeded });
    audit::record(engine, &mut tx, &actor.email, caller, deed.with(details)).await?;
    if !actor.is_admin {
        quota::check_teams_of(engine, &mut tx, &actor.email).await?;
    }
    store::teams::insert(&mut tx, &team).await?;
    let founder = members::membership(&team, &actor.email, TeamRole::Owner, now, None);
    join(&mut tx, &founder, place.role(TeamRole::Owner), &actor.email).await?;
    let (added, invited) = members::seed(engine, &mut tx, (&team, &place), (actor, &seeds)).await?;
    commit(engine, tx).await?;
    let members = i64::try_from(added.len()).unwrap_or(i64::MAX).saturating_add(1);
    for (invitation, token) in &invited {
        invitation_mail::send(engine, caller, (&team.name, &new.invitation_link), (invitation, token));
    }
    let invited = invited.into_iter().map(|(invitation, _)| invitation).collect();
    Ok(Made { team: Counted { team, members }, added, invited })
}

/// Changes a team.
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &Permit<TeamsUpdate>,
    caller: &Caller,
    id: &str,
    change: TeamChange,
) -> Result<Counted> {
    let mut team = find_to_change(engine, permit, id).await?;
    input::check_change(engine, &change)?;
    if team.is_personal && change.visibility.as_ref().is_some_and(|visibility| visibility != "private") {
        return Err(Error::Refused("A personal team stays private".to_owned()));
    }
    team.name = change.name.map_or(team.name, |name| name.trim().to_owned());
    team.description = change.description.or(team.description);
    team.visibility = change.visibility.unwrap_or(team.visibility);
    team.max_members = change.max_members.or(team.max_members);
    team.updated_at = engine.clock().now();
    let mut tx = engine.db().begin().await?;
    store::teams::update(&mut tx, &team).await?;
    let deed = Deed::done("team.update", "team", team.id.as_str()).with(json!({ "name": team.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    commit(engine, tx).await?;
    counted(engine, team).await
}

/// Deletes a team with its memberships, roles and invitations.
#[crate::boxed]
pub async fn delete(engine: &Engine, permit: &Permit<TeamsDelete>, caller: &Caller, id: &str) -> Result<()> {
    let team = find_to_change(engine, permit, id).await?;
    if team.is_personal {
        return Err(Error::Refused("Personal teams cannot be deleted".to_owned()));
    }
    let mut tx = engine.db().begin().await?;
    let shared = store::teams::shared_in(&mut tx, &team.id).await?;
    if !shared.is_empty() {
        let kinds: Vec<String> = shared.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        return Err(Error::Refused(format!(
            "The team still shares {}: delete them, or give them to another team or visibility first",
            kinds.join(", ")
        )));
    }
    let released = store::teams::release(&mut tx, &team.id).await?;
    store::roles::clear_team(&mut tx, team.id.as_str()).await?;
    store::teams::delete(&mut tx, &team.id).await?;
    let deed = Deed::done("team.delete", "team", team.id.as_str());
    let details = json!({ "name": team.name, "rows_released": released });
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed.with(details)).await?;
    if released > 0 {
        store::sequences::bump(&mut tx, "catalogue").await?;
    }
    commit(engine, tx).await?;
    if released > 0 { catalogue::changed(engine).await } else { Ok(()) }
}

/// The team, if it exists for the actor.
async fn find<P: Grant>(engine: &Engine, permit: &Permit<P>, id: &str) -> Result<Team> {
    let hidden = || Error::not_found("Team", "");
    let id = TeamId::parse(id).filter(|id| permit.scope().has_team(id)).ok_or_else(hidden)?;
    store::teams::get(engine.db(), &id).await?.ok_or_else(hidden)
}

/// The team, if it is the actor's to change.
async fn find_to_change<P: Grant>(engine: &Engine, permit: &Permit<P>, id: &str) -> Result<Team> {
    let team = find(engine, permit, id).await?;
    permit.check_team(&team.id)?;
    Ok(team)
}

async fn counted(engine: &Engine, team: Team) -> Result<Counted> {
    let members = store::teams::members(engine.db(), &team.id).await?.len();
    Ok(Counted { team, members: i64::try_from(members).unwrap_or(i64::MAX) })
}

/// A slug for `name` that no team has now. Two that ask at once get the same, and one of them a conflict.
pub(crate) async fn free_slug(engine: &Engine, name: &str) -> Result<String> {
    let slug = domain::name::slug(name, "-");
    let base = if slug.is_empty() { "team".to_owned() } else { slug };
    let mut candidate = base.clone();
    let mut number = 2_u32;
    while store::teams::by_slug(engine.db(), &candidate).await?.is_some() {
        candidate = format!("{base}-{number}");
        number += 1;
    }
    Ok(candidate)
}

/// The same for a personal team, after the prefix of the settings.
pub(crate) async fn personal_slug(engine: &Engine, name: &str) -> Result<String> {
    match engine.settings().teams.personal_prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        None => free_slug(engine, name).await,
        Some(prefix) => free_slug(engine, &format!("{prefix} {name}")).await,
    }
}
