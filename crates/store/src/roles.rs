//! The tables of roles and of who has them.
//!
//! Permissions are kept as the names that were written, so that a name that this version does not know is not lost.
//! `scope_id` is stored as an empty text where there is none, because NULL would make the same assignment possible
//! twice.

use domain::{
    PermissionSet, Result, Timestamp,
    id::RoleId,
    person::{Role, RoleScope},
};

use crate::{
    columns,
    db::{Db, Tx},
    sql::{Arg, Column, Sql},
    tokens,
};

row! {
    struct Stored {
        id: String,
        name: String,
        description: Option<String>,
        scope: String,
        permissions: String,
        inherits_from: Option<String>,
        is_system: bool,
        is_active: bool,
        created_by: String,
        created_at: i64,
        updated_at: i64,
    }
}

/// A role with its history.
#[derive(Debug, Clone)]
pub struct RoleRow {
    /// The role.
    pub role: Role,
    /// The permission names as they were written.
    pub permissions: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A role that somebody has.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// Its id.
    pub id: String,
    /// Who has it.
    pub email: String,
    /// The role.
    pub role_id: RoleId,
    /// Where it counts.
    pub scope: RoleScope,
    /// The team where it counts; `None` where it counts in all that the scope covers.
    pub scope_id: Option<String>,
    /// Who gave it.
    pub granted_by: String,
    /// Since when.
    pub granted_at: Timestamp,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

row! {
    struct StoredAssignment {
        id: String,
        email: String,
        role_id: String,
        scope: String,
        scope_id: String,
        granted_by: String,
        granted_at: i64,
        expires_at: Option<i64>,
    }
}

impl Stored {
    fn into_row(self) -> Result<RoleRow> {
        let permissions: Vec<String> = columns::from_json(&self.permissions)?;
        let role = Role {
            id: RoleId::from_stored(self.id),
            name: self.name,
            description: self.description,
            scope: scope(&self.scope)?,
            permissions: PermissionSet::from_names(permissions.iter().map(String::as_str)),
            inherits_from: self.inherits_from.map(RoleId::from_stored),
            is_system: self.is_system,
            is_active: self.is_active,
        };
        let (created_at, updated_at) = (Timestamp(self.created_at), Timestamp(self.updated_at));
        Ok(RoleRow { role, permissions, created_by: self.created_by, created_at, updated_at })
    }
}

impl StoredAssignment {
    fn into_assignment(self) -> Result<Assignment> {
        Ok(Assignment {
            id: self.id,
            email: self.email,
            role_id: RoleId::from_stored(self.role_id),
            scope: scope(&self.scope)?,
            scope_id: Some(self.scope_id).filter(|id| !id.is_empty()),
            granted_by: self.granted_by,
            granted_at: Timestamp(self.granted_at),
            expires_at: self.expires_at.map(Timestamp),
        })
    }
}

const SELECT: &str = "SELECT id, name, description, scope, permissions, inherits_from, is_system, is_active, \
     created_by, created_at, updated_at FROM roles";
const SELECT_ASSIGNMENTS: &str =
    "SELECT id, email, role_id, scope, scope_id, granted_by, granted_at, expires_at FROM role_assignments";

fn scope(text: &str) -> Result<RoleScope> {
    columns::from_json(&format!("\"{text}\""))
}

fn scope_word(scope: RoleScope) -> &'static str {
    match scope {
        RoleScope::Global => "global",
        RoleScope::Team => "team",
        RoleScope::Personal => "personal",
    }
}

fn values(row: &RoleRow) -> Result<Vec<Column>> {
    Ok(vec![
        ("name", (&row.role.name).into()),
        ("description", Arg::Text(row.role.description.clone())),
        ("scope", scope_word(row.role.scope).into()),
        ("permissions", columns::json(&row.permissions)?.into()),
        ("inherits_from", row.role.inherits_from.as_ref().map(RoleId::as_str).into()),
        ("is_system", row.role.is_system.into()),
        ("is_active", row.role.is_active.into()),
        ("created_by", (&row.created_by).into()),
        ("created_at", row.created_at.into()),
        ("updated_at", row.updated_at.into()),
    ])
}

fn insertion(row: &RoleRow) -> Result<Sql> {
    let mut columns: Vec<Column> = vec![("id", row.role.id.as_str().into())];
    columns.extend(values(row)?);
    Ok(Sql::insert("roles", columns))
}

/// Stores a role, or what is new about the role of this name and scope.
#[crate::boxed]
pub async fn upsert(tx: &mut Tx, row: &RoleRow) -> Result<()> {
    let sql = insertion(row)?.text(
        " ON CONFLICT (name, scope) DO UPDATE SET description = excluded.description, \
         permissions = excluded.permissions, inherits_from = excluded.inherits_from, \
         is_system = excluded.is_system, is_active = excluded.is_active, updated_at = excluded.updated_at",
    );
    tx.run(sql).await.map(|_| ())
}

/// Stores a new role.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, row: &RoleRow) -> Result<()> {
    tx.run_named(insertion(row)?, "Role", &row.role.name).await.map(|_| ())
}

/// Stores a changed role.
#[crate::boxed]
pub async fn update(tx: &mut Tx, row: &RoleRow) -> Result<()> {
    let sql = Sql::update("roles", values(row)?).push(" WHERE id = ", row.role.id.as_str());
    tx.run_named(sql, "Role", &row.role.name).await.map(|_| ())
}

/// Removes a role with everybody's assignments of it. Gives how many there were.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &RoleId) -> Result<u64> {
    let given = Sql::new("DELETE FROM role_assignments").push(" WHERE role_id = ", id.as_str());
    let given = tx.run(given).await?;
    tx.run(Sql::new("DELETE FROM roles").push(" WHERE id = ", id.as_str())).await?;
    Ok(given)
}

/// Every role, as a transaction sees them.
#[crate::boxed]
pub async fn all_in(tx: &mut Tx) -> Result<Vec<RoleRow>> {
    let rows: Vec<Stored> = tx.all(Sql::new(SELECT).text(" ORDER BY name, scope")).await?;
    rows.into_iter().map(Stored::into_row).collect()
}

/// Every role, by name.
#[crate::boxed]
pub async fn all(db: &Db) -> Result<Vec<RoleRow>> {
    let rows: Vec<Stored> = db.all(Sql::new(SELECT).text(" ORDER BY name, scope")).await?;
    rows.into_iter().map(Stored::into_row).collect()
}

/// One role.
#[crate::boxed]
pub async fn get(db: &Db, id: &RoleId) -> Result<Option<RoleRow>> {
    let row: Option<Stored> = db.one(Sql::new(SELECT).push(" WHERE id = ", id.as_str())).await?;
    row.map(Stored::into_row).transpose()
}

/// The role of a name and scope.
#[crate::boxed]
pub async fn by_name(db: &Db, name: &str, scope: RoleScope) -> Result<Option<RoleRow>> {
    let sql = Sql::new(SELECT).push(" WHERE name = ", name).push(" AND scope = ", scope_word(scope));
    let row: Option<Stored> = db.one(sql).await?;
    row.map(Stored::into_row).transpose()
}

/// Gives somebody a role; what they have already stays as it is.
#[crate::boxed]
pub async fn assign(tx: &mut Tx, assignment: &Assignment) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("id", (&assignment.id).into()),
        ("email", (&assignment.email).into()),
        ("role_id", assignment.role_id.as_str().into()),
        ("scope", scope_word(assignment.scope).into()),
        ("scope_id", assignment.scope_id.clone().unwrap_or_default().into()),
        ("granted_by", (&assignment.granted_by).into()),
        ("granted_at", assignment.granted_at.into()),
        ("expires_at", assignment.expires_at.into()),
    ];
    tokens::touch(tx, &assignment.email).await?;
    let sql = Sql::insert("role_assignments", columns);
    tx.run(sql.text(" ON CONFLICT (email, role_id, scope, scope_id) DO NOTHING")).await.map(|_| ())
}

/// Takes a role away. Gives whether they had it.
#[crate::boxed]
pub async fn revoke(
    tx: &mut Tx,
    email: &str,
    role: &RoleId,
    scope: RoleScope,
    scope_id: Option<&str>,
) -> Result<bool> {
    let sql = Sql::new("DELETE FROM role_assignments")
        .push(" WHERE email = ", email)
        .push(" AND role_id = ", role.as_str())
        .push(" AND scope = ", scope_word(scope))
        .push(" AND scope_id = ", scope_id.unwrap_or_default());
    tokens::touch(tx, email).await?;
    Ok(tx.run(sql).await? > 0)
}

/// Takes away the roles that somebody has in a team.
#[crate::boxed]
pub async fn revoke_in_team(tx: &mut Tx, email: &str, team: &str) -> Result<()> {
    let sql = Sql::new("DELETE FROM role_assignments")
        .push(" WHERE email = ", email)
        .push(" AND scope_id = ", team);
    tokens::touch(tx, email).await?;
    tx.run(sql).await.map(|_| ())
}

/// Takes away every role in a team.
#[crate::boxed]
pub async fn clear_team(tx: &mut Tx, team: &str) -> Result<()> {
    tx.run(Sql::new("DELETE FROM role_assignments").push(" WHERE scope_id = ", team)).await.map(|_| ())
}

/// What somebody has, expired assignments included.
#[crate::boxed]
pub async fn of_person(db: &Db, email: &str) -> Result<Vec<Assignment>> {
    let sql = Sql::new(SELECT_ASSIGNMENTS).push(" WHERE email = ", email).text(" ORDER BY granted_at, id");
    let rows: Vec<StoredAssignment> = db.all(sql).await?;
    rows.into_iter().map(StoredAssignment::into_assignment).collect()
}
