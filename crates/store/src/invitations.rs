//! The table of invitations to teams. Tokens come here as hashes only.
//!
//! What is over stays for a while, so that whoever comes late is told so; [`forget_before`] clears it away.

use domain::{Result, Timestamp, id::TeamId, person::Invitation};

use crate::{
    db::{Db, Tx},
    sql::{Column, Sql},
    teams::{role, role_of},
};

row! {
    struct Stored {
        id: String,
        team_id: String,
        email: String,
        role: String,
        invited_by: String,
        invited_at: i64,
        expires_at: i64,
        token_hash: String,
        is_active: bool,
    }
}

impl From<Stored> for Invitation {
    fn from(row: Stored) -> Self {
        Self {
            id: row.id,
            team_id: TeamId::from_stored(row.team_id),
            email: row.email,
            role: role_of(&row.role),
            invited_by: row.invited_by,
            invited_at: Timestamp(row.invited_at),
            expires_at: Timestamp(row.expires_at),
            token_hash: row.token_hash,
            is_active: row.is_active,
        }
    }
}

const SELECT: &str = "SELECT id, team_id, email, role, invited_by, invited_at, expires_at, token_hash, is_active \
     FROM invitations";

/// Stores an invitation.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, invitation: &Invitation) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("id", (&invitation.id).into()),
        ("team_id", invitation.team_id.as_str().into()),
        ("email", (&invitation.email).into()),
        ("role", role(invitation.role).into()),
        ("invited_by", (&invitation.invited_by).into()),
        ("invited_at", invitation.invited_at.into()),
        ("expires_at", invitation.expires_at.into()),
        ("token_hash", (&invitation.token_hash).into()),
        ("is_active", invitation.is_active.into()),
    ];
    tx.run(Sql::insert("invitations", columns)).await.map(|_| ())
}

/// The invitation whose token has this hash.
#[crate::boxed]
pub async fn by_hash_in(tx: &mut Tx, hash: &str) -> Result<Option<Invitation>> {
    let row: Option<Stored> = tx.one(Sql::new(SELECT).push(" WHERE token_hash = ", hash)).await?;
    Ok(row.map(Invitation::from))
}

/// One invitation.
#[crate::boxed]
pub async fn get(db: &Db, id: &str) -> Result<Option<Invitation>> {
    let row: Option<Stored> = db.one(Sql::new(SELECT).push(" WHERE id = ", id)).await?;
    Ok(row.map(Invitation::from))
}

/// The open invitation of an address to a team.
#[crate::boxed]
pub async fn open_in(tx: &mut Tx, team: &TeamId, email: &str, now: Timestamp) -> Result<Option<Invitation>> {
    let sql = open(Sql::new(SELECT), team, now).push(" AND email = ", email);
    let row: Option<Stored> = tx.one(sql).await?;
    Ok(row.map(Invitation::from))
}

/// How many invitations to a team are open.
#[crate::boxed]
pub async fn count_open_in(tx: &mut Tx, team: &TeamId, now: Timestamp) -> Result<i64> {
    let row: Option<(i64,)> = tx.one(open(Sql::new("SELECT COUNT(*) FROM invitations"), team, now)).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Invitations to a team that were neither accepted nor taken back, newest first.
#[crate::boxed]
pub async fn of_team(db: &Db, team: &TeamId, skip: i64, limit: i64) -> Result<Vec<Invitation>> {
    let sql = Sql::new(SELECT)
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND is_active = ", true)
        .text(" ORDER BY invited_at DESC, id DESC")
        .push(" LIMIT ", limit)
        .push(" OFFSET ", skip);
    let rows: Vec<Stored> = db.all(sql).await?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

/// Closes an invitation. Gives whether it was not closed before.
#[crate::boxed]
pub async fn close(tx: &mut Tx, id: &str) -> Result<bool> {
    let sql = Sql::update("invitations", vec![("is_active", false.into())]);
    Ok(tx.run(sql.push(" WHERE id = ", id).push(" AND is_active = ", true)).await? > 0)
}

/// Closes the invitations to a team that somebody made.
#[crate::boxed]
pub async fn close_by(tx: &mut Tx, team: &TeamId, invited_by: &str) -> Result<u64> {
    let sql = Sql::update("invitations", vec![("is_active", false.into())])
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND invited_by = ", invited_by)
        .push(" AND is_active = ", true);
    tx.run(sql).await
}

/// Removes invitations to a team that ended before a time.
#[crate::boxed]
pub async fn forget_before(tx: &mut Tx, team: &TeamId, time: Timestamp) -> Result<u64> {
    let sql = Sql::new("DELETE FROM invitations")
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND expires_at < ", time);
    tx.run(sql).await
}

fn open(sql: Sql, team: &TeamId, now: Timestamp) -> Sql {
    sql.push(" WHERE team_id = ", team.as_str())
        .push(" AND is_active = ", true)
        .push(" AND expires_at > ", now)
}
