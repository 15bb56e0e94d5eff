//! Members that all replies share, in ContextForge's names and order.

use std::collections::HashMap;

use axum::response::{IntoResponse, Response};
use domain::{
    Owned, Result, Timestamp, Visibility,
    id::TeamId,
    record::{Record, Tag},
};
use engine::query::Query;
use protocol::json::RawObject;
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{
    json::Json,
    page::{Cursor, ListQuery},
};

/// Who made and changed a row, and whose it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provenance<'a> {
    created_by: &'a str,
    created_from_ip: Option<&'a str>,
    created_via: &'a str,
    created_user_agent: Option<&'a str>,
    modified_by: Option<&'a str>,
    modified_from_ip: Option<&'a str>,
    modified_via: Option<&'a str>,
    modified_user_agent: Option<&'a str>,
    import_batch_id: Option<&'a str>,
    federation_source: Option<&'a str>,
    version: i64,
    team_id: Option<&'a str>,
    team: Option<&'a str>,
    owner_email: &'a str,
    visibility: Visibility,
}

impl<'a> Provenance<'a> {
    /// Of a row; `source` is the name of the gateway that it came from.
    pub(crate) fn of(
        record: &'a Record,
        owned: &'a Owned,
        teams: &'a Teams,
        source: Option<&'a str>,
    ) -> Self {
        Self {
            created_by: &record.created_by,
            created_from_ip: record.created_from_ip.as_deref(),
            created_via: &record.created_via,
            created_user_agent: record.created_user_agent.as_deref(),
            modified_by: record.modified_by.as_deref(),
            modified_from_ip: record.modified_from_ip.as_deref(),
            modified_via: record.modified_via.as_deref(),
            modified_user_agent: record.modified_user_agent.as_deref(),
            import_batch_id: None,
            federation_source: source,
            version: record.version,
            team_id: owned.team_id.as_ref().map(TeamId::as_str),
            team: owned.team_id.as_ref().and_then(|id| teams.get(id)).map(String::as_str),
            owner_email: &owned.owner_email,
            visibility: owned.visibility,
        }
    }
}

/// Names of teams.
pub(crate) type Teams = HashMap<TeamId, String>;

/// Tags in a reply.
pub(crate) type TagList<'a> = &'a [Tag];

/// A time in a reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) Timestamp);

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A member of an upstream's definition, as it was sent; absent and `null` are the same.
pub(crate) fn member(definition: &RawObject<'_>, key: &str) -> Option<Box<RawValue>> {
    definition.get(key).filter(|value| value.get() != "null").map(ToOwned::to_owned)
}

/// The same object with the names of its members, and of those of `auth`, in `snake_case`: the inner object of
/// `/state` replies.
pub(crate) fn snake_case<T: Serialize>(object: &T) -> Result<Box<RawValue>> {
    let raw = serde_json::value::to_raw_value(object).map_err(domain::Error::internal)?;
    rename(&raw).ok_or_else(|| domain::Error::internal("a reply is no object"))
}

fn rename(raw: &RawValue) -> Option<Box<RawValue>> {
    let object = RawObject::parse(raw).ok()?;
    let mut renamed = RawObject::new();
    for (name, value) in object.iter() {
        let value =
            if name == "auth" { rename(value).unwrap_or_else(|| value.to_owned()) } else { value.to_owned() };
        renamed.set(snake(name), value);
    }
    Some(renamed.to_raw())
}

fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The engine's form of a list request. One row more than wanted is asked for: it says whether there is a next page.
pub(crate) fn query(list: &ListQuery, default_rows: u32) -> Result<Query> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: &str| {
        problems.push(domain::Problem { field: format!("query:{field}"), message: message.to_owned() });
    };
    let team_id = list.team_id.as_deref().map(TeamId::parse);
    if team_id == Some(None) {
        problem("team_id", "must be the id of a team");
    }
    let gateways = list.gateways();
    if gateways.iter().any(|id| domain::id::GatewayId::parse(id).is_none()) {
        problem("gateway_id", "must be ids of gateways with commas between");
    }
    let after =
        list.start()?.map(|cursor| engine::query::Cursor { created_at: cursor.created_at, id: cursor.id });
    if !problems.is_empty() {
        return Err(domain::Error::Invalid(problems));
    }
    Ok(Query {
        team_id: team_id.flatten(),
        visibility: list.visibility,
        tags: list.tags(),
        gateways,
        include_inactive: list.include_inactive,
        after,
        limit: list.rows(default_rows).map(|rows| rows + 1),
    })
}

/// Takes the row that was one too many off, and gives the cursor of the next page where there was one.
pub(crate) fn cut<T>(rows: &mut Vec<T>, query: &Query, cursor: impl Fn(&T) -> Cursor) -> Option<Cursor> {
    let wanted = usize::try_from(query.limit? - 1).ok()?;
    if rows.len() <= wanted {
        return None;
    }
    rows.truncate(wanted);
    rows.last().map(cursor)
}

/// A list in the form that was asked for: a bare array, or an object with the cursor of the next page.
pub(crate) fn list<T: Serialize>(
    list: &ListQuery,
    key: &'static str,
    rows: &[T],
    next: Option<Cursor>,
) -> Response {
    if !list.include_pagination {
        return Json(rows).into_response();
    }
    let page = Paged { key, rows, next: next.map(|cursor| cursor.write()) };
    Json(page).into_response()
}

struct Paged<'a, T> {
    key: &'static str,
    rows: &'a [T],
    next: Option<String>,
}

impl<T: Serialize> Serialize for Paged<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(self.key, self.rows)?;
        map.serialize_entry("nextCursor", &self.next)?;
        map.end()
    }
}

/// `{"status":"success","message":…}`, the reply to a deletion.
pub(crate) fn success(message: &str) -> Response {
    Json(json!({ "status": "success", "message": message })).into_response()
}

/// The reply of routes that switch something on or off: the row inside in `snake_case`.
pub(crate) fn switched<T: Serialize>(
    kind: &str,
    id: &str,
    on: bool,
    key: &'static str,
    row: &T,
) -> Result<Response> {
    #[derive(Serialize)]
    struct Head<'a> {
        status: &'a str,
        message: String,
    }
    let verb = if on { "activated" } else { "deactivated" };
    let head = Head { status: "success", message: format!("{kind} {id} {verb}") };
    let head = serde_json::value::to_raw_value(&head).map_err(domain::Error::internal)?;
    let mut object = RawObject::parse(&*head).map_err(domain::Error::internal)?;
    object.set(key, snake_case(row)?);
    Ok(Json(object.to_raw()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_objects_are_in_snake_case_and_keep_foreign_members() {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Row {
            created_from_ip: u8,
            input_schema: Box<RawValue>,
            _meta: Option<u8>,
        }
        let input_schema = RawValue::from_string(r#"{"camelCase":1e400}"#.to_owned()).unwrap();
        let row = Row { created_from_ip: 1, input_schema, _meta: None };
        let snake = snake_case(&row).unwrap();
        assert!(
            snake.get().starts_with(r#"{"created_from_ip":1,"input_schema":{"camelCase":1e400}"#),
            "{snake}"
        );
    }

    #[test]
    fn a_page_says_whether_there_is_another() {
        let cursor = |id: &i64| Cursor { created_at: Timestamp(*id), id: id.to_string() };
        let query = Query { limit: Some(3), ..Query::default() };
        let mut full = vec![1, 2, 3];
        assert_eq!(cut(&mut full, &query, cursor).unwrap().id, "2");
        assert_eq!(full, [1, 2]);
        assert!(cut(&mut vec![1, 2], &query, cursor).is_none());
        assert!(cut(&mut vec![1, 2, 3], &Query::default(), cursor).is_none());
    }

    #[test]
    fn wrong_filters_are_named() {
        let wrong =
            ListQuery { team_id: Some("x".into()), gateway_id: Some("y".into()), ..ListQuery::default() };
        let Err(domain::Error::Invalid(problems)) = query(&wrong, 50) else { panic!("refused") };
        assert_eq!(problems.len(), 2);
        assert_eq!(query(&ListQuery::default(), 50).unwrap().limit, Some(51));
    }
}
