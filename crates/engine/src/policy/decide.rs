//! The decision: one pure function over who asks and what is asked.
//!
//! A decision is a fixed list of steps. Each looks at the actor and the question and gives a [`Reason`], which says
//! how the step came out; the first one that denies is the answer ([`decide`]), and all of them together are the
//! explanation ([`findings`], which `policy::explain` puts into words). There is no other place that decides, so an
//! explanation cannot disagree with what happened. Nothing here allocates, waits or reads the clock.

use domain::{Actor, Outcome, Owned, PermissionSet, Scope, Visibility, actor::GivenBy, id::TeamId};

use super::{
    question::{Act, Door, Object, Question},
    reason::Reason,
};

type Step = fn(&Actor, &Question<'_>) -> Reason;

/// The steps, in the order in which they are taken.
const STEPS: [Step; 8] =
    [credential, restriction, server_binding, role, token_cap, visibility, team, ownership];

/// Whether the actor may. The reason is that of the first step that denies.
pub fn decide(actor: &Actor, question: &Question<'_>) -> Result<(), Reason> {
    match findings(actor, question).find(|reason| reason.outcome() == Outcome::Denied) {
        None => Ok(()),
        Some(reason) => Err(reason),
    }
}

/// What every step finds. [`decide`] stops at the first denial; an explanation goes on.
pub fn findings<'q>(actor: &'q Actor, question: &'q Question<'_>) -> impl Iterator<Item = Reason> + 'q {
    STEPS.iter().map(move |step| step(actor, question))
}

fn credential(actor: &Actor, _: &Question<'_>) -> Reason {
    if actor.email == crate::authn::ANONYMOUS { Reason::Anonymous } else { Reason::SignedIn }
}

fn restriction(_: &Actor, question: &Question<'_>) -> Reason {
    question.restriction.map_or(Reason::NotRestricted, Reason::Restricted)
}

fn server_binding(actor: &Actor, question: &Question<'_>) -> Reason {
    match (&actor.server, question.door) {
        (None, _) => Reason::NotBound,
        (Some(_), Door::Inside) => Reason::AlreadyInside,
        (Some(_), Door::Open) => Reason::OpenDoor,
        (Some(bound), Door::Server(server)) if bound == server => Reason::OnItsServer,
        (Some(_), Door::Server(_) | Door::Elsewhere) => Reason::OffItsServer,
    }
}

fn role(actor: &Actor, question: &Question<'_>) -> Reason {
    let mut found = Reason::NothingNeeded;
    for permission in question.needs() {
        found = match actor.role(permission) {
            None => return Reason::NoRole(permission),
            Some(GivenBy::Administrator) => Reason::Administrator,
            Some(GivenBy::Role) => Reason::Role,
            Some(GivenBy::TeamRole) => Reason::TeamRole,
        };
    }
    found
}

fn token_cap(actor: &Actor, question: &Question<'_>) -> Reason {
    match question.needs().find(|permission| !actor.cap.has(*permission)) {
        Some(permission) => Reason::OutsideCap(permission),
        None if actor.cap == PermissionSet::ALL => Reason::NotCapped,
        None if question.whole_token => Reason::NotWhole,
        None => Reason::InsideCap,
    }
}

fn visibility(actor: &Actor, question: &Question<'_>) -> Reason {
    let Some(Object { owned, .. }) = question.object else { return Reason::NoRow };
    if question.act == Act::Make {
        return making(actor, owned);
    }
    match (owned.visibility, &actor.scope, actor.scope.sees(owned)) {
        (Visibility::Public, _, true) => Reason::PublicRow,
        (Visibility::Team, Scope::Unrestricted { .. }, true) => Reason::EveryTeam,
        (Visibility::Team, _, true) => Reason::TeamOfScope,
        (Visibility::Private, _, true) => Reason::OwnPrivateRow,
        (Visibility::Private, Scope::PublicOnly, false) if owned.owner_email == actor.email => {
            Reason::OwnButPublicOnly
        }
        (Visibility::Private, _, false) => Reason::PrivateOfAnother,
        (_, Scope::PublicOnly, false) => Reason::PublicOnlyScope,
        (_, _, false) => Reason::TeamOutsideScope,
    }
}

fn making(actor: &Actor, owned: &Owned) -> Reason {
    if actor.scope == Scope::PublicOnly && owned.visibility != Visibility::Public {
        Reason::MakesPublicOnly
    } else if owned.team_id.as_ref().is_some_and(|team| !actor.scope.has_team(team)) {
        Reason::MakesInOtherTeam
    } else {
        Reason::MayMake
    }
}

/// A permission from a role in one team does not reach another team's rows.
fn team(actor: &Actor, question: &Question<'_>) -> Reason {
    let Some(Object { owned, .. }) = question.object else { return Reason::NoTeamAsked };
    match question.act {
        Act::Use if owned.visibility == Visibility::Team => {
            let covered = covers(actor, question, owned.team_id.as_ref());
            if covered { Reason::CoversTeam } else { Reason::NotInThisTeam }
        }
        Act::Make => {
            let covered = covers(actor, question, owned.team_id.as_ref());
            if covered { Reason::CoversTeam } else { Reason::MakesWithoutTeamRole }
        }
        Act::Use | Act::Change => Reason::NoTeamAsked,
    }
}

/// A row is changed by its owner, and by whoever has the permission for it and also runs its team, or the platform: a
/// developer changes what is theirs. A private row is changed by its owner alone: nobody else sees it.
fn ownership(actor: &Actor, question: &Question<'_>) -> Reason {
    let Some(Object { owned, kind }) = question.object.filter(|_| question.act == Act::Change) else {
        return Reason::NoOwnerAsked;
    };
    let team = owned.team_id.as_ref();
    if owned.owner_email == actor.email {
        Reason::Owner
    } else if covers(actor, question, team) && (*kind == *super::TEAM || actor.manages(team)) {
        Reason::CoversRow
    } else {
        Reason::NotTheOwner
    }
}

fn covers(actor: &Actor, question: &Question<'_>, team: Option<&TeamId>) -> bool {
    question.permission.is_none_or(|permission| actor.role_in(permission, team).is_some())
}

#[cfg(test)]
mod tests;
