//! `/teams/…/join`: asking to be let into a public team. Taking one's own request back, and listing one's own, are
//! additions to ContextForge's routes.

use domain::permission::grant::{TeamsJoin, TeamsManageMembers};
use engine::teams::{self, Asked};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    page::Slice,
    problem::Failure,
    teams::member,
};
use crate::{guard::Authorized, routes::Api};

type Reply = Result<Json<Value>, Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const ONE: &str = "/teams/{team_id}/join-requests/{request_id}";
    api.route(Method::POST, "/teams/{team_id}/join", ask)
        .route(Method::DELETE, "/teams/{team_id}/join", withdraw)
        .route(Method::GET, "/teams/join-requests", mine)
        .route(Method::GET, "/teams/{team_id}/join-requests", list)
        .route(Method::DELETE, ONE, reject)
        .route(Method::POST, "/teams/{team_id}/join-requests/{request_id}/approve", approve)
}

fn shown(Asked { request, team_name }: &Asked) -> Value {
    json!({
        "id": request.id,
        "team_id": request.team_id,
        "team_name": team_name,
        "user_email": request.email,
        "message": request.message,
        "status": request.status,
        "requested_at": request.requested_at.to_string(),
        "expires_at": request.expires_at.to_string(),
    })
}

#[derive(Deserialize)]
pub(crate) struct TeamJoinRequest {
    #[serde(default)]
    message: Option<String>,
}

async fn ask(
    joiner: Authorized<TeamsJoin>,
    Path(id): Path<String>,
    Json(body): Json<TeamJoinRequest>,
) -> Reply {
    let engine = joiner.app.engine();
    Ok(Json(shown(&teams::ask(engine, &joiner, &joiner.caller, &id, body.message).await?)))
}

async fn withdraw(joiner: Authorized<TeamsJoin>, Path(id): Path<String>) -> Reply {
    teams::withdraw(joiner.app.engine(), &joiner, &joiner.caller, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Join request withdrawn successfully" })))
}

async fn mine(joiner: Authorized<TeamsJoin>, Query(slice): Query<Slice>) -> Reply {
    let found = teams::asked_by_me(joiner.app.engine(), &joiner, slice.rows()).await?;
    Ok(Json(found.iter().map(shown).collect()))
}

async fn list(
    editor: Authorized<TeamsManageMembers>,
    Path(id): Path<String>,
    Query(slice): Query<Slice>,
) -> Reply {
    let found = teams::requests(editor.app.engine(), &editor, &id, slice.rows()).await?;
    Ok(Json(found.iter().map(shown).collect()))
}

async fn approve(
    editor: Authorized<TeamsManageMembers>,
    Path((id, request)): Path<(String, String)>,
) -> Reply {
    let which = (id.as_str(), request.as_str());
    Ok(Json(member(&teams::approve(editor.app.engine(), &editor, &editor.caller, which).await?)))
}

async fn reject(
    editor: Authorized<TeamsManageMembers>,
    Path((id, request)): Path<(String, String)>,
) -> Reply {
    teams::reject(editor.app.engine(), &editor, &editor.caller, (&id, &request)).await?;
    Ok(Json(json!({ "success": true, "message": "Join request rejected successfully" })))
}
