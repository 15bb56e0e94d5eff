//! The mail that brings an invitation to whoever is invited.
//!
//! The invitation stands whether the mail goes out or not: who invited sees the link as well. Nobody waits for the mail
//! server, so the answer says `queued` where ContextForge, which waits, says `sent`; what became of the mail is in the
//! audit chain. An address is sent only so many of them, so that nobody is flooded in the gateway's name.

use domain::{
    Caller, Secret,
    person::{Invitation, TeamRole},
};
use serde_json::json;

use crate::{
    engine::Engine,
    people::outbox::{Letter, Subject},
};

/// What becomes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is on its way.
    Queued,
    /// It will not be sent: the address was sent too many, or too many wait.
    Failed,
    /// No mail server is configured.
    Disabled,
}

/// Puts the mail about an invitation of a team on its way.
pub(super) fn send(
    engine: &Engine,
    caller: &Caller,
    (team_name, link): (&str, &str),
    (invitation, token): (&Invitation, &Secret<String>),
) -> Delivery {
    let people = engine.people();
    if !people.outbox.is_open() {
        return Delivery::Disabled;
    }
    let letter = Letter {
        to: invitation.email.clone(),
        subject: "You are invited",
        text: text(team_name, link, invitation, token),
        about: Subject {
            action: "team.invitation_mail",
            kind: "team",
            id: invitation.team_id.as_str().to_owned(),
            details: json!({ "invitation": invitation.id, "email": invitation.email }),
        },
    };
    let allowed = people.invitations.take(&invitation.email, engine.clock().now());
    match allowed.and_then(|()| people.outbox.post(engine, caller, letter)) {
        Ok(()) => Delivery::Queued,
        Err(error) => {
            tracing::warn!(%error, invitation = invitation.id, "the mail about an invitation is not sent");
            Delivery::Failed
        }
    }
}

fn text(team_name: &str, link: &str, invitation: &Invitation, token: &Secret<String>) -> Secret<String> {
    let Invitation { invited_by, role, expires_at, .. } = invitation;
    let place = match role {
        TeamRole::Owner => "an owner",
        TeamRole::Member => "a member",
    };
    Secret::new(format!(
        "{invited_by} invites you to the team {team_name:?} as {place}.\n\nLog in with this address, and accept with \
         this link, which is good until {expires_at} and for one use:\n\n{link}{}\n\nIf you do not know what this is \
         about, do nothing.\n",
        token.expose()
    ))
}
