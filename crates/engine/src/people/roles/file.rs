//! What every start does about roles: puts the program's own right, then those of the operator's file, and sees to it
//! that the roles of the settings exist.
//!
//! The file wins over what was made of its roles through the API. A file that is wrong, or a setting that names no
//! role, stops the start: people with fewer or other rights than the operator believes are found out too late.

use domain::{
    Caller, Error, PermissionSet, Problem, Result,
    id::RoleId,
    name,
    person::{BUILT_IN_ROLES, Role, RoleScope},
};
use serde::Deserialize;
use serde_json::json;

use super::{RoleRow, define};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    people::{bootstrap, commit},
};

const BY: &str = "system:bootstrap";
const FILE: &str = "MCPGATEWAY_BOOTSTRAP_ROLES_IN_DB_FILE";

#[derive(Deserialize)]
struct Entry {
    name: String,
    scope: RoleScope,
    permissions: Vec<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    inherits_from: Option<String>,
    #[serde(default)]
    is_system_role: bool,
}

/// Makes sure of every role; `file` is the text of the operator's file, where there is one.
#[crate::boxed]
pub async fn prepare_roles(engine: &Engine, file: Option<&str>) -> Result<()> {
    let caller = Caller { via: "bootstrap", ..Caller::default() };
    bootstrap::repair_roles(engine, &caller).await?;
    if let Some(text) = file {
        join_file(engine, &caller, &read(text)?).await?;
    }
    check_settings(engine).await
}

fn read(text: &str) -> Result<Vec<Entry>> {
    let entries: Vec<Entry> = serde_json::from_str(text)
        .map_err(|error| Error::invalid(FILE, format!("is no list of roles: {error}")))?;
    let mut problems = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut problem = |field: &str, message: String| {
            problems.push(Problem { field: format!("{FILE}[{at}].{field}"), message });
        };
        if let Err(wrong) = name::check_name("name", &entry.name) {
            problem("name", wrong.message);
        }
        if let Err(wrong) = define::check_permissions(&entry.permissions) {
            problem("permissions", wrong.to_string());
        }
        if BUILT_IN_ROLES.iter().any(|(name, scope, ..)| *name == entry.name && *scope == entry.scope) {
            problem("name", "is one of the program's own roles".to_owned());
        }
        let again =
            entries.iter().take(at).any(|other| other.name == entry.name && other.scope == entry.scope);
        if again {
            problem("name", "stands in the file twice".to_owned());
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(Error::Invalid(problems)) }
}

async fn join_file(engine: &Engine, caller: &Caller, entries: &[Entry]) -> Result<()> {
    let now = engine.clock().now();
    let mut tx = engine.db().begin().await?;
    let mut rows = store::roles::all_in(&mut tx).await?;
    let mut touched = Vec::new();
    for entry in entries {
        let fresh = RoleRow { created_by: BY.to_owned(), created_at: now, updated_at: now, ..entry.row() };
        let named = |row: &&mut RoleRow| row.role.name == entry.name && row.role.scope == entry.scope;
        if let Some(row) = rows.iter_mut().find(named) {
            let (id, inherits_from) = (row.role.id.clone(), row.role.inherits_from.clone());
            row.role = Role { id, inherits_from, ..fresh.role };
            row.permissions = fresh.permissions;
            touched.push(row.role.id.clone());
        } else {
            touched.push(fresh.role.id.clone());
            rows.push(fresh);
        }
    }
    connect(entries, &touched, &mut rows)?;
    let before = store::roles::all_in(&mut tx).await?;
    let changed: Vec<&RoleRow> = rows.iter().filter(|row| !before.iter().any(|old| same(old, row))).collect();
    if changed.is_empty() {
        return Ok(());
    }
    for row in &changed {
        // Parents may stand behind their children in the file, so connections are written when all are there.
        let alone = Role { inherits_from: None, ..row.role.clone() };
        store::roles::upsert(&mut tx, &RoleRow { role: alone, updated_at: now, ..(*row).clone() }).await?;
    }
    for row in &changed {
        store::roles::update(&mut tx, &RoleRow { updated_at: now, ..(*row).clone() }).await?;
    }
    let names: Vec<&str> = changed.iter().map(|row| row.role.name.as_str()).collect();
    let deed = Deed::done("role.file", "role", "").with(json!({ "roles": names }));
    audit::record(engine, &mut tx, BY, caller, deed).await?;
    commit(engine, tx).await
}

/// Resolves the names in `inherits_from`, and refuses circles.
fn connect(entries: &[Entry], ids: &[RoleId], rows: &mut [RoleRow]) -> Result<()> {
    for (at, (entry, id)) in entries.iter().zip(ids).enumerate() {
        let wrong = |why: String| Error::invalid(format!("{FILE}[{at}].inherits_from"), why);
        let wanted = entry.inherits_from.as_deref().filter(|name| !name.is_empty());
        let parent =
            wanted.map(|name| super::find(rows, name, Some(entry.scope)).map(|row| row.role.id.clone()));
        let parent = parent.transpose().map_err(|_| wrong("there is no such role".to_owned()))?;
        for row in rows.iter_mut().filter(|row| row.role.id == *id) {
            row.role.inherits_from.clone_from(&parent);
        }
        if let Some(row) = rows.iter().find(|row| row.role.id == *id) {
            define::refuse_circle(rows, &row.role).map_err(|error| wrong(error.to_string()))?;
        }
    }
    Ok(())
}

fn same(old: &RoleRow, new: &RoleRow) -> bool {
    let (a, b) = (&old.role, &new.role);
    (&a.id, &a.description, &a.inherits_from) == (&b.id, &b.description, &b.inherits_from)
        && (a.is_system, a.is_active, &old.permissions) == (b.is_system, b.is_active, &new.permissions)
}

impl Entry {
    fn row(&self) -> RoleRow {
        let zero = domain::Timestamp(0);
        RoleRow {
            role: Role {
                id: RoleId::random(),
                name: self.name.trim().to_owned(),
                description: self.description.clone(),
                scope: self.scope,
                permissions: PermissionSet::from_names(self.permissions.iter().map(String::as_str)),
                inherits_from: None,
                is_system: self.is_system_role,
                is_active: true,
            },
            permissions: self.permissions.clone(),
            created_by: String::new(),
            created_at: zero,
            updated_at: zero,
        }
    }
}

async fn check_settings(engine: &Engine) -> Result<()> {
    let settings = &engine.settings().teams;
    let mut problems = Vec::new();
    for (variable, name, scope, word) in [
        ("DEFAULT_ADMIN_ROLE", &settings.admin_role, RoleScope::Global, "global"),
        ("DEFAULT_USER_ROLE", &settings.user_role, RoleScope::Global, "global"),
        ("DEFAULT_TEAM_OWNER_ROLE", &settings.owner_role, RoleScope::Team, "team"),
        ("DEFAULT_TEAM_MEMBER_ROLE", &settings.member_role, RoleScope::Team, "team"),
    ] {
        if store::roles::by_name(engine.db(), name, scope).await?.is_none() {
            let message = format!("names no role of scope {word}: {name}");
            problems.push(Problem { field: variable.to_owned(), message });
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_file_is_named_with_its_place() {
        let text = r#"[
            {"name":"ok","scope":"team","permissions":["tools.read"]},
            {"name":"ok","scope":"team","permissions":["nope.read"]},
            {"name":"viewer","scope":"team","permissions":[]},
            {"name":" ","scope":"global","permissions":[]}
        ]"#;
        let Err(Error::Invalid(problems)) = read(text) else { panic!("refused") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.trim_start_matches(FILE)).collect();
        assert_eq!(fields, ["[1].permissions", "[1].name", "[2].name", "[3].name"]);
        assert!(read("{}").is_err() && read(r#"[{"name":"x"}]"#).is_err());
    }

    #[test]
    fn parents_are_found_by_name_wherever_they_stand() {
        let text = r#"[
            {"name":"low","scope":"team","permissions":[],"inherits_from":"high"},
            {"name":"high","scope":"team","permissions":["tools.read"]}
        ]"#;
        let entries = read(text).unwrap();
        let mut rows: Vec<_> = entries.iter().map(Entry::row).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.role.id.clone()).collect();
        connect(&entries, &ids, &mut rows).unwrap();
        assert_eq!(rows[0].role.inherits_from.as_ref(), Some(&ids[1]));
        let circle = text.replace(r#"["tools.read"]}"#, r#"[],"inherits_from":"low"}"#);
        let entries = read(&circle).unwrap();
        let error = connect(&entries, &ids, &mut rows).unwrap_err().to_string();
        assert!(error.contains("[1].inherits_from") && error.contains("circle"), "{error}");
    }
}
