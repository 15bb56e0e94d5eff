//! `/teams`: teams and their members.

use domain::{
    permission::grant::{TeamsCreate, TeamsDelete, TeamsJoin, TeamsManageMembers, TeamsRead, TeamsUpdate},
    person::{Membership, TeamRole},
};
use engine::{
    query,
    teams::{self, Counted, NewTeam, Page, TeamChange},
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invitations::{self, a_member},
    json::{Json, Path, Query},
    page::{Cursor, MAX_LIMIT},
    problem::Failure,
};
use crate::{guard::Authorized, routes::Api};

type Reply = Result<Json<Value>, Failure>;
type Created = Result<(StatusCode, Json<Value>), Failure>;

pub(crate) fn routes(api: Api) -> Api {
    const MEMBER: &str = "/teams/{team_id}/members/{email}";
    api.collection(Method::GET, "/teams", list)
        .collection(Method::POST, "/teams", create)
        .route(Method::GET, "/teams/discover", discover)
        .route(Method::GET, "/teams/{team_id}", get)
        .route(Method::PUT, "/teams/{team_id}", update)
        .route(Method::DELETE, "/teams/{team_id}", delete)
        .route(Method::GET, "/teams/{team_id}/members", members)
        .route(Method::POST, "/teams/{team_id}/members", add_member)
        .route(Method::PUT, MEMBER, change_member)
        .route(Method::DELETE, MEMBER, remove_member)
        .route(Method::DELETE, "/teams/{team_id}/leave", leave)
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

/// A membership as the API shows it.
pub(super) fn member(membership: &Membership) -> Value {
    json!({
        "id": teams::member_id(membership),
        "team_id": membership.team_id,
        "user_email": membership.email,
        "role": membership.role,
        "joined_at": membership.joined_at.to_string(),
        "invited_by": membership.invited_by,
        "is_active": true,
        "grant_source": null,
    })
}

/// Which part of a list is wanted: after a cursor, or with rows left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PartQuery {
    skip: u32,
    limit: Option<u32>,
    cursor: Option<String>,
    include_pagination: bool,
}

impl PartQuery {
    /// One row more than wanted is asked for: it says whether there is a next page.
    fn page(&self, default: u32) -> Result<Page, Failure> {
        let cursor = self.cursor.as_deref().filter(|text| !text.is_empty()).map(Cursor::read).transpose()?;
        let after = cursor.map(|cursor| query::Cursor { created_at: cursor.created_at, id: cursor.id });
        let limit = i64::try_from(self.wanted(default)).unwrap_or(i64::MAX).saturating_add(1);
        Ok(Page { after, skip: self.skip.into(), limit: Some(limit) })
    }

    fn wanted(&self, default: u32) -> usize {
        let limit = self.limit.filter(|limit| *limit > 0).unwrap_or(default).min(MAX_LIMIT);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }

    /// Takes the row that was one too many off, and gives the cursor of the next page where there was one.
    fn cut<T>(&self, rows: &mut Vec<T>, default: u32, cursor: impl Fn(&T) -> Cursor) -> Option<String> {
        let more = rows.len() > self.wanted(default);
        rows.truncate(self.wanted(default));
        rows.last().filter(|_| more).map(|last| cursor(last).write())
    }
}

const TEAMS: u32 = 50;

async fn list(reader: Authorized<TeamsRead>, Query(query): Query<PartQuery>) -> Reply {
    let engine = reader.app.engine();
    let default = if query.limit == Some(0) { MAX_LIMIT } else { TEAMS };
    let mut rows = teams::list(engine, &reader, &query.page(default)?).await?;
    let next = query.cut(&mut rows, default, |row| Cursor {
        created_at: row.team.created_at,
        id: row.team.id.as_str().to_owned(),
    });
    let page: Vec<Value> = rows.iter().map(shown).collect();
    Ok(Json(if query.include_pagination {
        json!({ "teams": page, "nextCursor": next })
    } else {
        json!({ "teams": page, "total": teams::count(engine, &reader).await? })
    }))
}

async fn discover(reader: Authorized<TeamsRead>, Query(query): Query<PartQuery>) -> Reply {
    let mut rows = teams::discover(reader.app.engine(), &reader, &query.page(TEAMS)?).await?;
    rows.truncate(query.wanted(TEAMS));
    let shown = rows.iter().map(|(Counted { team, members }, joinable)| {
        json!({
            "id": team.id,
            "name": team.name,
            "description": team.description,
            "member_count": members,
            "created_at": team.created_at.to_string(),
            "is_joinable": joinable,
        })
    });
    Ok(Json(shown.collect()))
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
    #[serde(default)]
    members: Option<Vec<TeamMemberSeed>>,
}

#[derive(Deserialize)]
struct TeamMemberSeed {
    email: String,
    #[serde(default = "a_member")]
    role: TeamRole,
}

fn private() -> String {
    "private".to_owned()
}

async fn create(maker: Authorized<TeamsCreate>, Json(body): Json<TeamCreateRequest>) -> Created {
    let members = body.members.unwrap_or_default().into_iter().map(|seed| (seed.email, seed.role));
    let new = NewTeam {
        name: body.name,
        slug: body.slug,
        description: body.description,
        visibility: body.visibility,
        max_members: body.max_members,
        members: members.collect(),
        invitation_link: invitations::link(&maker.app),
    };
    let made = teams::create(maker.app.engine(), &maker, &maker.caller, new).await?;
    let added: Vec<Value> =
        made.added.iter().map(|member| json!({ "email": member.email, "role": member.role })).collect();
    let invited = made.invited.iter().map(|invitation| {
        json!({ "email": invitation.email, "role": invitation.role, "invitation_id": invitation.id })
    });
    let mut reply = shown(&made.team);
    if let Some(reply) = reply.as_object_mut() {
        reply.insert("members_added".to_owned(), added.into());
        reply.insert("invitations_sent".to_owned(), invited.collect());
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

async fn members(
    reader: Authorized<TeamsRead>,
    Path(id): Path<String>,
    Query(query): Query<PartQuery>,
) -> Reply {
    let mut rows = teams::members(reader.app.engine(), &reader, &id, &query.page(MAX_LIMIT)?).await?;
    let next =
        query.cut(&mut rows, MAX_LIMIT, |row| Cursor { created_at: row.joined_at, id: row.email.clone() });
    let members: Vec<Value> = rows.iter().map(member).collect();
    Ok(Json(if query.include_pagination {
        json!({ "members": members, "nextCursor": next })
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

async fn leave(member: Authorized<TeamsJoin>, Path(id): Path<String>) -> Reply {
    teams::leave(member.app.engine(), &member, &member.caller, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Successfully left the team" })))
}
