//! Puts a decision into words. Decides nothing: every sentence belongs to one [`Reason`] that the steps found.
//!
//! The words name the actor, permissions, teams and servers. Of the row they say no more than its visibility and its
//! team, which whoever is told of the row may know.

use std::borrow::Cow;

use domain::{Actor, Denial, Error, Outcome, Permission, Scope, TraceStep, id::TeamId};

use super::{
    decide::{decide, findings},
    question::{Door, Question, Restriction},
    reason::Reason,
};

type Text = Cow<'static, str>;
/// Why, and what would change it.
type Words = (Text, Option<Text>);

/// Every step of the decision, in order.
pub fn trace(actor: &Actor, question: &Question<'_>) -> Vec<TraceStep> {
    findings(actor, question).map(|reason| told(reason, actor, question)).collect()
}

/// `Ok`, or the refusal with its trace. That a row is hidden is for the caller to see: [`decide`] says so.
pub fn check(actor: &Actor, question: &Question<'_>) -> domain::Result<()> {
    match decide(actor, question) {
        Ok(()) => Ok(()),
        Err(reason) => Err(denied(actor, question, reason)),
    }
}

/// The refusal for a reason that [`decide`] gave.
#[cold]
pub fn denied(actor: &Actor, question: &Question<'_>, reason: Reason) -> Error {
    Error::Decided(Box::new(Denial {
        email: actor.email.clone(),
        text: reason.text(),
        reason: reason.label(),
        needs: reason.missing().or_else(|| question.needs().last()),
        trace: trace(actor, question),
    }))
}

/// The refusal by a rule of its own, which is not about permissions on rows: what may be put into a token, above all.
/// Says what the rule is, so that it can be looked up like any other refusal.
#[cold]
pub fn refuse(actor: &Actor, why: &'static str, change: &'static str) -> Error {
    refuse_saying("Access denied", actor, why, change)
}

/// The same with words of its own for whoever is refused.
#[cold]
pub fn refuse_saying(text: &'static str, actor: &Actor, why: &'static str, change: &'static str) -> Error {
    let step =
        TraceStep { step: "rule", outcome: Outcome::Denied, why: why.into(), change: Some(change.into()) };
    let email = actor.email.clone();
    Error::Decided(Box::new(Denial { email, text, reason: "rule", needs: None, trace: vec![step] }))
}

/// The refusal of a token that names a team which its person left: there is no actor to decide about.
pub(crate) fn outsider(email: &str) -> Error {
    let reason = Reason::Restricted(Restriction::Membership);
    let (why, change) = restriction(reason);
    let trace = vec![TraceStep { step: reason.step(), outcome: reason.outcome(), why, change }];
    let (email, text) = (email.to_owned(), reason.text());
    Error::Decided(Box::new(Denial { email, text, reason: reason.label(), needs: None, trace }))
}

fn told(reason: Reason, actor: &Actor, question: &Question<'_>) -> TraceStep {
    let (why, change) = match reason.step() {
        "credential" => credential(reason, actor),
        "restriction" => restriction(reason),
        "server_binding" => binding(reason, actor, question),
        "role" => role(reason, actor, question),
        "token_cap" => cap(reason, actor),
        "visibility" => visibility(reason, actor, question),
        "team" => team(reason, actor, question),
        _ => ownership(reason, question),
    };
    let outcome = reason.outcome();
    TraceStep { step: reason.step(), outcome, why, change: change.filter(|_| outcome == Outcome::Denied) }
}

fn fixed(text: &'static str) -> Words {
    (text.into(), None)
}

fn credential(reason: Reason, actor: &Actor) -> Words {
    if reason == Reason::Anonymous {
        return fixed("No credential was shown; anonymous callers reach public rows only.");
    }
    let why = match actor.expires_at {
        Some(end) => format!("The credential of {} is good until {end}.", actor.email),
        None => format!("The credential of {} is good and has no end.", actor.email),
    };
    (why.into(), None)
}

fn restriction(reason: Reason) -> Words {
    let Reason::Restricted(restriction) = reason else {
        return fixed("No limit of the token on addresses, times or uses stands against it.");
    };
    let (why, change) = match restriction {
        Restriction::Network => (
            "The token may not be used from the client's address.",
            "Use it from one of the networks in its ip_restrictions, or make a token without them.",
        ),
        Restriction::Time => (
            "The token may not be used at this time.",
            "Use it inside its time_restrictions, or make a token without them.",
        ),
        Restriction::Usage => (
            "The token was used as often as its usage_limits allow.",
            "Wait until the hour or the day is over, or make a token with higher limits.",
        ),
        Restriction::Membership => (
            "The token names a team that its person is no active member of.",
            "Make the person a member of the team again, or make a token without the team.",
        ),
    };
    (why.into(), Some(change.into()))
}

fn binding(reason: Reason, actor: &Actor, question: &Question<'_>) -> Words {
    let bound = actor.server.as_ref().map_or("", |server| server.as_str());
    match reason {
        Reason::NotBound => fixed("The token is not limited to one virtual server."),
        Reason::OpenDoor => fixed("The documentation is open to tokens for one virtual server."),
        Reason::AlreadyInside | Reason::OnItsServer => (
            format!("The token is for the virtual server {bound}, and the request is inside it.").into(),
            None,
        ),
        _ => {
            let there = match question.door {
                Door::Server(server) => format!("to the virtual server {server}"),
                _ => "to a place outside every virtual server".to_owned(),
            };
            let why =
                format!("The token is for the virtual server {bound} alone, and the request goes {there}.");
            let change =
                format!("Send the request to /servers/{bound}/mcp, or use a token without server_id.");
            (why.into(), Some(change.into()))
        }
    }
}

fn role(reason: Reason, actor: &Actor, question: &Question<'_>) -> Words {
    let names = || question.needs().map(Permission::as_str).collect::<Vec<_>>().join(" and ");
    let email = &actor.email;
    let why = match reason {
        Reason::NothingNeeded => return fixed("No permission is needed for this."),
        Reason::Administrator => format!("{email} is an administrator and has {}.", names()),
        Reason::Role => format!("A role of {email} gives {} everywhere.", names()),
        Reason::TeamRole => format!("A role of {email} in a team gives {}.", names()),
        Reason::NoRole(permission) => return no_role(actor, permission),
        _ => return fixed(""),
    };
    (why.into(), None)
}

fn no_role(actor: &Actor, permission: Permission) -> Words {
    let elsewhere = actor.in_team.values().any(|set| set.has(permission));
    let (more, change) = if elsewhere {
        (
            ", apart from roles in teams that this credential does not reach",
            format!(
                "Use a token whose teams include a team with that role, or give a role with {permission}."
            ),
        )
    } else if actor.scope == Scope::PublicOnly {
        (
            "; the credential reaches public rows only, which also switches an administrator's rights off",
            format!("Use a token with teams (for an administrator: null), or give a role with {permission}."),
        )
    } else {
        ("", format!("Give a role with {permission}: globally, or in the team that is concerned."))
    };
    (format!("No role gives {} the permission {permission}{more}.", actor.email).into(), Some(change.into()))
}

fn cap(reason: Reason, actor: &Actor) -> Words {
    match reason {
        Reason::NotCapped => fixed("The token is not limited to permissions."),
        Reason::InsideCap => fixed("The token is limited to permissions, and what is needed is among them."),
        Reason::OutsideCap(permission) => {
            let why = format!(
                "The token is limited to {}; {permission} is not among them.",
                few(&actor.cap.names())
            );
            let change = format!("Make a token whose scopes.permissions have {permission}, or none at all.");
            (why.into(), Some(change.into()))
        }
        _ => (
            "The token is limited to permissions, and no permission stands for this request.".into(),
            Some("Use a session, or a token without scopes.permissions.".into()),
        ),
    }
}

/// The first names of a long list.
fn few(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 if shown.is_empty() => "no known permission".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn visibility(reason: Reason, actor: &Actor, question: &Question<'_>) -> Words {
    let Some(object) = question.object else { return fixed("The question is about no single thing.") };
    let kind = object.kind;
    let team = named(object.owned.team_id.as_ref());
    let email = &actor.email;
    let denied = |why: String, change: &'static str| (Text::from(why), Some(Text::from(change)));
    match reason {
        Reason::PublicRow => (format!("The {kind} is public.").into(), None),
        Reason::EveryTeam => {
            (format!("The {kind} belongs to {team}, and the credential reaches every team.").into(), None)
        }
        Reason::TeamOfScope => {
            (format!("The {kind} belongs to {team}, which the credential reaches.").into(), None)
        }
        Reason::OwnPrivateRow => (format!("The {kind} is private, and {email} is its owner.").into(), None),
        Reason::MayMake => fixed("The credential reaches what is to be made."),
        Reason::PublicOnlyScope => denied(
            format!("The {kind} belongs to {team}, and the credential reaches public rows only."),
            "Use a token whose teams name the team; a token without teams, or with an empty list, is public-only.",
        ),
        Reason::TeamOutsideScope => denied(
            format!("The {kind} belongs to {team}, which the credential does not reach."),
            "Make the person a member of the team, and use a session or a token whose teams name it.",
        ),
        Reason::OwnButPublicOnly => denied(
            format!("The {kind} is private to {email}, and the credential reaches public rows only."),
            "Use a session, or a token that names a team or is an administrator's with teams: null.",
        ),
        Reason::MakesPublicOnly => denied(
            format!("The credential reaches public rows only, and the {kind} would not be public."),
            "Make it public, or use a token that reaches a team.",
        ),
        Reason::MakesInOtherTeam => denied(
            format!("The {kind} would belong to {team}, which the credential does not reach."),
            "Use a session or a token whose teams name the team.",
        ),
        _ => denied(
            format!("The {kind} is private to somebody else."),
            "Its owner can give it to a team or make it public; nobody else can, administrators included.",
        ),
    }
}

fn named(team: Option<&TeamId>) -> String {
    team.map_or_else(|| "a team".to_owned(), |team| format!("the team {team}"))
}

fn team(reason: Reason, actor: &Actor, question: &Question<'_>) -> Words {
    let Some(object) = question.object else { return fixed("No team is concerned.") };
    let permission = question.permission.map_or("the permission", Permission::as_str);
    let place = object.owned.team_id.as_ref();
    match reason {
        Reason::CoversTeam => (
            format!("{permission} holds in {}.", place.map_or("every team".into(), |_| named(place))).into(),
            None,
        ),
        Reason::NotInThisTeam | Reason::MakesWithoutTeamRole => {
            let place = place.map_or_else(|| "outside teams".to_owned(), |_| format!("in {}", named(place)));
            let why = format!("No role gives {} the permission {permission} {place}.", actor.email);
            let change = format!("Give a role with {permission} there, or globally.");
            (why.into(), Some(change.into()))
        }
        _ => fixed("No role in a team is needed for this."),
    }
}

fn ownership(reason: Reason, question: &Question<'_>) -> Words {
    let kind = question.object.map_or("row", |object| object.kind);
    match reason {
        Reason::Owner => (format!("The {kind} is the actor's own.").into(), None),
        Reason::CoversRow => (format!("A role gives the right to change the {kind}.").into(), None),
        Reason::NotTheOwner => {
            let why = format!("The {kind} is somebody else's, and no role gives the right to change it.");
            let change = "Ask its owner, or give a role with the permission in its team or globally.";
            (why.into(), Some(change.into()))
        }
        _ => fixed("Nothing is changed, so it does not matter whose it is."),
    }
}

#[cfg(test)]
mod tests;
