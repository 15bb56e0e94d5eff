//! Deleting an account, so that nothing is left that is nobody's.
//!
//! What the person owned goes to the platform's administrator (`PLATFORM_ADMIN_EMAIL`), or to the longest-serving
//! other one where that account is not there. Public and team rows keep their reach; private rows, and those of the
//! personal team, become private rows of the heir. A team that would lose its last owner gets the heir as one.

use domain::{
    Caller, Error, Result,
    id::TeamId,
    permission::grant::AdminUserManagement,
    person::{Membership, Role, Team, TeamRole, User},
};
use serde_json::json;

use super::{accounts, change, roles};
use crate::{
    audit::{self, Deed},
    catalogue,
    engine::Engine,
    policy::Permit,
};

/// Deletes an account with its memberships, roles and personal team.
#[crate::boxed]
pub async fn delete(
    engine: &Engine,
    permit: &Permit<AdminUserManagement>,
    caller: &Caller,
    email: &str,
) -> Result<()> {
    let user = accounts::find(engine, email).await?;
    let by = permit.actor().email.as_str();
    if user.email == by {
        return Err(Error::Conflict("You cannot delete your own account".to_owned()));
    }
    roles::check_may_manage(engine, permit, &user, false).await?;
    let mut tx = engine.db().begin().await?;
    let heir = heir_of(engine, &mut tx, &user).await?;
    let rows = hand_on(engine, &mut tx, &user, &heir).await?;
    // Tokens that name the address are not for whoever is given it next.
    change::end_sessions(&mut tx, &user.email, engine.clock().now()).await?;
    // Memberships and roles go with the row.
    store::users::delete(&mut tx, &user.id).await?;
    let details = json!({ "email": user.email, "heir": heir.email, "rows": rows });
    let deed = Deed::done("user.delete", "user", user.id.as_str()).with(details);
    audit::record(engine, &mut tx, by, caller, deed).await?;
    accounts::keep_an_administrator(&mut tx).await?;
    super::commit(engine, tx).await?;
    if rows > 0 { catalogue::changed(engine).await } else { Ok(()) }
}

/// Gives everything that is the leaver's to the heir. Gives the number of registered things.
async fn hand_on(engine: &Engine, tx: &mut store::Tx, leaver: &User, heir: &User) -> Result<u64> {
    let owner = crate::teams::role_of(engine, TeamRole::Owner).await?;
    let teams = store::teams::of_person(engine.db(), &leaver.email).await?;
    let (personal, shared): (Vec<Team>, Vec<Team>) = teams.into_iter().partition(|team| team.is_personal);
    let personal: Vec<TeamId> = personal.into_iter().map(|team| team.id).collect();
    let rows = store::estate::hand_on(tx, &leaver.email, &heir.email, &personal).await?;
    for team in &shared {
        take_over(engine, tx, (&team.id, &owner), (leaver, heir)).await?;
    }
    for team in &personal {
        store::roles::clear_team(tx, team.as_str()).await?;
        store::teams::delete(tx, team).await?;
    }
    if rows > 0 {
        store::sequences::bump(tx, "catalogue").await?;
    }
    Ok(rows)
}

async fn heir_of(engine: &Engine, tx: &mut store::Tx, leaver: &User) -> Result<User> {
    let named = engine.settings().accounts.admin_email.trim().to_lowercase();
    let named = store::users::by_email_in(tx, &named).await?;
    match named.filter(|user| user.is_admin && user.is_active && user.id != leaver.id) {
        Some(user) => Ok(user),
        None => store::users::other_admin(tx, &leaver.id).await?.ok_or_else(accounts::last_administrator),
    }
}

/// Makes the heir an owner of a team whose only owner leaves.
async fn take_over(
    engine: &Engine,
    tx: &mut store::Tx,
    (team, role): (&TeamId, &Role),
    (leaver, heir): (&User, &User),
) -> Result<()> {
    let place = store::teams::member_in(tx, team, &leaver.email).await?.map(|member| member.role);
    if place != Some(TeamRole::Owner) || store::teams::count_in(tx, team, TeamRole::Owner).await? > 1 {
        return Ok(());
    }
    let now = engine.clock().now();
    if store::teams::member_in(tx, team, &heir.email).await?.is_some() {
        store::teams::set_member_role(tx, team, &heir.email, TeamRole::Owner).await?;
        return roles::grant(tx, &heir.email, role, Some(team), (&heir.email, now)).await;
    }
    let membership = Membership {
        team_id: team.clone(),
        email: heir.email.clone(),
        role: TeamRole::Owner,
        joined_at: now,
        invited_by: None,
    };
    crate::teams::join(tx, &membership, role, &heir.email).await
}
