//! Invitations: a token of 256 random bits for one address, shown once and kept as its hash.
//!
//! It is good for its address only, for some days and once. It stops being good when it is taken back, and when
//! whoever made it leaves the team, is no owner of it any more, or loses their account. Only people whose address is
//! verified accept one, unless told otherwise. Refusals have ContextForge's words.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Actor, Caller, Error, Result, Secret, Timestamp,
    id::TeamId,
    name,
    permission::grant::{TeamsJoin, TeamsManageMembers, TeamsRead},
    person::{Invitation, Membership, Team, TeamRole},
};
use serde_json::json;

use super::{
    find, find_to_change,
    invitation_mail::{self, Delivery},
    members::{ALREADY, May, hexadecimal, membership, places, take_in},
    quota,
};
use crate::{
    audit::{self, Deed},
    authn::sha256,
    engine::Engine,
    people::commit,
    policy::{self, Permit},
};

/// How long it is remembered that an invitation is over.
const REMEMBERED: Duration = Duration::from_hours(30 * 24);
/// The longest text that can be a token.
const LONGEST: usize = 128;

/// A new invitation, with the only sight of its token.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// The team's name.
    pub team_name: String,
    /// What whoever is invited has to show.
    pub token: Secret<String>,
    /// What becomes of the mail.
    pub delivery: Delivery,
}

/// Invites an address to a team, and mails it the link that begins with `link`. There need not be an account with it.
#[crate::boxed]
pub async fn invite(
    engine: &Engine,
    permit: &May,
    caller: &Caller,
    id: &str,
    (email, role, link): (&str, TeamRole, &str),
) -> Result<Invited> {
    let team = find_to_change(engine, permit, id).await?;
    check_allowed(engine, permit.actor())?;
    if team.is_personal {
        return Err(Error::Refused("Cannot send invitations to personal teams".to_owned()));
    }
    let email = name::email("email", email).map_err(|problem| Error::Invalid(vec![problem]))?;
    places(engine).await?.check_may_give(permit.actor(), role, &team.id)?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    let (invitation, token) = make(engine, &mut tx, &team, (&email, role), by).await?;
    record(engine, &mut tx, (by, caller), "team.invite", &invitation).await?;
    commit(engine, tx).await?;
    let delivery = invitation_mail::send(engine, caller, (&team.name, link), (&invitation, &token));
    Ok(Invited { invitation, team_name: team.name, token, delivery })
}

/// Makes an invitation, without deciding who may.
pub(super) async fn make(
    engine: &Engine,
    tx: &mut store::Tx,
    team: &Team,
    (email, role): (&str, TeamRole),
    by: &str,
) -> Result<(Invitation, Secret<String>)> {
    let now = engine.clock().now();
    if store::teams::member_in(tx, &team.id, email).await?.is_some() {
        return Err(Error::Refused(format!("User {email} is already a member of this team")));
    }
    if store::invitations::open_in(tx, &team.id, email, now).await?.is_some() {
        return Err(Error::Refused(format!("An active invitation already exists for {email}")));
    }
    let open = store::invitations::count_open_in(tx, &team.id, now).await?;
    quota::check_room(engine, tx, team, open).await?;
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::internal("no random numbers"))?;
    let token = Secret::new(URL_SAFE_NO_PAD.encode(bytes));
    let days = engine.settings().teams.invitation_days;
    let invitation = Invitation {
        id: TeamId::random().as_str().to_owned(),
        team_id: team.id.clone(),
        email: email.to_owned(),
        role,
        invited_by: by.to_owned(),
        invited_at: now,
        expires_at: now.plus(Duration::from_secs(days.saturating_mul(24 * 60 * 60))),
        token_hash: hash_of(token.expose()),
        is_active: true,
    };
    let forgotten = Timestamp(now.0 - Timestamp(0).plus(REMEMBERED).0);
    store::invitations::forget_before(tx, &team.id, forgotten).await?;
    store::invitations::insert(tx, &invitation).await?;
    Ok((invitation, token))
}

/// Where invitations are switched off, only administrators make and accept them.
pub(super) fn check_allowed(engine: &Engine, actor: &Arc<Actor>) -> Result<()> {
    if engine.settings().teams.allow_invitations || actor.is_admin {
        Ok(())
    } else {
        Err(Error::Forbidden { needs: None })
    }
}

fn hash_of(token: &str) -> String {
    hexadecimal(&sha256(token.as_bytes()))
}

/// Invitations to a team that are neither accepted nor taken back; for those who manage its members.
#[crate::boxed]
pub async fn invitations(
    engine: &Engine,
    permit: &Permit<TeamsRead>,
    id: &str,
    (skip, limit): (i64, i64),
) -> Result<(Team, Vec<Invitation>)> {
    let team = find(engine, permit, id).await?;
    let manager = policy::narrow::<TeamsManageMembers, _>(permit)?;
    if !manager.covers(Some(&team.id)) {
        return Err(Error::Forbidden { needs: Some(domain::Permission::TeamsManageMembers) });
    }
    let found = store::invitations::of_team(engine.db(), &team.id, skip, limit).await?;
    Ok((team, found))
}

/// Takes an invitation back.
#[crate::boxed]
pub async fn cancel(engine: &Engine, permit: &May, caller: &Caller, id: &str) -> Result<()> {
    let hidden = || Error::not_found("Invitation", "");
    let found = TeamId::parse(id).map(|id| id.as_str().to_owned()).ok_or_else(hidden)?;
    let found = store::invitations::get(engine.db(), &found).await?;
    let invitation = found.filter(|found| permit.scope().has_team(&found.team_id)).ok_or_else(hidden)?;
    find_to_change(engine, permit, invitation.team_id.as_str()).await?;
    let by = permit.actor().email.as_str();
    let mut tx = engine.db().begin().await?;
    if !store::invitations::close(&mut tx, &invitation.id).await? {
        return Err(hidden());
    }
    record(engine, &mut tx, (by, caller), "team.invitation_cancel", &invitation).await?;
    commit(engine, tx).await
}

/// Accepts an invitation with its token.
#[crate::boxed]
pub async fn accept(
    engine: &Engine,
    permit: &Permit<TeamsJoin>,
    caller: &Caller,
    token: &str,
) -> Result<Membership> {
    let unknown = || Error::Refused("Invitation not found".to_owned());
    check_allowed(engine, permit.actor())?;
    if token.len() > LONGEST {
        return Err(unknown());
    }
    let places = places(engine).await?;
    let (me, now) = (permit.actor().email.as_str(), engine.clock().now());
    let mut tx = engine.db().begin().await?;
    let found = store::invitations::by_hash_in(&mut tx, &hash_of(token)).await?;
    let invitation = found.ok_or_else(unknown)?;
    let invited_by = store::users::by_email_in(&mut tx, &invitation.invited_by).await?;
    if !invitation.is_open(now) || invited_by.is_none_or(|user| !user.is_active) {
        return Err(Error::Refused("Invitation is invalid or expired".to_owned()));
    }
    if invitation.email != me {
        return Err(Error::Refused("Email address does not match invitation".to_owned()));
    }
    if engine.settings().teams.verified_invites {
        // Whoever registered with somebody else's address does not get in on it.
        let myself = store::users::by_email_in(&mut tx, me).await?;
        if myself.is_none_or(|user| user.email_verified_at.is_none()) {
            return Err(Error::Refused("Email address is not verified".to_owned()));
        }
    }
    let team = store::teams::get_in(&mut tx, &invitation.team_id).await?.filter(|team| team.is_active);
    let team = team.ok_or_else(|| Error::Refused("Team not found or inactive".to_owned()))?;
    if store::teams::member_in(&mut tx, &team.id, me).await?.is_some() {
        return Err(Error::Refused(ALREADY.to_owned()));
    }
    let new = membership(&team, me, invitation.role, now, Some(&invitation.invited_by));
    take_in(engine, &mut tx, (&team, &places), &new, &invitation.invited_by).await?;
    store::invitations::close(&mut tx, &invitation.id).await?;
    record(engine, &mut tx, (me, caller), "team.invitation_accept", &invitation).await?;
    commit(engine, tx).await?;
    Ok(new)
}

async fn record(
    engine: &Engine,
    tx: &mut store::Tx,
    (by, caller): (&str, &Caller),
    action: &str,
    invitation: &Invitation,
) -> Result<()> {
    let details = json!({
        "invitation": invitation.id, "email": invitation.email, "role": invitation.role,
        "invited_by": invitation.invited_by,
    });
    let deed = Deed::done(action, "team", invitation.team_id.as_str()).with(details);
    audit::record(engine, tx, by, caller, deed).await
}
