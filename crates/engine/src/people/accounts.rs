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

use super::{change, roles};
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
    /// Whether somebody vouches for the address.
    pub email_verified: Option<bool>,
    /// A new password.
    pub password: Option<Secret<String>>,
}

type May = Permit<AdminUserManagement>;

/// Accounts by e-mail address, after the address `after`; those with `search` in address or name, where it is given.
#[crate::boxed]
pub async fn list(
    engine: &Engine,
    _: &May,
    after: Option<&str>,
    search: Option<&str>,
    limit: Option<u32>,
) -> Result<Vec<User>> {
    let search = search.map(str::trim).filter(|words| !words.is_empty());
    store::users::list(engine.db(), after, search, limit.map(i64::from)).await
}

/// One account.
#[crate::boxed]
pub async fn get(engine: &Engine, _: &May, email: &str) -> Result<User> {
    find(engine, email).await
}

/// Makes an account with its personal team and the roles that everybody has.
#[crate::boxed]
pub async fn create(engine: &Engine, permit: &May, caller: &Caller, new: NewAccount) -> Result<User> {
    let email = domain::name::email("email", &new.email).map_err(|problem| Error::Invalid(vec![problem]))?;
    if new.is_admin {
        roles::check_may_grant(permit.actor(), PermissionSet::ALL)?;
    }
    let user = make(engine, NewAccount { email, ..new }, true).await?;
    let deed = Deed::done("user.create", "user", user.id.as_str());
    let details = json!({ "email": user.email, "is_admin": user.is_admin });
    insert(engine, &permit.actor().email, caller, &user, deed.with(details)).await?;
    Ok(user)
}

/// The row of a new account; hashing happens here, outside any transaction. `held` says whether the password is held
/// against the rules.
pub(super) async fn make(engine: &Engine, new: NewAccount, held: bool) -> Result<User> {
    let now = engine.clock().now();
    check_full_name(new.full_name.as_deref())?;
    let password_hash = if held {
        change::new_hash(engine, None, (&new.email, new.is_admin), new.password).await?
    } else {
        engine.passwords().hash(new.password).await?
    };
    Ok(User {
        id: UserId::random(),
        email: new.email,
        full_name: new.full_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()),
        password_hash,
        is_admin: new.is_admin,
        is_active: new.is_active,
        password_change_required: new.password_change_required,
        password_changed_at: now,
        email_verified_at: Some(now),
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
    store::users::insert(&mut tx, user).await.map_err(|error| match error {
        Error::AlreadyExists { .. } => {
            Error::Conflict(format!("User with email {} already exists", user.email))
        }
        other => other,
    })?;
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
#[crate::boxed]
pub async fn update(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    email: &str,
    change: AccountChange,
) -> Result<User> {
    let before = find(engine, email).await?;
    check_full_name(change.full_name.as_deref())?;
    if before.email == permit.actor().email {
        change.refuse_for_oneself(&before)?;
    }
    let admin = change.is_admin.unwrap_or(before.is_admin);
    roles::check_may_manage(engine, permit, &before, admin).await?;
    let hash = hash_of(engine, &before, admin, change.password.clone()).await?;
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

async fn hash_of(
    engine: &Engine,
    user: &User,
    is_admin: bool,
    password: Option<Secret<String>>,
) -> Result<Option<Secret<String>>> {
    let Some(password) = password else { return Ok(None) };
    change::new_hash(engine, Some(user), (&user.email, is_admin), password).await.map(Some)
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
    if let Some(hash) = hash {
        change::replace(engine, tx, &mut user, hash).await?;
    }
    change.apply(&mut user);
    store::users::update(tx, &user).await?;
    Ok(user)
}

impl AccountChange {
    fn apply(self, user: &mut User) {
        user.full_name = self.full_name.or(user.full_name.take());
        user.is_admin = self.is_admin.unwrap_or(user.is_admin);
        user.is_active = self.is_active.unwrap_or(user.is_active);
        user.password_change_required =
            self.password_change_required.unwrap_or(user.password_change_required);
        user.email_verified_at = match self.email_verified {
            Some(true) => user.email_verified_at.or(Some(user.updated_at)),
            Some(false) => None,
            None => user.email_verified_at,
        };
    }

    /// Another administrator has to do what would take one's own power away: it is too easily done by mistake.
    fn refuse_for_oneself(&self, user: &User) -> Result<()> {
        if user.is_admin && (self.is_admin == Some(false) || self.is_active == Some(false)) {
            return Err(Error::Conflict("You cannot demote or deactivate your own account".to_owned()));
        }
        Ok(())
    }

    /// For the audit record: what was set to what, without the password.
    fn summary(&self) -> serde_json::Value {
        json!({
            "full_name": self.full_name.is_some(),
            "is_admin": self.is_admin,
            "is_active": self.is_active,
            "password_change_required": self.password_change_required,
            "email_verified": self.email_verified,
            "password": self.password.is_some(),
        })
    }
}

/// Lets a locked account try again.
#[crate::boxed]
pub async fn unlock(engine: &Engine, permit: &May, caller: &Caller, email: &str) -> Result<User> {
    let mut user = find(engine, email).await?;
    roles::check_may_manage(engine, permit, &user, false).await?;
    (user.failed_login_attempts, user.locked_until) = (0, None);
    let mut tx = engine.db().begin().await?;
    store::users::set_lock(&mut tx, &user.id, None).await?;
    let deed = Deed::done("user.unlock", "user", user.id.as_str());
    audit::record(engine, &mut tx, &permit.actor().email, caller, deed).await?;
    tx.commit().await?;
    Ok(user)
}

/// Checked in the transaction of the change and after its audit record: writing that makes transactions wait for
/// each other, so that two administrators cannot demote each other at the same moment.
pub(super) async fn keep_an_administrator(tx: &mut store::Tx) -> Result<()> {
    if store::users::count_admins(tx).await? == 0 { Err(last_administrator()) } else { Ok(()) }
}

pub(super) fn last_administrator() -> Error {
    Error::Conflict("The last active administrator cannot be removed".to_owned())
}

/// The account as it is now. Only true after the transaction's audit record is written, which waits for others.
pub(super) async fn current(tx: &mut store::Tx, email: &str) -> Result<User> {
    store::users::by_email_in(tx, email).await?.ok_or_else(|| Error::not_found("User", ""))
}

pub(super) async fn find(engine: &Engine, email: &str) -> Result<User> {
    let user = store::users::by_email(engine.db(), &email.trim().to_lowercase()).await?;
    user.ok_or_else(|| Error::not_found("User", ""))
}

pub(super) fn check_full_name(name: Option<&str>) -> Result<()> {
    if name.is_none_or(|name| name.chars().count() <= 255 && !name.chars().any(domain::name::is_hidden)) {
        return Ok(());
    }
    let message = "must be at most 255 characters, without control characters".to_owned();
    Err(Error::Invalid(vec![Problem { field: "full_name".to_owned(), message }]))
}
