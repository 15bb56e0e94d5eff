//! Accounts, as administrators of people see them.
//!
//! The last active administrator stays one: no change and no deletion may leave the platform without.

use domain::{
    Caller, Error, PermissionSet, Problem, Result, Secret,
    id::{TeamId, UserId},
    permission::grant::AdminUserManagement,
    person::{Membership, RoleScope, Team, TeamRole, User},
};
use serde_json::json;

use super::{password_rules, roles};
use crate::{
    audit::{self, Deed},
    engine::Engine,
    policy::Permit,
};

/// What a new account is made from.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// E-mail address, as it was given.
    pub email: String,
    /// Password.
    pub password: Secret<String>,
    /// For people.
    pub full_name: Option<String>,
    /// Whether the person administers the platform.
    pub is_admin: bool,
    /// Whether the account may be used at once.
    pub is_active: bool,
    /// Whether the first login has to change the password.
    pub password_change_required: bool,
}

/// What is to change; absent is unchanged.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// For people.
    pub full_name: Option<String>,
    /// Whether the person administers the platform.
    pub is_admin: Option<bool>,
    /// Whether the account may be used.
    pub is_active: Option<bool>,
    /// Whether the next login has to change the password.
    pub password_change_required: Option<bool>,
    /// A new password.
    pub password: Option<Secret<String>>,
}

type May = Permit<AdminUserManagement>;

/// Accounts by e-mail address, after the address `after`.
pub async fn list(engine: &Engine, _: &May, after: Option<&str>, limit: Option<u32>) -> Result<Vec<User>> {
    store::users::list(engine.db(), after, limit.map(i64::from)).await
}

/// One account.
pub async fn get(engine: &Engine, _: &May, email: &str) -> Result<User> {
    find(engine, email).await
}

/// Makes an account with its personal team and the roles that everybody has.
pub async fn create(engine: &Engine, permit: &May, caller: &Caller, new: NewAccount) -> Result<User> {
    let email = domain::name::email("email", &new.email).map_err(|problem| Error::Invalid(vec![problem]))?;
    check_full_name(new.full_name.as_deref())?;
    password_rules::check(&engine.settings().accounts, &email, new.is_admin, new.password.expose())?;
    if new.is_admin {
        roles::check_may_grant(permit.actor(), PermissionSet::ALL)?;
    }
    let user = make(engine, NewAccount { email, ..new }).await?;
    let deed = Deed::done("user.create", "user", user.id.as_str());
    let details = json!({ "email": user.email, "is_admin": user.is_admin });
    insert(engine, &permit.actor().email, caller, &user, deed.with(details)).await?;
    Ok(user)
}

/// The row of a new account; hashing happens here, outside any transaction.
pub(super) async fn make(engine: &Engine, new: NewAccount) -> Result<User> {
    let now = engine.clock().now();
    Ok(User {
        id: UserId::random(),
        email: new.email,
        full_name: new.full_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        password_hash: engine.passwords().hash(new.password).await?,
        is_admin: new.is_admin,
        is_active: new.is_active,
        password_change_required: new.password_change_required,
        failed_login_attempts: 0,
        locked_until: None,
        last_login: None,
        created_at: now,
        updated_at: now,
    })
}

/// Stores an account, its personal team and its roles, with the record of it.
pub(super) async fn insert(
    engine: &Engine,
    by: &str,
    caller: &Caller,
    user: &User,
    deed: Deed<'_>,
) -> Result<()> {
    let team = personal_team(engine, user).await?;
    let owner = crate::teams::role_of(engine, TeamRole::Owner).await?;
    let role = roles::default_role(engine, user.is_admin).await?;
    let mut tx = engine.db().begin().await?;
    store::users::insert(&mut tx, user).await?;
    if engine.settings().teams.personal_teams {
        store::teams::insert(&mut tx, &team).await?;
        let membership = Membership {
            team_id: team.id.clone(),
            email: user.email.clone(),
            role: TeamRole::Owner,
            joined_at: user.created_at,
            invited_by: None,
        };
        crate::teams::join(&mut tx, &membership, &owner, by).await?;
    }
    roles::grant(&mut tx, &user.email, &role, None, (by, user.created_at)).await?;
    audit::record(engine, &mut tx, by, caller, deed).await?;
    super::commit(engine, tx).await
}

async fn personal_team(engine: &Engine, user: &User) -> Result<Team> {
    let local = || user.email.split('@').next().unwrap_or_default().to_owned();
    let name = format!("{}'s Team", user.full_name.clone().unwrap_or_else(local));
    Ok(Team {
        id: TeamId::random(),
        slug: crate::teams::personal_slug(engine, &name).await?,
        name,
        description: Some(format!("Personal workspace for {}", user.email)),
        created_by: user.email.clone(),
        is_personal: true,
        visibility: "private".to_owned(),
        max_members: None,
        created_at: user.created_at,
        updated_at: user.created_at,
        is_active: true,
    })
}

/// Changes an account.
pub async fn update(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    change: AccountChange,
) -> Result<User> {
    let before = find(engine, email).await?;
    check_full_name(change.full_name.as_deref())?;
    let admin = change.is_admin.unwrap_or(before.is_admin);
    if admin || before.is_admin {
        // Whoever can set an administrator's password can become one.
        roles::check_may_grant(permit.actor(), PermissionSet::ALL)?;
    }
    let hash = new_hash(engine, &before.email, admin, change.password.as_ref()).await?;
    let old_role = roles::default_role(engine, !admin).await?;
    let new_role = roles::default_role(engine, admin).await?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    let deed = Deed::done("user.update", "user", before.id.as_str()).with(change.summary());
    audit::record(engine, &mut tx, by, caller, deed).await?;
    let user = store_change(engine, &mut tx, &before, (change, hash)).await?;
    if user.is_admin != before.is_admin {
        store::roles::revoke(&mut tx, &user.email, &old_role.id, RoleScope::Global, None).await?;
        roles::grant(&mut tx, &user.email, &new_role, None, (by, user.updated_at)).await?;
    }
    keep_an_administrator(&mut tx).await?;
    super::commit(engine, tx).await?;
    Ok(user)
}

async fn store_change(
    engine: &Engine,
    tx: &mut store::Tx,
    before: &User,
    (change, hash): (AccountChange, Option<Secret<String>>),
) -> Result<User> {
    let mut user = current(tx, &before.email).await?;
    // Whether the actor may do this was decided by what the account was.
    if user.is_admin != before.is_admin {
        return Err(Error::Stale { kind: "User", name: user.email });
    }
    user.updated_at = engine.clock().now();
    if hash.is_some() {
        store::tokens::set_valid_after(tx, &user.email, user.updated_at).await?;
    }
    change.apply(&mut user, hash);
    store::users::update(tx, &user).await?;
    Ok(user)
}

async fn new_hash(
    engine: &Engine,
    email: &str,
    is_admin: bool,
    password: Option<&Secret<String>>,
) -> Result<Option<Secret<String>>> {
    let Some(password) = password else { return Ok(None) };
    password_rules::check(&engine.settings().accounts, email, is_admin, password.expose())?;
    engine.passwords().hash(password.clone()).await.map(Some)
}

impl AccountChange {
    fn apply(self, user: &mut User, hash: Option<Secret<String>>) {
        user.full_name = self.full_name.or(user.full_name.take());
        user.is_admin = self.is_admin.unwrap_or(user.is_admin);
        user.is_active = self.is_active.unwrap_or(user.is_active);
        user.password_change_required =
            self.password_change_required.unwrap_or(user.password_change_required);
        if let Some(hash) = hash {
            user.password_hash = hash;
        }
    }

    /// For the audit record: what was set to what, without the password.
    fn summary(&self) -> serde_json::Value {
        json!({
            "full_name": self.full_name.is_some(),
            "is_admin": self.is_admin,
            "is_active": self.is_active,
            "password_change_required": self.password_change_required,
            "password": self.password.is_some(),
        })
    }
}

/// Lets a locked account try again.
pub async fn unlock(engine: &Engine, permit: &May, caller: &Caller, email: &str) -> Result<User> {
    let mut user = find(engine, email).await?;
    (user.failed_login_attempts, user.locked_until) = (0, None);
    let mut tx = engine.db().begin().await?;
    store::users::set_lock(&mut tx, &user.id, None).await?;
    let deed = Deed::done("user.unlock", "user", user.id.as_str());
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    tx.commit().await?;
    Ok(user)
}

/// Deletes an account with its memberships, roles and personal team. A team that loses its last owner is left to
/// the administrators, who see every team.
pub async fn delete(engine: &Engine, permit: &May, caller: &Caller, email: &str) -> Result<()> {
    let user = find(engine, email).await?;
    let by = permit.actor().email.as_str();
    if user.email == by {
        return Err(Error::Refused("You cannot delete your own account".to_owned()));
    }
    if user.is_admin {
        roles::check_may_grant(permit.actor(), PermissionSet::ALL)?;
    }
    let teams = store::teams::of_person(engine.db(), &user.email).await?;
    let mut tx = engine.db().begin().await?;
    for team in teams.iter().filter(|team| team.is_personal) {
        store::teams::delete(&mut tx, &team.id).await?;
    }
    // Tokens that name the address are not for whoever is given it next.
    store::tokens::set_valid_after(&mut tx, &user.email, engine.clock().now()).await?;
    // Memberships and roles go with the row.
    store::users::delete(&mut tx, &user.id).await?;
    let deed = Deed::done("user.delete", "user", user.id.as_str()).with(json!({ "email": user.email }));
    audit::record(engine, &mut tx, by, caller, deed).await?;
    keep_an_administrator(&mut tx).await?;
    super::commit(engine, tx).await
}

/// Checked in the transaction of the change and after its audit record: writing that makes transactions wait for
/// each other, so that two administrators cannot demote each other at the same moment.
async fn keep_an_administrator(tx: &mut store::Tx) -> Result<()> {
    if store::users::count_admins(tx).await? == 0 {
        return Err(Error::Refused("The last active administrator cannot be removed".to_owned()));
    }
    Ok(())
}

/// The account as it is now. Only true after the transaction's audit record is written, which waits for others.
pub(super) async fn current(tx: &mut store::Tx, email: &str) -> Result<User> {
    store::users::by_email_in(tx, email).await?.ok_or_else(|| Error::not_found("User", ""))
}

async fn find(engine: &Engine, email: &str) -> Result<User> {
    let user = store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?;
    user.ok_or_else(|| Error::not_found("User", ""))
}

fn check_full_name(name: Option<&str>) -> Result<()> {
    if name.is_none_or(|name| name.chars().count() <= 255 && !name.chars().any(char::is_control)) {
        return Ok(());
    }
    let message = "must be at most 255 characters, without control characters".to_owned();
    Err(Error::Invalid(vec![Problem { field: "full_name".to_owned(), message }]))
}
