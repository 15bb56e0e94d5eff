//! Teams. A team that the credential's scope does not have does not exist for its bearer.

mod members;

use std::collections::BTreeMap;

use domain::{
    Caller, Error, Grant, Problem, Result,
    id::TeamId,
    permission::grant::{TeamsCreate, TeamsDelete, TeamsRead, TeamsUpdate},
    person::{Membership, Team, TeamRole},
};
use serde_json::json;

pub use self::members::{add_member, change_member, members, remove_member};
pub(crate) use self::members::{join, role_of};
use crate::{
    audit::{self, Deed},
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

/// The teams that the credential reaches, latest first.
pub async fn list(engine: &Engine, permit: &Permit<TeamsRead>) -> Result<Vec<Counted>> {
    let counts: BTreeMap<TeamId, i64> = store::teams::member_counts(engine.db()).await?.into_iter().collect();
    let teams = store::teams::all(engine.db()).await?;
    let seen = teams.into_iter().filter(|team| permit.scope().has_team(&team.id));
    Ok(seen.map(|team| Counted { members: counts.get(&team.id).copied().unwrap_or(0), team }).collect())
}

/// One team.
pub async fn get(engine: &Engine, permit: &Permit<TeamsRead>, id: &str) -> Result<Counted> {
    counted(engine, find(engine, permit, id).await?).await
}

/// Makes a team; its maker becomes its owner.
pub async fn create(
    engine: &Engine,
    permit: &Permit<TeamsCreate>,
    caller: &Caller,
    new: NewTeam,
) -> Result<Counted> {
    let mut problems =
        problems(Some(&new.name), new.description.as_deref(), Some(&new.visibility), new.max_members);
    problems.extend(new.slug.as_deref().and_then(slug_problem));
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let (actor, now) = (permit.actor(), engine.clock().now());
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
    let membership = Membership {
        team_id: team.id.clone(),
        email: actor.email.clone(),
        role: TeamRole::Owner,
        joined_at: now,
        invited_by: None,
    };
    let owner = role_of(engine, TeamRole::Owner).await?;
    let mut tx = engine.db().begin().await?;
    store::teams::insert(&mut tx, &team).await?;
    join(&mut tx, &membership, &owner, &actor.email).await?;
    let deed = Deed::done("team.create", "team", team.id.as_str()).with(json!({ "name": team.name }));
    audit::record(engine, &mut tx, &actor.email, caller, deed).await?;
    commit(engine, tx).await?;
    Ok(Counted { team, members: 1 })
}

/// Changes a team.
pub async fn update(
    engine: &Engine,
    permit: &Permit<TeamsUpdate>,
    caller: &Caller,
    id: &str,
    change: TeamChange,
) -> Result<Counted> {
    let mut team = find_to_change(engine, permit, id).await?;
    let problems = problems(
        change.name.as_deref(),
        change.description.as_deref(),
        change.visibility.as_deref(),
        change.max_members,
    );
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
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

/// Deletes a team with its memberships and roles. What is registered for the team keeps its owner and is seen by
/// administrators only, until somebody gives it to another team.
pub async fn delete(engine: &Engine, permit: &Permit<TeamsDelete>, caller: &Caller, id: &str) -> Result<()> {
    let team = find_to_change(engine, permit, id).await?;
    if team.is_personal {
        return Err(Error::Refused("Personal teams cannot be deleted".to_owned()));
    }
    let mut tx = engine.db().begin().await?;
    store::roles::clear_team(&mut tx, team.id.as_str()).await?;
    store::teams::delete(&mut tx, &team.id).await?;
    let deed = Deed::done("team.delete", "team", team.id.as_str()).with(json!({ "name": team.name }));
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    commit(engine, tx).await
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

fn slug_problem(slug: &str) -> Option<Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (2..=255).contains(&slug.len()) && slug.bytes().all(allowed);
    let message = "must be 2 to 255 of a-z, 0-9 and '-'".to_owned();
    (!good).then_some(Problem { field: "slug".to_owned(), message })
}

fn problems(
    name: Option<&str>,
    description: Option<&str>,
    visibility: Option<&str>,
    max_members: Option<i64>,
) -> Vec<Problem> {
    let long = |text: &str, most: usize| {
        text.chars().count() > most || text.chars().any(|c| c.is_control() && c != '\n')
    };
    let checks = [
        (
            name.is_some_and(|name| name.trim().is_empty() || long(name, 255)),
            "name",
            "must be 1 to 255 characters",
        ),
        (description.is_some_and(|text| long(text, 1000)), "description", "must be at most 1000 characters"),
        (
            visibility.is_some_and(|word| !matches!(word, "private" | "public")),
            "visibility",
            "must be private or public",
        ),
        (max_members.is_some_and(|most| most < 1), "max_members", "must be 1 or more"),
    ];
    let wrong = checks.into_iter().filter(|(wrong, ..)| *wrong);
    wrong
        .map(|(_, field, message)| Problem { field: field.to_owned(), message: message.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_team_is_reported() {
        let fields: Vec<_> = problems(Some(" "), Some(&"x".repeat(1001)), Some("team"), Some(0))
            .into_iter()
            .map(|p| p.field)
            .collect();
        assert_eq!(fields, ["name", "description", "visibility", "max_members"]);
        assert!(problems(Some("Core Team"), Some("two\nlines"), Some("public"), Some(1)).is_empty());
    }

    #[test]
    fn slugs_are_lower_case() {
        assert!(slug_problem("core-team-2").is_none());
        assert!(
            slug_problem("Core").is_some() && slug_problem("x").is_some() && slug_problem("a_b").is_some()
        );
    }
}
