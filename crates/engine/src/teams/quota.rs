//! How large teams may become, and in how many a person may be. Checked inside the transaction that adds somebody:
//! writers take turns, so that two who come at once do not both get the last place.

use domain::{
    Error, Result,
    person::{Team, TeamRole},
};

use crate::engine::Engine;

/// The most members that a team may have: what it says itself, within what the platform allows.
pub(super) fn most_members(engine: &Engine, team: &Team) -> i64 {
    let most = engine.settings().teams.max_members;
    team.max_members.map_or(most, |own| own.min(most))
}

/// Refuses one member more than the team may have. `reserved` places are promised to others.
pub(super) async fn check_room(
    engine: &Engine,
    tx: &mut store::Tx,
    team: &Team,
    reserved: i64,
) -> Result<()> {
    let most = most_members(engine, team);
    let owners = store::teams::count_in(tx, &team.id, TeamRole::Owner).await?;
    let members = store::teams::count_in(tx, &team.id, TeamRole::Member).await?;
    if owners + members + reserved < most {
        return Ok(());
    }
    Err(Error::Refused(format!("Team has reached the maximum member limit of {most}")))
}

/// Refuses one team more than a person may be in. The personal team does not count.
pub(super) async fn check_teams_of(engine: &Engine, tx: &mut store::Tx, email: &str) -> Result<()> {
    let most = engine.settings().teams.max_per_user;
    if store::teams::count_of_person_in(tx, email).await? < most {
        return Ok(());
    }
    Err(Error::Refused(format!("User has reached the maximum team limit of {most}")))
}
