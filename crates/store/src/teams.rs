//! The tables of teams and of who is in them.
//!
//! Slugs are unique over all teams. Nothing here decides whether somebody may join or leave; functions that end in
//! `_in` read inside a transaction, for rules that have to hold when it commits.

mod lists;
mod rows;

use domain::{
    Error, Result, Timestamp,
    id::TeamId,
    person::{Membership, Team, TeamRole},
};

pub use self::{
    lists::{Page, Which, count, list, members_page},
    rows::{release, shared_in},
};
use crate::{
    db::{Db, Tx},
    sql::{Arg, Column, Sql},
    tokens,
};

row! {
    struct Stored {
        id: String,
        name: String,
        slug: String,
        description: Option<String>,
        created_by: String,
        is_personal: bool,
        visibility: String,
        max_members: Option<i64>,
        created_at: i64,
        updated_at: i64,
        is_active: bool,
    }
}

impl From<Stored> for Team {
    fn from(row: Stored) -> Self {
        Self {
            id: TeamId::from_stored(row.id),
            name: row.name,
            slug: row.slug,
            description: row.description,
            created_by: row.created_by,
            is_personal: row.is_personal,
            visibility: row.visibility,
            max_members: row.max_members,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            is_active: row.is_active,
        }
    }
}

row! {
    struct StoredMember {
        team_id: String,
        email: String,
        role: String,
        joined_at: i64,
        invited_by: Option<String>,
    }
}

impl From<StoredMember> for Membership {
    fn from(row: StoredMember) -> Self {
        Self {
            team_id: TeamId::from_stored(row.team_id),
            email: row.email,
            role: role_of(&row.role),
            joined_at: Timestamp(row.joined_at),
            invited_by: row.invited_by,
        }
    }
}

const COLUMNS: &str = "teams.id, teams.name, teams.slug, teams.description, teams.created_by, teams.is_personal, \
     teams.visibility, teams.max_members, teams.created_at, teams.updated_at, teams.is_active";
const SELECT_MEMBERS: &str = "SELECT memberships.team_id, memberships.email, memberships.role, \
     memberships.joined_at, memberships.invited_by FROM memberships";

fn select() -> Sql {
    Sql::new(format!("SELECT {COLUMNS} FROM teams"))
}

fn columns(team: &Team) -> Vec<Column> {
    vec![
        ("name", (&team.name).into()),
        ("slug", (&team.slug).into()),
        ("description", Arg::Text(team.description.clone())),
        ("created_by", (&team.created_by).into()),
        ("is_personal", team.is_personal.into()),
        ("visibility", (&team.visibility).into()),
        ("max_members", team.max_members.into()),
        ("created_at", team.created_at.into()),
        ("updated_at", team.updated_at.into()),
        ("is_active", team.is_active.into()),
    ]
}

/// Stores a new team.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, team: &Team) -> Result<()> {
    let mut all: Vec<Column> = vec![("id", team.id.as_str().into())];
    all.extend(columns(team));
    tx.run_named(Sql::insert("teams", all), "Team", &team.name).await.map(|_| ())
}

/// Stores a changed team.
#[crate::boxed]
pub async fn update(tx: &mut Tx, team: &Team) -> Result<()> {
    let sql = Sql::update("teams", columns(team)).push(" WHERE id = ", team.id.as_str());
    match tx.run_named(sql, "Team", &team.name).await? {
        0 => Err(Error::not_found("Team", team.id.as_str())),
        _ => Ok(()),
    }
}

/// Removes a team with its memberships.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &TeamId) -> Result<()> {
    tx.run(Sql::new("DELETE FROM teams WHERE id = ").push("", id.as_str())).await.map(|_| ())
}

/// One team.
#[crate::boxed]
pub async fn get(db: &Db, id: &TeamId) -> Result<Option<Team>> {
    let row: Option<Stored> = db.one(select().push(" WHERE id = ", id.as_str())).await?;
    Ok(row.map(Team::from))
}

/// The team with a slug.
#[crate::boxed]
pub async fn by_slug(db: &Db, slug: &str) -> Result<Option<Team>> {
    let row: Option<Stored> = db.one(select().push(" WHERE slug = ", slug)).await?;
    Ok(row.map(Team::from))
}

/// The teams that a person is in, newest first.
#[crate::boxed]
pub async fn of_person(db: &Db, email: &str) -> Result<Vec<Team>> {
    let sql = select()
        .text(" JOIN memberships ON memberships.team_id = teams.id")
        .push(" WHERE memberships.email = ", email)
        .text(" ORDER BY teams.created_at DESC, teams.id DESC");
    let rows: Vec<Stored> = db.all(sql).await?;
    Ok(rows.into_iter().map(Team::from).collect())
}

/// Puts a person into a team.
#[crate::boxed]
pub async fn add_member(tx: &mut Tx, member: &Membership) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("team_id", member.team_id.as_str().into()),
        ("email", (&member.email).into()),
        ("role", role(member.role).into()),
        ("joined_at", member.joined_at.into()),
        ("invited_by", Arg::Text(member.invited_by.clone())),
    ];
    tokens::touch(tx, &member.email).await?;
    tx.run_named(Sql::insert("memberships", columns), "Member", &member.email).await.map(|_| ())
}

/// Changes a member's role. Gives whether there was such a member.
#[crate::boxed]
pub async fn set_member_role(tx: &mut Tx, team: &TeamId, email: &str, new: TeamRole) -> Result<bool> {
    let columns: Vec<Column> = vec![("role", role(new).into())];
    let sql = Sql::update("memberships", columns)
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND email = ", email);
    tokens::touch(tx, email).await?;
    Ok(tx.run(sql).await? > 0)
}

/// Takes a person out of a team. Gives whether they were in it.
#[crate::boxed]
pub async fn remove_member(tx: &mut Tx, team: &TeamId, email: &str) -> Result<bool> {
    let sql = Sql::new("DELETE FROM memberships")
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND email = ", email);
    tokens::touch(tx, email).await?;
    Ok(tx.run(sql).await? > 0)
}

/// The members of a team, longest first.
#[crate::boxed]
pub async fn members(db: &Db, team: &TeamId) -> Result<Vec<Membership>> {
    let sql =
        Sql::new(SELECT_MEMBERS).push(" WHERE team_id = ", team.as_str()).text(" ORDER BY joined_at, email");
    let rows: Vec<StoredMember> = db.all(sql).await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}

/// One member, inside a transaction.
#[crate::boxed]
pub async fn member_in(tx: &mut Tx, team: &TeamId, email: &str) -> Result<Option<Membership>> {
    let sql = Sql::new(SELECT_MEMBERS).push(" WHERE team_id = ", team.as_str()).push(" AND email = ", email);
    let row: Option<StoredMember> = tx.one(sql).await?;
    Ok(row.map(Membership::from))
}

/// How many members with a role a team has, inside a transaction.
#[crate::boxed]
pub async fn count_in(tx: &mut Tx, team: &TeamId, with: TeamRole) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) FROM memberships")
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND role = ", role(with));
    let row: Option<(i64,)> = tx.one(sql).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// The memberships of a person in teams that are in use.
#[crate::boxed]
pub async fn memberships(db: &Db, email: &str) -> Result<Vec<Membership>> {
    let sql = Sql::new(SELECT_MEMBERS)
        .text(" JOIN teams ON teams.id = memberships.team_id")
        .push(" WHERE memberships.email = ", email)
        .push(" AND teams.is_active = ", true);
    let rows: Vec<StoredMember> = db.all(sql).await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}

/// In how many teams, not counting personal ones, a person is.
#[crate::boxed]
pub async fn count_of_person_in(tx: &mut Tx, email: &str) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) FROM memberships JOIN teams ON teams.id = memberships.team_id")
        .push(" WHERE memberships.email = ", email)
        .push(" AND teams.is_personal = ", false);
    let row: Option<(i64,)> = tx.one(sql).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// One team, inside a transaction.
#[crate::boxed]
pub async fn get_in(tx: &mut Tx, id: &TeamId) -> Result<Option<Team>> {
    let row: Option<Stored> = tx.one(select().push(" WHERE id = ", id.as_str())).await?;
    Ok(row.map(Team::from))
}

/// A place in a team as it is stored.
pub(crate) fn role(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Owner => "owner",
        TeamRole::Member => "member",
    }
}

/// The other way round. An unknown word must not make anybody an owner.
pub(crate) fn role_of(word: &str) -> TeamRole {
    if word == "owner" { TeamRole::Owner } else { TeamRole::Member }
}
