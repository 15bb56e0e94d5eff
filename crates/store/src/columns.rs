//! Columns that many tables share, and rows as column names with values.
//!
//! The one place that maps [`Record`] and [`Owned`]: a table file names its own columns and adds these.

use domain::{
    Error, Owned, Result, Timestamp, Visibility,
    id::TeamId,
    record::{Record, Tag},
};

use crate::sql::{Arg, Column, Sql};

/// The columns of [`OwnedColumns`].
pub(crate) const OWNED: &str = "visibility, team_id, owner_email";
/// The columns of [`RecordColumns`].
pub(crate) const RECORD: &str = "created_at, updated_at, created_by, created_from_ip, created_via, \
     created_user_agent, modified_by, modified_from_ip, modified_via, modified_user_agent, version";
/// What a change never touches: the id, and who made the row.
const FIXED: [&str; 6] =
    ["id", "created_at", "created_by", "created_from_ip", "created_via", "created_user_agent"];

row! {
    /// Whose a row is.
    pub(crate) struct OwnedColumns {
        visibility: String,
        team_id: Option<String>,
        owner_email: String,
    }
}

impl OwnedColumns {
    pub(crate) fn read(self) -> Result<Owned> {
        Ok(Owned {
            visibility: word::<Visibility>(&self.visibility)?,
            team_id: self.team_id.map(TeamId::from_stored),
            owner_email: self.owner_email,
        })
    }
}

row! {
    /// Who made and changed a row.
    pub(crate) struct RecordColumns {
        created_at: i64,
        updated_at: i64,
        created_by: String,
        created_from_ip: Option<String>,
        created_via: String,
        created_user_agent: Option<String>,
        modified_by: Option<String>,
        modified_from_ip: Option<String>,
        modified_via: Option<String>,
        modified_user_agent: Option<String>,
        version: i64,
    }
}

impl RecordColumns {
    pub(crate) fn read(self) -> Record {
        Record {
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            created_by: self.created_by,
            created_from_ip: self.created_from_ip,
            created_via: self.created_via,
            created_user_agent: self.created_user_agent,
            modified_by: self.modified_by,
            modified_from_ip: self.modified_from_ip,
            modified_via: self.modified_via,
            modified_user_agent: self.modified_user_agent,
            version: self.version,
        }
    }
}

/// Among which rows the name of a row is unique: all public ones, those of its team, or its owner's private ones.
pub(crate) fn name_scope(owned: &Owned) -> String {
    match (owned.visibility, &owned.team_id) {
        (Visibility::Public, _) => "public".to_owned(),
        (Visibility::Team, Some(team)) => format!("team:{team}"),
        (Visibility::Team, None) => "team:".to_owned(),
        (Visibility::Private, _) => format!("private:{}", owned.owner_email),
    }
}

/// What exists already, in the words of the error: `Public Server`.
pub(crate) fn kind(owned: &Owned, kind: &str) -> String {
    let visibility = match owned.visibility {
        Visibility::Public => "Public",
        Visibility::Team => "Team",
        Visibility::Private => "Private",
    };
    format!("{visibility} {kind}")
}

/// A row to be written.
pub(crate) struct Values(Vec<Column>);

impl Values {
    /// A row with its id.
    pub(crate) fn new(id: &str) -> Self {
        Self(vec![("id", Arg::from(id))])
    }

    /// Sets a column, in place of the value that it may have.
    #[must_use]
    pub(crate) fn set(mut self, column: &'static str, value: impl Into<Arg>) -> Self {
        let value = value.into();
        match self.0.iter_mut().find(|(name, _)| *name == column) {
            Some((_, old)) => *old = value,
            None => self.0.push((column, value)),
        }
        self
    }

    /// Sets the columns that say whose the row is.
    #[must_use]
    pub(crate) fn owned(self, owned: &Owned) -> Self {
        self.set("visibility", owned.visibility.as_str())
            .set("team_id", owned.team_id.as_ref().map(TeamId::as_str))
            .set("owner_email", &owned.owner_email)
            .set("name_scope", name_scope(owned))
    }

    /// Sets the columns that say who made and changed the row.
    #[must_use]
    pub(crate) fn record(self, record: &Record) -> Self {
        self.set("created_at", record.created_at)
            .set("updated_at", record.updated_at)
            .set("created_by", &record.created_by)
            .set("created_from_ip", &record.created_from_ip)
            .set("created_via", &record.created_via)
            .set("created_user_agent", &record.created_user_agent)
            .set("modified_by", &record.modified_by)
            .set("modified_from_ip", &record.modified_from_ip)
            .set("modified_via", &record.modified_via)
            .set("modified_user_agent", &record.modified_user_agent)
            .set("version", record.version)
    }

    /// `INSERT INTO table (…) VALUES (…)`.
    pub(crate) fn insert(self, table: &str) -> Sql {
        Sql::insert(table, self.0)
    }

    /// Inserts several rows; a row with an id that exists takes the new values and a higher version.
    pub(crate) fn upsert_all(table: &str, rows: Vec<Self>) -> Sql {
        let names: Vec<&str> =
            rows.first().into_iter().flat_map(|row| &row.0).map(|(name, _)| *name).collect();
        let changed = names.into_iter().filter(|name| *name != "version" && !FIXED.contains(name));
        let sets: Vec<String> = changed.map(|name| format!("{name} = excluded.{name}")).collect();
        let clause =
            format!(" ON CONFLICT (id) DO UPDATE SET {}, version = {table}.version + 1", sets.join(", "));
        Sql::insert_all(table, rows.into_iter().map(|row| row.0).collect()).text(&clause)
    }

    /// `UPDATE table SET …`, without a condition and without what is fixed.
    pub(crate) fn update(self, table: &str) -> Sql {
        Sql::update(table, self.0.into_iter().filter(|(name, _)| !FIXED.contains(name)).collect())
    }
}

/// Reads a word that this program wrote.
pub(crate) fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T> {
    text.parse().map_err(|problem| Error::internal(format!("the database holds {text:?}, which {problem}")))
}

/// Reads stored tags.
pub(crate) fn tags(text: &str) -> Result<Vec<Tag>> {
    if text == "[]" { Ok(Vec::new()) } else { from_json(text) }
}

/// Writes a list of texts or tags, which has no way to fail.
pub(crate) fn list_text<T: serde::Serialize>(values: &[T]) -> String {
    json(values).unwrap_or_else(|_| "[]".to_owned())
}

/// Writes JSON. Tags become `[{"id":…,"label":…}]`, in this order of members, which searches rely on.
pub(crate) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Reads JSON that this program wrote.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("the database holds broken JSON: {error}")))
}
