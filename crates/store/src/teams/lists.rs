//! Lists of teams and members, page by page.

use domain::{
    Result,
    id::TeamId,
    person::{Membership, Team},
};

use super::{COLUMNS, SELECT_MEMBERS, Stored, StoredMember};
use crate::{db::Db, query::Cursor, sql::Sql};

/// Which teams are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// All there are.
    All,
    /// These.
    Of(&'a [TeamId]),
    /// Public ones that somebody could join: in use, and without them.
    OpenTo(&'a str),
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// So many rows are left out.
    pub skip: i64,
    /// At most so many rows; all where absent.
    pub limit: Option<i64>,
}

row! {
    struct Counted {
        member_count: i64,
        ..team: Stored,
    }
}

/// Teams with the number of their members, newest first.
#[crate::boxed]
pub async fn list<'a>(db: &'a Db, which: Which<'a>, page: &Page) -> Result<Vec<(Team, i64)>> {
    let counted = "(SELECT COUNT(*) FROM memberships WHERE memberships.team_id = teams.id) AS member_count";
    let mut sql = wanted(Sql::new(format!("SELECT {COLUMNS}, {counted} FROM teams WHERE ")), which);
    if let Some(Cursor { created_at, id }) = &page.after {
        sql = sql.push(" AND (created_at < ", *created_at).push(" OR (created_at = ", *created_at);
        sql = sql.push(" AND id < ", id).text("))");
    }
    // SQLite knows no OFFSET without a LIMIT.
    let sql = sql.text(" ORDER BY created_at DESC, id DESC").push(" LIMIT ", page.limit.unwrap_or(i64::MAX));
    let rows: Vec<Counted> = db.all(sql.push(" OFFSET ", page.skip)).await?;
    Ok(rows.into_iter().map(|row| (Team::from(row.team), row.member_count)).collect())
}

/// How many teams there are.
#[crate::boxed]
pub async fn count<'a>(db: &'a Db, which: Which<'a>) -> Result<i64> {
    let row: Option<(i64,)> = db.one(wanted(Sql::new("SELECT COUNT(*) FROM teams WHERE "), which)).await?;
    Ok(row.map_or(0, |(count,)| count))
}

fn wanted(sql: Sql, which: Which<'_>) -> Sql {
    match which {
        Which::All => sql.text("1 = 1"),
        Which::Of(ids) => sql.one_of("teams.id", ids),
        Which::OpenTo(email) => sql
            .push("teams.visibility = ", "public")
            .push(" AND teams.is_personal = ", false)
            .push(" AND teams.is_active = ", true)
            .text(" AND NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.team_id = teams.id")
            .push(" AND memberships.email = ", email)
            .text(")"),
    }
}

/// Members of a team, longest first, after the one with the time and the address of `page.after`.
#[crate::boxed]
pub async fn members_page(db: &Db, team: &TeamId, page: &Page) -> Result<Vec<Membership>> {
    let mut sql = Sql::new(SELECT_MEMBERS).push(" WHERE team_id = ", team.as_str());
    if let Some(Cursor { created_at, id }) = &page.after {
        sql = sql.push(" AND (joined_at > ", *created_at).push(" OR (joined_at = ", *created_at);
        sql = sql.push(" AND email > ", id).text("))");
    }
    let sql = sql.text(" ORDER BY joined_at, email").push(" LIMIT ", page.limit.unwrap_or(i64::MAX));
    let rows: Vec<StoredMember> = db.all(sql.push(" OFFSET ", page.skip)).await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}
