//! Roles themselves: looking at them, making, changing and removing them.
//!
//! Only administrators define roles, because a role reaches everybody who has it. The program's own roles cannot be
//! changed. A role that others inherit from, or that the settings name, stays; any other goes together with
//! everybody's assignments of it, which takes rights away and gives none.

use domain::{
    Actor, Caller, Error, Permission, PermissionSet, Problem, Result,
    id::RoleId,
    name,
    person::{Role, RoleScope},
};
use serde_json::json;

use super::{May, RoleRow, check_may_grant, effective, find};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    people::commit,
};

/// What a new role is made from.
#[derive(Debug, Clone)]
pub struct NewRole {
    /// Its name, which no other role of the scope has.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Where it counts.
    pub scope: RoleScope,
    /// Names of permissions, or `*`.
    pub permissions: Vec<String>,
    /// The id or name of a role whose permissions it takes over.
    pub inherits_from: Option<String>,
}

/// What is to change; absent is unchanged.
#[derive(Debug, Clone, Default)]
pub struct RoleChange {
    /// Its name.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Names of permissions, or `*`.
    pub permissions: Option<Vec<String>>,
    /// The id or name of a role whose permissions it takes over; an empty text for none.
    pub inherits_from: Option<String>,
    /// Whether it counts.
    pub is_active: Option<bool>,
}

/// Roles with what they come to, of one scope if given; also those that are off where `all` are wanted.
#[crate::boxed]
pub async fn roles(
    engine: &Engine,
    _: &May,
    (scope, all): (Option<RoleScope>, bool),
) -> Result<Vec<(RoleRow, PermissionSet)>> {
    let rows = store::roles::all(engine.db()).await?;
    let wanted = rows
        .iter()
        .filter(|row| scope.is_none_or(|scope| row.role.scope == scope) && (all || row.role.is_active));
    Ok(wanted.map(|row| (row.clone(), effective(row, &rows))).collect())
}

/// One role with what it comes to.
#[crate::boxed]
pub async fn role(engine: &Engine, _: &May, id: &str) -> Result<(RoleRow, PermissionSet)> {
    let rows = store::roles::all(engine.db()).await?;
    let row = find(&rows, id, None)?;
    Ok((row.clone(), effective(row, &rows)))
}

/// Makes a role.
#[crate::boxed]
pub async fn create_role(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    new: NewRole,
) -> Result<(RoleRow, PermissionSet)> {
    check_administrator(permit.actor())?;
    check_texts(Some(&new.name), new.description.as_deref())?;
    check_permissions(&new.permissions)?;
    let now = engine.clock().now();
    let mut tx = engine.db().begin().await?;
    let mut rows = store::roles::all_in(&mut tx).await?;
    let row = RoleRow {
        role: Role {
            id: RoleId::random(),
            name: new.name.trim().to_owned(),
            description: new.description,
            scope: new.scope,
            permissions: PermissionSet::from_names(new.permissions.iter().map(String::as_str)),
            inherits_from: parent(&rows, new.inherits_from.as_deref(), new.scope)?,
            is_system: false,
            is_active: true,
        },
        permissions: new.permissions,
        created_by: permit.actor().email.clone(),
        created_at: now,
        updated_at: now,
    };
    refuse_taken(&rows, &row)?;
    rows.push(row.clone());
    let comes_to = effective(&row, &rows);
    check_may_grant(permit.actor(), comes_to)?;
    store::roles::insert(&mut tx, &row).await?;
    note(engine, &mut tx, (&permit.actor().email, caller), ("role.create", &row)).await?;
    commit(engine, tx).await?;
    Ok((row, comes_to))
}

/// Changes a role, at once for everybody who has it.
#[crate::boxed]
pub async fn update_role(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    change: RoleChange,
) -> Result<(RoleRow, PermissionSet)> {
    check_administrator(permit.actor())?;
    check_texts(change.name.as_deref(), change.description.as_deref())?;
    check_permissions(change.permissions.as_deref().unwrap_or_default())?;
    let mut tx = engine.db().begin().await?;
    let mut rows = store::roles::all_in(&mut tx).await?;
    let before = find(&rows, id, None)?.clone();
    if before.role.is_system {
        return Err(Error::Refused("Cannot modify system roles".to_owned()));
    }
    check_may_grant(permit.actor(), effective(&before, &rows))?;
    let mut row = change.applied_to(&before, &rows)?;
    row.updated_at = engine.clock().now();
    if row.role.name != before.role.name || !row.role.is_active {
        refuse_default(engine, &before.role)?;
    }
    refuse_taken(&rows, &row)?;
    refuse_circle(&rows, &row.role)?;
    rows.iter_mut().filter(|old| old.role.id == row.role.id).for_each(|old| *old = row.clone());
    let comes_to = effective(&row, &rows);
    check_may_grant(permit.actor(), comes_to)?;
    store::roles::update(&mut tx, &row).await?;
    note(engine, &mut tx, (&permit.actor().email, caller), ("role.update", &row)).await?;
    commit(engine, tx).await?;
    Ok((row, comes_to))
}

/// Removes a role, and takes it from everybody who has it.
#[crate::boxed]
pub async fn delete_role(engine: &Engine, permit: &May, caller: &Caller, id: &str) -> Result<()> {
    check_administrator(permit.actor())?;
    let mut tx = engine.db().begin().await?;
    let rows = store::roles::all_in(&mut tx).await?;
    let row = find(&rows, id, None)?;
    if row.role.is_system {
        return Err(Error::Refused("Cannot delete system roles".to_owned()));
    }
    refuse_default(engine, &row.role)?;
    check_may_grant(permit.actor(), effective(row, &rows))?;
    let heirs = rows.iter().filter(|other| other.role.inherits_from.as_ref() == Some(&row.role.id));
    let heirs: Vec<&str> = heirs.map(|other| other.role.name.as_str()).collect();
    if !heirs.is_empty() {
        return Err(Error::Refused(format!("Other roles inherit from it: {}", heirs.join(", "))));
    }
    let taken = store::roles::delete(&mut tx, &row.role.id).await?;
    let deed = Deed::done("role.delete", "role", row.role.id.as_str());
    let details = json!({ "name": row.role.name, "scope": row.role.scope, "assignments_ended": taken });
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed.with(details)).await?;
    commit(engine, tx).await
}

impl RoleChange {
    fn applied_to(self, before: &RoleRow, rows: &[RoleRow]) -> Result<RoleRow> {
        let mut row = before.clone();
        if let Some(name) = self.name {
            name.trim().clone_into(&mut row.role.name);
        }
        row.role.description = self.description.or(row.role.description);
        if let Some(permissions) = self.permissions {
            row.role.permissions = PermissionSet::from_names(permissions.iter().map(String::as_str));
            row.permissions = permissions;
        }
        if let Some(wanted) = self.inherits_from {
            row.role.inherits_from = parent(rows, Some(&wanted), row.role.scope)?;
        }
        row.role.is_active = self.is_active.unwrap_or(row.role.is_active);
        Ok(row)
    }
}

/// Who may define roles: administrators, by their account or by a role that allows everything.
fn check_administrator(actor: &Actor) -> Result<()> {
    if actor.is_admin || actor.granted == PermissionSet::ALL {
        Ok(())
    } else {
        Err(Error::Forbidden { needs: Some(Permission::AdminUserManagement) })
    }
}

fn check_texts(name: Option<&str>, description: Option<&str>) -> Result<()> {
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(name.and_then(|name| name::check_name("name", name).err()));
    let hidden = |c: char| c != '\n' && name::is_hidden(c);
    if description.is_some_and(|text| text.chars().count() > 1000 || text.chars().any(hidden)) {
        let message = "must be at most 1000 characters, none of them hidden".to_owned();
        problems.push(Problem { field: "description".to_owned(), message });
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// Refuses names that are no permission. A role names each one, or is `*` as a whole: a category that grows later
/// must not make a role grow with it.
pub(super) fn check_permissions(names: &[String]) -> Result<()> {
    let unknown = names.iter().filter(|name| *name != "*" && name.parse::<Permission>().is_err());
    let unknown: Vec<String> = unknown.take(20).map(|name| format!("{name:.80}")).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "permissions: unknown: {}; GET /rbac/permissions/available lists them",
        unknown.join(", ")
    )))
}

fn parent(rows: &[RoleRow], wanted: Option<&str>, scope: RoleScope) -> Result<Option<RoleId>> {
    let Some(wanted) = wanted.filter(|text| !text.is_empty()) else { return Ok(None) };
    match find(rows, wanted, Some(scope)) {
        Ok(row) => Ok(Some(row.role.id.clone())),
        Err(_) => Err(Error::Refused("inherits_from: there is no such role".to_owned())),
    }
}

fn refuse_taken(rows: &[RoleRow], row: &RoleRow) -> Result<()> {
    let same = |other: &&RoleRow| {
        other.role.id != row.role.id && other.role.name == row.role.name && other.role.scope == row.role.scope
    };
    match rows.iter().find(same) {
        None => Ok(()),
        Some(_) => {
            Err(Error::Refused(format!("name: there is a role {} in this scope already", row.role.name)))
        }
    }
}

/// Refuses a role that would inherit from itself, whatever lies between.
pub(super) fn refuse_circle(rows: &[RoleRow], role: &Role) -> Result<()> {
    let by_id = |id: &RoleId| rows.iter().map(|row| &row.role).find(|other| other.id == *id);
    let mut path = vec![role.name.as_str()];
    let mut next = role.inherits_from.as_ref();
    while let Some(parent) = next.and_then(by_id) {
        path.push(&parent.name);
        if parent.id == role.id {
            return Err(Error::Refused(format!("inherits_from: a circle: {}", path.join(" -> "))));
        }
        // A circle that the role is no part of ends the search as well.
        next = parent.inherits_from.as_ref().filter(|_| path.len() <= rows.len());
    }
    Ok(())
}

fn refuse_default(engine: &Engine, role: &Role) -> Result<()> {
    let settings = &engine.settings().teams;
    let named = [
        ("DEFAULT_ADMIN_ROLE", RoleScope::Global, &settings.admin_role),
        ("DEFAULT_USER_ROLE", RoleScope::Global, &settings.user_role),
        ("DEFAULT_TEAM_OWNER_ROLE", RoleScope::Team, &settings.owner_role),
        ("DEFAULT_TEAM_MEMBER_ROLE", RoleScope::Team, &settings.member_role),
    ];
    match named.iter().find(|(_, scope, name)| **name == role.name && *scope == role.scope) {
        None => Ok(()),
        Some((variable, ..)) => Err(Error::Refused(format!("The role is named by {variable}"))),
    }
}

async fn note(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    (action, row): (&str, &RoleRow),
) -> Result<()> {
    let details = json!({
        "name": row.role.name, "scope": row.role.scope, "permissions": row.permissions,
        "inherits_from": row.role.inherits_from, "is_active": row.role.is_active,
    });
    audit::record(engine, tx, by, caller, Deed::done(action, "role", row.role.id.as_str()).with(details))
        .await
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn row(name: &str, parent: Option<&RoleRow>) -> RoleRow {
        RoleRow {
            role: Role {
                id: RoleId::random(),
                name: name.to_owned(),
                description: None,
                scope: RoleScope::Team,
                permissions: PermissionSet::NONE,
                inherits_from: parent.map(|row| row.role.id.clone()),
                is_system: false,
                is_active: true,
            },
            permissions: vec![],
            created_by: String::new(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn unknown_permissions_are_named() {
        let of = |names: &[&str]| {
            check_permissions(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert!(of(&["tools.read", "metrics:read", "admin.sso_providers:read", "*"]).is_ok());
        let text = of(&["tools.read", "tools:read", "bogus.perm", "tools.*"]).unwrap_err().to_string();
        for name in ["tools:read", "bogus.perm", "tools.*"] {
            assert!(text.contains(name), "{text}");
        }
        assert!(!text.contains("tools.read,"), "{text}");
    }

    #[test]
    fn circles_are_refused_with_their_way() {
        let one = row("one", None);
        let two = row("two", Some(&one));
        let three = row("three", Some(&two));
        let rows = [one.clone(), two, three.clone()];
        let closed = Role { inherits_from: Some(three.role.id.clone()), ..one.role.clone() };
        let text = refuse_circle(&rows, &closed).unwrap_err().to_string();
        assert!(text.ends_with("one -> three -> two -> one"), "{text}");
        let itself = Role { inherits_from: Some(one.role.id.clone()), ..one.role };
        assert!(refuse_circle(&rows, &itself).is_err());
        assert!(refuse_circle(&rows, &three.role).is_ok());
    }
}
