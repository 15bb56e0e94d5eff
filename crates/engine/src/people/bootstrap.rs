//! What every start makes sure of: the built-in roles are as the program defines them, and there is somebody who
//! can let others in.

use domain::{
    Caller, Error, PermissionSet, Result, Secret,
    id::RoleId,
    person::{BUILT_IN_ROLES, Role},
};
use serde_json::json;
use store::roles::RoleRow;

use super::accounts::{self, NewAccount};
use crate::{
    audit::{self, Deed},
    engine::Engine,
};

const BY: &str = "system:bootstrap";

/// Repairs the built-in roles, and makes the administrator of the settings where the database has no accounts of
/// that address. Says whether the administrator was made now, with this password.
///
/// The password is the operator's or generated, and is not held against the rules for passwords here: the
/// configuration has judged it.
#[crate::boxed]
pub async fn bootstrap(engine: &Engine, password: Secret<String>) -> Result<bool> {
    let caller = Caller { via: "bootstrap", ..Caller::default() };
    repair_roles(engine, &caller).await?;
    let settings = &engine.settings().accounts;
    let email = domain::name::email("PLATFORM_ADMIN_EMAIL", &settings.admin_email)
        .map_err(|problem| Error::Invalid(vec![problem]))?;
    if store::users::by_email(engine.db(), &email).await?.is_some() {
        return Ok(false);
    }
    let account = NewAccount {
        email,
        password,
        full_name: Some(settings.admin_full_name.clone()),
        is_admin: true,
        is_active: true,
        password_change_required: has_to_change(engine),
    };
    let user = accounts::make(engine, account, false).await?;
    let deed = Deed::done("user.create", "user", user.id.as_str());
    let details = json!({ "email": user.email, "is_admin": true });
    match accounts::insert(engine, BY, &caller, &user, deed.with(details)).await {
        Ok(()) => Ok(true),
        // Another replica that starts at the same time was first.
        Err(Error::AlreadyExists { .. } | Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the administrator has to change the first password: where the operator wants it, or gave the one that
/// everybody knows. A generated one is nobody's but the operator's who saw it.
fn has_to_change(engine: &Engine) -> bool {
    let passwords = &engine.settings().people.passwords;
    let given = engine.settings().accounts.admin_password.as_ref();
    given.is_some_and(|given| {
        passwords.change_bootstrap || (passwords.change_default && *given == passwords.default_password)
    })
}

/// Makes the built-in roles what the program says that they are.
pub(super) async fn repair_roles(engine: &Engine, caller: &Caller) -> Result<()> {
    let now = engine.clock().now();
    let existing = store::roles::all(engine.db()).await?;
    let mut broken = Vec::new();
    for (name, scope, description, permissions) in BUILT_IN_ROLES {
        let permissions: Vec<String> = permissions.iter().map(|&name| name.to_owned()).collect();
        let sound = existing.iter().any(|row| {
            let role = &row.role;
            let alone = role.inherits_from.is_none() && role.is_active && role.is_system;
            role.name == *name && role.scope == *scope && alone && row.permissions == permissions
        });
        if sound {
            continue;
        }
        let role = Role {
            id: RoleId::random(),
            name: (*name).to_owned(),
            description: Some((*description).to_owned()),
            scope: *scope,
            permissions: PermissionSet::from_names(permissions.iter().map(String::as_str)),
            inherits_from: None,
            is_system: true,
            is_active: true,
        };
        broken.push(RoleRow {
            role,
            permissions,
            created_by: BY.to_owned(),
            created_at: now,
            updated_at: now,
        });
    }
    if broken.is_empty() {
        return Ok(());
    }
    let mut tx = engine.db().begin().await?;
    let names: Vec<&str> = broken.iter().map(|row| row.role.name.as_str()).collect();
    let deed = Deed::done("role.repair", "role", "").with(json!({ "roles": names }));
    audit::record(engine, &mut tx, BY, caller, deed).await?;
    for row in &broken {
        store::roles::upsert(&mut tx, row).await?;
    }
    super::commit(engine, tx).await
}
