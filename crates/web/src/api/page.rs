//! Query parameters of lists, and cursors.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

/// The parameters that every list takes. Used as `Query<ListQuery>`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// Where the last page ended.
    pub cursor: Option<String>,
    /// Answer `{"<things>": […], "nextCursor": …}` instead of an array.
    pub include_pagination: bool,
    /// Rows of a page; 0 for all, at most 500.
    pub limit: Option<u32>,
    /// Also what is switched off.
    pub include_inactive: bool,
    /// Tags with commas between: rows with any of them.
    pub tags: Option<String>,
    /// Rows of this team.
    pub team_id: Option<String>,
    /// Rows of this visibility.
    pub visibility: Option<domain::Visibility>,
    /// Rows of these gateways, with commas between.
    pub gateway_id: Option<String>,
}

/// A part of a list that is in memory or counted by rows: `skip` and `limit`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default)]
pub struct Slice {
    /// So many are left out.
    #[serde(deserialize_with = "number")]
    pub skip: u32,
    /// At most so many, and never more than 500.
    #[serde(deserialize_with = "number")]
    pub limit: u32,
}

/// A number that may have come through a flattened query, where everything is a text.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number")]
    enum Form {
        Number(u32),
        Text(String),
    }
    match Form::deserialize(deserializer)? {
        Form::Number(number) => Ok(number),
        Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self { skip: 0, limit: MAX_LIMIT }
    }
}

impl Slice {
    /// For queries: how many rows are left out, and how many wanted. 0 asks for as many as one page may have.
    pub(crate) fn rows(self) -> (i64, i64) {
        let limit = if self.limit == 0 { MAX_LIMIT } else { self.limit.min(MAX_LIMIT) };
        (i64::from(self.skip), i64::from(limit))
    }

    /// The part of a list, as it is shown.
    pub(crate) fn of<T>(self, list: &[T], shown: impl Fn(&T) -> serde_json::Value) -> serde_json::Value {
        let (skip, limit) = self.rows();
        let (skip, limit) = (usize::try_from(skip).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
        list.iter().skip(skip).take(limit).map(shown).collect()
    }
}

/// The most rows that a page can be asked to have.
pub const MAX_LIMIT: u32 = 500;

impl ListQuery {
    /// How many rows are wanted: `None` for all.
    pub fn rows(&self, default: u32) -> Option<u32> {
        match self.limit {
            Some(0) => None,
            limit => Some(limit.unwrap_or(default).min(MAX_LIMIT)),
        }
    }

    /// Where the page begins, if it is not the first.
    pub fn start(&self) -> Result<Option<Cursor>> {
        self.cursor.as_deref().filter(|text| !text.is_empty()).map(Cursor::read).transpose()
    }

    /// The wanted tags.
    pub fn tags(&self) -> Vec<String> {
        words(self.tags.as_deref())
    }

    /// The wanted gateways.
    pub fn gateways(&self) -> Vec<String> {
        words(self.gateway_id.as_deref())
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The last row of a page; the next one begins after it. Lists are ordered by time of creation and id, latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When that row was made.
    pub created_at: Timestamp,
    /// Its id.
    pub id: String,
}

impl Cursor {
    /// The text that a client sends back.
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::json!(self).to_string())
    }

    /// Reads a client's text. One that was not given out is refused, because ignoring it would show page one again.
    pub fn read(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| Error::invalid("query:cursor", "is not a cursor that was given out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_went() {
        let cursor = Cursor { created_at: Timestamp(12), id: "a".to_owned() };
        assert_eq!(Cursor::read(&cursor.write()).unwrap(), cursor);
        assert!(Cursor::read("nonsense").is_err() && Cursor::read("e30").is_err());
    }

    #[test]
    fn a_slice_is_never_more_than_a_page() {
        let all: Vec<u32> = (0..600).collect();
        let of = |skip, limit| {
            Slice { skip, limit }
                .of(&all, |n| (*n).into())
                .as_array()
                .map(|part| (part.len(), part[0].clone()))
        };
        assert_eq!(of(0, 0), Some((500, 0.into())));
        assert_eq!(of(590, 900), Some((10, 590.into())));
        assert_eq!(of(1, 2), Some((2, 1.into())));
    }

    #[test]
    fn limits_are_capped_and_zero_is_all() {
        let rows = |limit| ListQuery { limit, ..ListQuery::default() }.rows(50);
        assert_eq!(
            (rows(None), rows(Some(7)), rows(Some(9999)), rows(Some(0))),
            (Some(50), Some(7), Some(500), None)
        );
    }
}
