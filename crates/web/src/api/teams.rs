//! `/teams`: teams and their members.

use domain::{
    permission::grant::{TeamsCreate, TeamsDelete, TeamsManageMembers, TeamsRead, TeamsUpdate},
    person::{Membership, TeamRole},
};
use engine::teams::{self, Counted, NewTeam, TeamChange};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    json::{Json, Path, Query},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Reply = Result<Json<Value>, Failure>;
type Created = Result<(StatusCode, Json<Value>), Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const MEMBER: &str = "/teams/{team_id}/members/{email}";
    api.collection(Method::GET, "/teams", list)
        .collection(Method::POST, "/teams", create)
        .route(Method::GET, "/teams/{team_id}", get)
        .route(Method::PUT, "/teams/{team_id}", update)
        .route(Method::DELETE, "/teams/{team_id}", delete)
        .route(Method::GET, "/teams/{team_id}/members", members)
        .route(Method::POST, "/teams/{team_id}/members", add_member)
        .route(Method::PUT, MEMBER, change_member)
        .route(Method::DELETE, MEMBER, remove_member)
}

fn shown(Counted { team, members }: &Counted) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "slug": team.slug,
        "description": team.description,
        "created_by": team.created_by,
        "is_personal": team.is_personal,
        "visibility": team.visibility,
        "max_members": team.max_members,
        "member_count": members,
        "created_at": team.created_at.to_string(),
        "updated_at": team.updated_at.to_string(),
        "is_active": team.is_active,
    })
}

/// Memberships have no id of their own: the team and the address name them.
fn member(membership: &Membership) -> Value {
    json!({
        "id": format!("{}:{}", membership.team_id, membership.email),
        "team_id": membership.team_id,
        "user_email": membership.email,
        "role": membership.role,
        "joined_at": membership.joined_at.to_string(),
        "invited_by": membership.invited_by,
        "is_active": true,
        "grant_source": null,
    })
}

#[derive(Deserialize)]
#[serde(default)]
struct TeamsQuery {
    skip: usize,
    limit: usize,
    include_pagination: bool,
}

impl Default for TeamsQuery {
    fn default() -> Self {
        Self { skip: 0, limit: 50, include_pagination: false }
    }
}

async fn list(reader: Authorized<TeamsRead>, Query(query): Query<TeamsQuery>) -> Reply {
    let all = teams::list(reader.app.engine(), &reader).await?;
    let wanted = if query.limit == 0 { usize::MAX } else { query.limit.min(500) };
    let page: Vec<Value> = all.iter().skip(query.skip).take(wanted).map(shown).collect();
    Ok(Json(if query.include_pagination {
        json!({ "teams": page, "nextCursor": null })
    } else {
        json!({ "teams": page, "total": all.len() })
    }))
}

#[derive(Deserialize)]
pub(crate) struct TeamCreateRequest {
    name: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default = "private")]
    visibility: String,
    #[serde(default, alias = "maxMembers")]
    max_members: Option<i64>,
}

fn private() -> String {
    "private".to_owned()
}

async fn create(maker: Authorized<TeamsCreate>, Json(body): Json<TeamCreateRequest>) -> Created {
    let new = NewTeam {
        name: body.name,
        slug: body.slug,
        description: body.description,
        visibility: body.visibility,
        max_members: body.max_members,
    };
    let team = teams::create(maker.app.engine(), &maker, &maker.caller, new).await?;
    let mut reply = shown(&team);
    if let Some(reply) = reply.as_object_mut() {
        reply.insert("members_added".to_owned(), json!([]));
        reply.insert("invitations_sent".to_owned(), json!([]));
    }
    Ok((StatusCode::CREATED, Json(reply)))
}

async fn get(reader: Authorized<TeamsRead>, Path(id): Path<String>) -> Reply {
    Ok(Json(shown(&teams::get(reader.app.engine(), &reader, &id).await?)))
}

#[derive(Deserialize)]
pub(crate) struct TeamUpdateRequest {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    visibility: Option<String>,
    #[serde(default, alias = "maxMembers")]
    max_members: Option<i64>,
}

async fn update(
    editor: Authorized<TeamsUpdate>,
    Path(id): Path<String>,
    Json(body): Json<TeamUpdateRequest>,
) -> Reply {
    let change = TeamChange {
        name: body.name,
        description: body.description,
        visibility: body.visibility,
        max_members: body.max_members,
    };
    let team = teams::update(editor.app.engine(), &editor, &editor.caller, &id, change).await?;
    Ok(Json(shown(&team)))
}

async fn delete(editor: Authorized<TeamsDelete>, Path(id): Path<String>) -> Reply {
    teams::delete(editor.app.engine(), &editor, &editor.caller, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Team deleted successfully" })))
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct MembersQuery {
    include_pagination: bool,
}

async fn members(
    reader: Authorized<TeamsRead>,
    Path(id): Path<String>,
    Query(query): Query<MembersQuery>,
) -> Reply {
    let members = teams::members(reader.app.engine(), &reader, &id).await?;
    let members: Vec<Value> = members.iter().map(member).collect();
    Ok(Json(if query.include_pagination {
        json!({ "members": members, "nextCursor": null })
    } else {
        members.into()
    }))
}

#[derive(Deserialize)]
pub(crate) struct TeamMemberAddRequest {
    email: String,
    role: TeamRole,
}

async fn add_member(
    editor: Authorized<TeamsManageMembers>,
    Path(id): Path<String>,
    Json(body): Json<TeamMemberAddRequest>,
) -> Created {
    let new = (body.email.as_str(), body.role);
    let added = teams::add_member(editor.app.engine(), &editor, &editor.caller, &id, new).await?;
    Ok((StatusCode::CREATED, Json(member(&added))))
}

#[derive(Deserialize)]
pub(crate) struct TeamMemberUpdateRequest {
    role: TeamRole,
}

async fn change_member(
    editor: Authorized<TeamsManageMembers>,
    Path((id, email)): Path<(String, String)>,
    Json(body): Json<TeamMemberUpdateRequest>,
) -> Reply {
    let change = (email.as_str(), body.role);
    let changed = teams::change_member(editor.app.engine(), &editor, &editor.caller, &id, change).await?;
    Ok(Json(member(&changed)))
}

async fn remove_member(
    editor: Authorized<TeamsManageMembers>,
    Path((id, email)): Path<(String, String)>,
) -> Reply {
    teams::remove_member(editor.app.engine(), &editor, &editor.caller, &id, &email).await?;
    Ok(Json(json!({ "success": true, "message": "Team member removed successfully" })))
}
