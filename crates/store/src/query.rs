//! How lists of registered things are narrowed and paged.
//!
//! Lists are ordered by time of creation and id, latest first; a page begins after the last row of the one before, never at an offset, so
//! that rows made meanwhile neither repeat nor hide others.

use domain::{Timestamp, Visibility, id::TeamId};

use crate::sql::Sql;

/// The last row of a page; the next page begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When that row was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

/// What of a list is wanted. The default is everything that is switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Rows with any of these tags; all rows where empty.
    pub tags: Vec<String>,
    /// Only rows of this team.
    pub team_id: Option<TeamId>,
    /// Only rows of this visibility.
    pub visibility: Option<Visibility>,
    /// Only rows of these gateways; all rows where empty. Means nothing for gateways and servers.
    pub gateways: Vec<String>,
    /// Also rows that are switched off.
    pub include_inactive: bool,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// At most so many rows; all where absent.
    pub limit: Option<u32>,
}

impl Query {
    /// Appends the conditions, the order and the limit. `of_gateway` says whether the table has gateways.
    pub(crate) fn apply(&self, mut sql: Sql, of_gateway: bool) -> Sql {
        if !self.include_inactive {
            sql = sql.text(" AND enabled = TRUE");
        }
        sql = sql.push_some(" AND team_id = ", self.team_id.as_ref());
        sql = sql.push_some(" AND visibility = ", self.visibility.map(Visibility::as_str));
        if of_gateway && !self.gateways.is_empty() {
            sql = sql.text(" AND ").one_of("gateway_id", &self.gateways);
        }
        if !self.tags.is_empty() {
            sql = sql.text(" AND (");
            for (n, tag) in self.tags.iter().enumerate() {
                let before = if n == 0 { "tags LIKE " } else { " OR tags LIKE " };
                sql = sql.push(before, tag_pattern(tag)).text(" ESCAPE '!'");
            }
            sql = sql.text(")");
        }
        if let Some(Cursor { created_at, id }) = &self.after {
            sql = sql.push(" AND (created_at < ", *created_at).push(" OR (created_at = ", *created_at);
            sql = sql.push(" AND id < ", id).text("))");
        }
        sql.text(" ORDER BY created_at DESC, id DESC").push_some(" LIMIT ", self.limit.map(i64::from))
    }
}

/// Finds the tag in the stored JSON. The quotes inside a label are escaped there, so no label can look like an id.
fn tag_pattern(tag: &str) -> String {
    let id: String = tag
        .trim()
        .chars()
        .map(|c| if c.is_whitespace() || c == '_' { '-' } else { c.to_ascii_lowercase() })
        .collect();
    let quoted = serde_json::Value::String(id).to_string();
    let mut pattern = "%{\"id\":".to_owned();
    for c in quoted.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push_str(",%");
    pattern
}
