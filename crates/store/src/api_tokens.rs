//! The catalogue of API tokens.
//!
//! A row is written with the next number of the sequence `revocation`, by which replicas notice the change. Rows are
//! never removed but with their owner; a name is free again when its token is revoked or over.

use domain::{
    Error, Result, Timestamp,
    api_token::{ApiToken, TokenLimits, TokenRevocation},
    id::{ServerId, TeamId, TokenId},
};

use crate::{
    columns::{from_json, json},
    db::{Db, Tx},
    sequences,
    sql::{Column, Sql},
    tokens::SEQUENCE,
};

row! {
    struct Stored {
        id: String,
        email: String,
        team_key: String,
        name: String,
        description: Option<String>,
        token_hash: String,
        server_id: Option<String>,
        permissions: String,
        ip_restrictions: String,
        time_restrictions: String,
        usage_limits: String,
        tags: String,
        created_by: String,
        created_at: i64,
        updated_at: i64,
        expires_at: i64,
        last_used: Option<i64>,
        is_active: bool,
        revoked_at: Option<i64>,
        revoked_by: Option<String>,
        revocation_reason: Option<String>,
    }
}

const COLUMNS: &str = "id, email, team_key, name, description, token_hash, server_id, permissions, ip_restrictions, \
     time_restrictions, usage_limits, tags, created_by, created_at, updated_at, expires_at, last_used, is_active, \
     revoked_at, revoked_by, revocation_reason";

impl Stored {
    fn read(self) -> Result<ApiToken> {
        let revoked = self.revoked_at.map(|at| TokenRevocation {
            at: Timestamp(at),
            by: self.revoked_by.unwrap_or_default(),
            reason: self.revocation_reason,
        });
        Ok(ApiToken {
            id: TokenId::from_stored(self.id),
            email: self.email,
            team_id: Some(self.team_key).filter(|team| !team.is_empty()).map(TeamId::from_stored),
            name: self.name,
            description: self.description,
            token_hash: self.token_hash,
            limits: TokenLimits {
                server_id: self.server_id.map(ServerId::from_stored),
                permissions: from_json(&self.permissions)?,
                ip_restrictions: from_json(&self.ip_restrictions)?,
                time_restrictions: from_json(&self.time_restrictions)?,
                usage_limits: from_json(&self.usage_limits)?,
            },
            tags: from_json(&self.tags)?,
            created_by: self.created_by,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            expires_at: Timestamp(self.expires_at),
            last_used: self.last_used.map(Timestamp),
            is_active: self.is_active,
            revoked,
        })
    }
}

/// Which tokens a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// Those of a person.
    pub email: Option<&'a str>,
    /// Those for a team.
    pub team: Option<&'a TeamId>,
    /// Those that could be used at this time: switched on, not revoked, not over.
    pub usable_at: Option<Timestamp>,
}

impl Filter<'_> {
    fn apply(&self, sql: Sql) -> Sql {
        let sql = sql
            .text(" WHERE 1 = 1")
            .push_some(" AND email = ", self.email)
            .push_some(" AND team_key = ", self.team);
        match self.usable_at {
            None => sql,
            Some(now) => sql
                .push(" AND is_active = ", true)
                .text(" AND revoked_at IS NULL")
                .push(" AND expires_at > ", now),
        }
    }
}

fn changeable(token: &ApiToken) -> Result<Vec<Column>> {
    let limits = &token.limits;
    let revoked = token.revoked.as_ref();
    let key = if revoked.is_some() { token.id.as_str().to_owned() } else { format!("={}", token.name) };
    Ok(vec![
        ("name", (&token.name).into()),
        ("name_key", key.into()),
        ("description", (&token.description).into()),
        ("server_id", limits.server_id.as_ref().map(ServerId::as_str).into()),
        ("permissions", json(&limits.permissions)?.into()),
        ("ip_restrictions", json(&limits.ip_restrictions)?.into()),
        ("time_restrictions", json(&limits.time_restrictions)?.into()),
        ("usage_limits", json(&limits.usage_limits)?.into()),
        ("tags", json(&token.tags)?.into()),
        ("updated_at", token.updated_at.into()),
        ("is_active", token.is_active.into()),
        ("revoked_at", revoked.map(|revoked| revoked.at).into()),
        ("revoked_by", revoked.map(|revoked| revoked.by.as_str()).into()),
        ("revocation_reason", revoked.and_then(|revoked| revoked.reason.as_deref()).into()),
    ])
}

/// Stores a new token. Its name may be that of one that is over.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, token: &ApiToken) -> Result<()> {
    let team = token.team_id.as_ref().map(TeamId::as_str).unwrap_or_default();
    let free = Sql::new("UPDATE api_tokens SET name_key = id")
        .push(" WHERE email = ", &token.email)
        .push(" AND team_key = ", team)
        .push(" AND expires_at <= ", token.created_at);
    tx.run(free).await?;
    let mut columns: Vec<Column> = vec![
        ("id", (&token.id).into()),
        ("email", (&token.email).into()),
        ("team_key", team.into()),
        ("token_hash", (&token.token_hash).into()),
        ("created_by", (&token.created_by).into()),
        ("created_at", token.created_at.into()),
        ("expires_at", token.expires_at.into()),
        // Nothing remembers a token that is new.
        ("seq", 0_i64.into()),
    ];
    columns.extend(changeable(token)?);
    tx.run_named(Sql::insert("api_tokens", columns), "Token", &token.name).await.map(|_| ())
}

/// Stores a changed token.
#[crate::boxed]
pub async fn update(tx: &mut Tx, token: &ApiToken) -> Result<()> {
    let mut columns = changeable(token)?;
    columns.push(("seq", sequences::bump(tx, SEQUENCE).await?.into()));
    let sql = Sql::update("api_tokens", columns).push(" WHERE id = ", &token.id);
    match tx.run_named(sql, "Token", &token.name).await? {
        0 => Err(Error::not_found("Token", "")),
        _ => Ok(()),
    }
}

/// The token with an id, which is its `jti`.
#[crate::boxed]
pub async fn get(db: &Db, id: &str) -> Result<Option<ApiToken>> {
    let sql = Sql::new(format!("SELECT {COLUMNS} FROM api_tokens")).push(" WHERE id = ", id);
    db.one::<Stored>(sql).await?.map(Stored::read).transpose()
}

/// The same inside a transaction, whose writes it sees.
#[crate::boxed]
pub async fn get_in(tx: &mut Tx, id: &TokenId) -> Result<Option<ApiToken>> {
    let sql = Sql::new(format!("SELECT {COLUMNS} FROM api_tokens")).push(" WHERE id = ", id);
    tx.one::<Stored>(sql).await?.map(Stored::read).transpose()
}

/// A page of tokens, newest first.
#[crate::boxed]
pub async fn list(db: &Db, filter: &Filter<'_>, (limit, offset): (u32, u32)) -> Result<Vec<ApiToken>> {
    let sql = filter
        .apply(Sql::new(format!("SELECT {COLUMNS} FROM api_tokens")))
        .text(" ORDER BY created_at DESC, id DESC")
        .push(" LIMIT ", i64::from(limit))
        .push(" OFFSET ", i64::from(offset));
    let rows: Vec<Stored> = db.all(sql).await?;
    rows.into_iter().map(Stored::read).collect()
}

/// How many tokens there are.
#[crate::boxed]
pub async fn count(db: &Db, filter: &Filter<'_>) -> Result<i64> {
    let (count,): (i64,) = db.must(filter.apply(Sql::new("SELECT COUNT(*) FROM api_tokens"))).await?;
    Ok(count)
}

/// Notes when a token was used. Never moves back.
#[crate::boxed]
pub async fn note_used(tx: &mut Tx, id: &str, at: Timestamp) -> Result<()> {
    let columns: Vec<Column> = vec![("last_used", at.into())];
    let sql = Sql::update("api_tokens", columns)
        .push(" WHERE id = ", id)
        .push(" AND (last_used IS NULL OR last_used < ", at)
        .text(")");
    tx.run(sql).await.map(|_| ())
}
