//! `/teams/…/invitations`: asking people into a team.

use domain::{
    permission::grant::{TeamsJoin, TeamsManageMembers, TeamsRead},
    person::{Invitation, TeamRole},
};
use engine::{
    gateways::MASK,
    teams::{self, Delivery},
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    page::Slice,
    problem::Failure,
    teams::member,
};
use crate::{app::App, guard::Authorized, routes::Api};

type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const OF_TEAM: &str = "/teams/{team_id}/invitations";
    api.route(Method::GET, OF_TEAM, list)
        .route(Method::POST, OF_TEAM, invite)
        .route(Method::POST, "/teams/invitations/{token}/accept", accept)
        .route(Method::DELETE, "/teams/invitations/{invitation_id}", cancel)
}

/// The token is only ever in the reply that makes an invitation.
fn shown(app: &App, invitation: &Invitation, team_name: &str, token: &str) -> Value {
    let now = app.engine().clock().now();
    json!({
        "id": invitation.id,
        "team_id": invitation.team_id,
        "team_name": team_name,
        "email": invitation.email,
        "role": invitation.role,
        "invited_by": invitation.invited_by,
        "invited_at": invitation.invited_at.to_string(),
        "expires_at": invitation.expires_at.to_string(),
        "token": token,
        "is_active": invitation.is_active,
        "is_expired": invitation.expires_at <= now,
    })
}

async fn list(reader: Authorized<TeamsRead>, Path(id): Path<String>, Query(slice): Query<Slice>) -> Reply {
    let (team, found) = teams::invitations(reader.app.engine(), &reader, &id, slice.rows()).await?;
    let shown = found.iter().map(|invitation| shown(&reader.app, invitation, &team.name, MASK));
    Ok(Json(shown.collect()))
}

#[derive(Deserialize)]
pub(crate) struct TeamInviteRequest {
    email: String,
    #[serde(default = "a_member")]
    role: TeamRole,
}

pub(super) fn a_member() -> TeamRole {
    TeamRole::Member
}

async fn invite(
    editor: Authorized<TeamsManageMembers>,
    Path(id): Path<String>,
    Json(body): Json<TeamInviteRequest>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let link = link(&editor.app);
    let whom = (body.email.as_str(), body.role, link.as_str());
    let made = teams::invite(editor.app.engine(), &editor, &editor.caller, &id, whom).await?;
    let token = made.token.expose();
    let mut reply = shown(&editor.app, &made.invitation, &made.team_name, token);
    if let Some(reply) = reply.as_object_mut() {
        reply.insert("invitation_url".to_owned(), json!(format!("{link}{token}")));
        let (status, warning) = match made.delivery {
            Delivery::Queued => ("queued", None),
            Delivery::Failed => ("failed", Some("Invitation created, but the email could not be delivered.")),
            Delivery::Disabled => ("disabled", Some("Invitation created, but email delivery is disabled.")),
        };
        reply.insert("email_delivery_status".to_owned(), json!(status));
        reply.insert("warning".to_owned(), json!(warning));
    }
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Where the link of an invitation leads, without its token. Made from `APP_DOMAIN` and never from the request.
pub(super) fn link(app: &App) -> String {
    let listen = &app.settings().listen;
    let domain = listen.app_domain.trim().trim_end_matches('/');
    let scheme = if domain.contains("://") { "" } else { "https://" };
    let root = listen.root_path.as_deref().unwrap_or_default().trim_matches('/');
    let slash = if root.is_empty() { "" } else { "/" };
    format!("{scheme}{domain}{slash}{root}/accept-invitation/")
}

async fn accept(joiner: Authorized<TeamsJoin>, Path(token): Path<String>) -> Reply {
    Ok(Json(member(&teams::accept(joiner.app.engine(), &joiner, &joiner.caller, &token).await?)))
}

async fn cancel(editor: Authorized<TeamsManageMembers>, Path(id): Path<String>) -> Reply {
    teams::cancel(editor.app.engine(), &editor, &editor.caller, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Team invitation cancelled successfully" })))
}
