//! The mail that brings an invitation to whoever is invited.
//!
//! The invitation stands whether the mail goes out or not: who invited sees the link as well, and is told what became
//! of the mail. An address is sent only so many of them, so that nobody is flooded in the gateway's name.

use domain::{
    Secret,
    person::{Invitation, TeamRole},
};

use crate::engine::Engine;

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The mail server took it.
    Sent,
    /// It did not, or the address was sent too many.
    Failed,
    /// No mail server is configured.
    Disabled,
}

/// Mails an invitation of a team, and waits for what the mail server says.
pub(super) async fn send(
    engine: &Engine,
    (team_name, link): (&str, &str),
    invitation: &Invitation,
    token: &Secret<String>,
) -> Delivery {
    let people = engine.people();
    let Some(mailer) = &people.mailer else { return Delivery::Disabled };
    let allowed = people.invitations.take(&invitation.email, engine.clock().now());
    let sent = match allowed {
        Ok(()) => {
            mailer.send(&invitation.email, "You are invited", &text(team_name, link, invitation, token)).await
        }
        Err(limited) => Err(limited),
    };
    match sent {
        Ok(()) => Delivery::Sent,
        Err(error) => {
            tracing::warn!(%error, invitation = invitation.id, "the mail about an invitation was not sent");
            Delivery::Failed
        }
    }
}

/// The same beside the request, for invitations about which nobody is told more.
pub(super) fn send_later(
    engine: &Engine,
    (team_name, link): (String, String),
    invited: Vec<(Invitation, Secret<String>)>,
) {
    if invited.is_empty() || engine.people().mailer.is_none() {
        return;
    }
    let (engine, tasks) = (engine.clone(), engine.tasks().clone());
    tasks.spawn(async move {
        for (invitation, token) in &invited {
            send(&engine, (&team_name, &link), invitation, token).await;
        }
    });
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
