//! The table of requests to join a team: one for each person and team.

use domain::{
    Result, Timestamp,
    id::TeamId,
    person::{JoinRequest, JoinStatus},
};

use crate::{
    columns,
    db::{Db, Tx},
    sql::{Arg, Column, Sql},
};

row! {
    struct Stored {
        id: String,
        team_id: String,
        email: String,
        message: Option<String>,
        status: String,
        requested_at: i64,
        expires_at: i64,
        reviewed_at: Option<i64>,
        reviewed_by: Option<String>,
    }
}

impl Stored {
    fn read(self) -> Result<JoinRequest> {
        Ok(JoinRequest {
            id: self.id,
            team_id: TeamId::from_stored(self.team_id),
            email: self.email,
            message: self.message,
            status: columns::from_json(&format!("\"{}\"", self.status))?,
            requested_at: Timestamp(self.requested_at),
            expires_at: Timestamp(self.expires_at),
            reviewed_at: self.reviewed_at.map(Timestamp),
            reviewed_by: self.reviewed_by,
        })
    }
}

const SELECT: &str = "SELECT id, team_id, email, message, status, requested_at, expires_at, reviewed_at, reviewed_by \
     FROM join_requests";

fn word(status: JoinStatus) -> &'static str {
    match status {
        JoinStatus::Pending => "pending",
        JoinStatus::Approved => "approved",
        JoinStatus::Rejected => "rejected",
    }
}

/// Stores a request in the place of the one that the person made before.
#[crate::boxed]
pub async fn replace(tx: &mut Tx, request: &JoinRequest) -> Result<()> {
    remove(tx, &request.team_id, &request.email).await?;
    let columns: Vec<Column> = vec![
        ("id", (&request.id).into()),
        ("team_id", request.team_id.as_str().into()),
        ("email", (&request.email).into()),
        ("message", Arg::from(&request.message)),
        ("status", word(request.status).into()),
        ("requested_at", request.requested_at.into()),
        ("expires_at", request.expires_at.into()),
        ("reviewed_at", request.reviewed_at.into()),
        ("reviewed_by", Arg::from(&request.reviewed_by)),
    ];
    tx.run(Sql::insert("join_requests", columns)).await.map(|_| ())
}

/// Removes somebody's request. Gives whether there was one.
#[crate::boxed]
pub async fn remove(tx: &mut Tx, team: &TeamId, email: &str) -> Result<bool> {
    let sql = Sql::new("DELETE FROM join_requests")
        .push(" WHERE team_id = ", team.as_str())
        .push(" AND email = ", email);
    Ok(tx.run(sql).await? > 0)
}

/// One request to a team.
#[crate::boxed]
pub async fn get_in(tx: &mut Tx, team: &TeamId, id: &str) -> Result<Option<JoinRequest>> {
    let sql = Sql::new(SELECT).push(" WHERE team_id = ", team.as_str()).push(" AND id = ", id);
    tx.one::<Stored>(sql).await?.map(Stored::read).transpose()
}

/// Somebody's request to a team.
#[crate::boxed]
pub async fn of_person_in(tx: &mut Tx, team: &TeamId, email: &str) -> Result<Option<JoinRequest>> {
    let sql = Sql::new(SELECT).push(" WHERE team_id = ", team.as_str()).push(" AND email = ", email);
    tx.one::<Stored>(sql).await?.map(Stored::read).transpose()
}

/// Requests to a team that wait for an answer, oldest first.
#[crate::boxed]
pub async fn open_of_team(
    db: &Db,
    team: &TeamId,
    now: Timestamp,
    (skip, limit): (i64, i64),
) -> Result<Vec<JoinRequest>> {
    list(db, Sql::new(SELECT).push(" WHERE team_id = ", team.as_str()), now, (skip, limit)).await
}

/// Requests of a person that wait for an answer, oldest first.
#[crate::boxed]
pub async fn open_of_person(
    db: &Db,
    email: &str,
    now: Timestamp,
    (skip, limit): (i64, i64),
) -> Result<Vec<JoinRequest>> {
    list(db, Sql::new(SELECT).push(" WHERE email = ", email), now, (skip, limit)).await
}

async fn list(db: &Db, which: Sql, now: Timestamp, (skip, limit): (i64, i64)) -> Result<Vec<JoinRequest>> {
    let sql = which
        .push(" AND status = ", word(JoinStatus::Pending))
        .push(" AND expires_at > ", now)
        .text(" ORDER BY requested_at, id")
        .push(" LIMIT ", limit)
        .push(" OFFSET ", skip);
    let rows: Vec<Stored> = db.all(sql).await?;
    rows.into_iter().map(Stored::read).collect()
}

/// Notes the answer to a request.
#[crate::boxed]
pub async fn review(
    tx: &mut Tx,
    request: &JoinRequest,
    status: JoinStatus,
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let columns: Vec<Column> =
        vec![("status", word(status).into()), ("reviewed_at", at.into()), ("reviewed_by", by.into())];
    tx.run(Sql::update("join_requests", columns).push(" WHERE id = ", &request.id)).await.map(|_| ())
}
