//! The table of people.
//!
//! Counting failed logins is one statement, so that tries at the same moment are all counted. E-mail addresses are
//! unique and in lower case; memberships and roles refer to them and go with the row.

use domain::{Error, Result, Secret, Timestamp, id::UserId, person::User};

use crate::{
    db::{Db, Tx},
    sql::{Arg, Column, Sql},
    tokens,
};

row! {
    struct Stored {
        id: String,
        email: String,
        full_name: Option<String>,
        password_hash: String,
        is_admin: bool,
        is_active: bool,
        password_change_required: bool,
        password_changed_at: i64,
        email_verified_at: Option<i64>,
        failed_login_attempts: i64,
        locked_until: Option<i64>,
        last_login: Option<i64>,
        created_at: i64,
        updated_at: i64,
    }
}

impl From<Stored> for User {
    fn from(row: Stored) -> Self {
        Self {
            id: UserId::from_stored(row.id),
            email: row.email,
            full_name: row.full_name,
            password_hash: Secret::new(row.password_hash),
            is_admin: row.is_admin,
            is_active: row.is_active,
            password_change_required: row.password_change_required,
            password_changed_at: Timestamp(row.password_changed_at),
            email_verified_at: row.email_verified_at.map(Timestamp),
            failed_login_attempts: row.failed_login_attempts,
            locked_until: row.locked_until.map(Timestamp),
            last_login: row.last_login.map(Timestamp),
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        }
    }
}

const SELECT: &str = "SELECT id, email, full_name, password_hash, is_admin, is_active, password_change_required, \
     password_changed_at, email_verified_at, failed_login_attempts, locked_until, last_login, created_at, updated_at FROM users";

fn columns(user: &User) -> Vec<Column> {
    vec![
        ("email", (&user.email).into()),
        ("full_name", Arg::Text(user.full_name.clone())),
        ("password_hash", user.password_hash.expose().into()),
        ("is_admin", user.is_admin.into()),
        ("is_active", user.is_active.into()),
        ("password_change_required", user.password_change_required.into()),
        ("password_changed_at", user.password_changed_at.into()),
        ("email_verified_at", user.email_verified_at.into()),
        ("failed_login_attempts", user.failed_login_attempts.into()),
        ("locked_until", user.locked_until.into()),
        ("last_login", user.last_login.into()),
        ("created_at", user.created_at.into()),
        ("updated_at", user.updated_at.into()),
    ]
}

/// Stores a new person.
#[crate::boxed]
pub async fn insert(tx: &mut Tx, user: &User) -> Result<()> {
    let mut all: Vec<Column> = vec![("id", user.id.as_str().into())];
    all.extend(columns(user));
    tx.run_named(Sql::insert("users", all), "User", &user.email).await?;
    tokens::set_disabled(tx, &user.email, !user.is_active).await
}

/// Stores a changed person.
#[crate::boxed]
pub async fn update(tx: &mut Tx, user: &User) -> Result<()> {
    let sql = Sql::update("users", columns(user)).push(" WHERE id = ", user.id.as_str());
    match tx.run_named(sql, "User", &user.email).await? {
        0 => Err(Error::not_found("User", &user.email)),
        _ => tokens::set_disabled(tx, &user.email, !user.is_active).await,
    }
}

/// Removes a person. Nothing that was issued to them counts from now on.
#[crate::boxed]
pub async fn delete(tx: &mut Tx, id: &UserId) -> Result<()> {
    let email: Option<(String,)> =
        tx.one(Sql::new("SELECT email FROM users").push(" WHERE id = ", id.as_str())).await?;
    if let Some((email,)) = email {
        tokens::set_disabled(tx, &email, true).await?;
    }
    tx.run(Sql::new("DELETE FROM users WHERE id = ").push("", id.as_str())).await.map(|_| ())
}

/// The person with an e-mail address, which must be in lower case.
#[crate::boxed]
pub async fn by_email(db: &Db, email: &str) -> Result<Option<User>> {
    let row: Option<Stored> = db.one(Sql::new(SELECT).push(" WHERE email = ", email)).await?;
    Ok(row.map(User::from))
}

/// The person with an id.
#[crate::boxed]
pub async fn by_id(db: &Db, id: &UserId) -> Result<Option<User>> {
    let row: Option<Stored> = db.one(Sql::new(SELECT).push(" WHERE id = ", id.as_str())).await?;
    Ok(row.map(User::from))
}

/// The same inside a transaction, whose writes it sees.
#[crate::boxed]
pub async fn by_email_in(tx: &mut Tx, email: &str) -> Result<Option<User>> {
    let row: Option<Stored> = tx.one(Sql::new(SELECT).push(" WHERE email = ", email)).await?;
    Ok(row.map(User::from))
}

/// People by e-mail address, after `after`, of those whose address or name has `search` in it.
#[crate::boxed]
pub async fn list(
    db: &Db,
    after: Option<&str>,
    search: Option<&str>,
    limit: Option<i64>,
) -> Result<Vec<User>> {
    let mut sql = Sql::new(SELECT).push(" WHERE email > ", after.unwrap_or_default());
    if let Some(words) = search {
        let pattern = containing(words);
        sql = sql.push(" AND (email LIKE ", &pattern).text(" ESCAPE '!'");
        sql = sql.push(" OR LOWER(full_name) LIKE ", &pattern).text(" ESCAPE '!')");
    }
    let sql = sql.text(" ORDER BY email").push_some(" LIMIT ", limit);
    let rows: Vec<Stored> = db.all(sql).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// A pattern for what has `words` in it, whatever their case.
fn containing(words: &str) -> String {
    let mut pattern = "%".to_owned();
    for letter in words.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How many active administrators there are.
#[crate::boxed]
pub async fn count_admins(tx: &mut Tx) -> Result<i64> {
    let sql = Sql::new("SELECT COUNT(*) FROM users WHERE")
        .push(" is_admin = ", true)
        .push(" AND is_active = ", true);
    let row: Option<(i64,)> = tx.one(sql).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// The active administrator who has been one longest, other than `except`.
#[crate::boxed]
pub async fn other_admin(tx: &mut Tx, except: &UserId) -> Result<Option<User>> {
    let sql = Sql::new(SELECT)
        .push(" WHERE is_admin = ", true)
        .push(" AND is_active = ", true)
        .push(" AND id <> ", except.as_str())
        .text(" ORDER BY created_at, id LIMIT 1");
    let row: Option<Stored> = tx.one(sql).await?;
    Ok(row.map(User::from))
}

/// Notes a login: failures before it count no longer.
#[crate::boxed]
pub async fn note_login(tx: &mut Tx, id: &UserId, at: Timestamp) -> Result<()> {
    let columns: Vec<Column> = vec![
        ("failed_login_attempts", 0_i64.into()),
        ("locked_until", Arg::Int(None)),
        ("last_login", at.into()),
    ];
    tx.run(Sql::update("users", columns).push(" WHERE id = ", id.as_str())).await.map(|_| ())
}

/// Counts a failed login. Gives how many there are in a row.
#[crate::boxed]
pub async fn note_failed_login(tx: &mut Tx, id: &UserId) -> Result<i64> {
    let sql = Sql::new("UPDATE users SET failed_login_attempts = failed_login_attempts + 1")
        .push(" WHERE id = ", id.as_str())
        .text(" RETURNING failed_login_attempts");
    let row: Option<(i64,)> = tx.one(sql).await?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Puts another hash of the same password in the place of this one, if it is still there.
#[crate::boxed]
pub async fn renew_hash(tx: &mut Tx, user: &User, hash: &Secret<String>) -> Result<()> {
    let columns: Vec<Column> = vec![("password_hash", hash.expose().as_str().into())];
    let sql = Sql::update("users", columns).push(" WHERE id = ", user.id.as_str());
    tx.run(sql.push(" AND password_hash = ", user.password_hash.expose().as_str())).await.map(|_| ())
}

/// Locks an account until a time, or with `None` unlocks it. The count of failures starts again either way.
#[crate::boxed]
pub async fn set_lock(tx: &mut Tx, id: &UserId, until: Option<Timestamp>) -> Result<()> {
    let columns: Vec<Column> = vec![("failed_login_attempts", 0_i64.into()), ("locked_until", until.into())];
    tx.run(Sql::update("users", columns).push(" WHERE id = ", id.as_str())).await.map(|_| ())
}
