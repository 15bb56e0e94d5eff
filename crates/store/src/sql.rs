//! SQL texts with their bound values: what both databases understand, and nothing else.
//!
//! Values are always bound, never written into the text. The condition that decides which owned rows a credential
//! reaches is written in [`Sql::visible_to`] and nowhere else.

use domain::{Scope, Timestamp, id};

/// A bound value. Neither `Debug` nor `Display`: password hashes pass through here.
pub(crate) enum Arg {
    /// Text, or NULL with the type of text.
    Text(Option<String>),
    /// A number, or NULL with the type of a number.
    Int(Option<i64>),
    /// A truth value, or NULL with its type.
    Bool(Option<bool>),
}

/// PostgreSQL cannot store U+0000 in a text; both databases store U+FFFD for it, so that one odd description does not
/// keep an upstream out.
fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(storable(value)))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(storable))
    }
}

impl From<&Option<String>> for Arg {
    fn from(value: &Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Arg {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.0))
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(|time| time.0))
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Bool(Some(value))
    }
}

impl From<Option<bool>> for Arg {
    fn from(value: Option<bool>) -> Self {
        Self::Bool(value)
    }
}

macro_rules! id_args {
    ($($name:ident),*) => { $(
        impl From<&id::$name> for Arg {
            fn from(value: &id::$name) -> Self {
                Self::from(value.as_str())
            }
        }
    )* };
}
id_args!(GatewayId, ToolId, PromptId, ResourceId, ServerId, TeamId, UserId, RoleId, TokenId);

/// The name of a column and its value.
pub(crate) type Column = (&'static str, Arg);

/// A statement: its text and the values for `$1`, `$2`, ….
pub(crate) struct Sql {
    text: String,
    args: Vec<Arg>,
}

impl Sql {
    /// Begins a statement.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: Vec::new() }
    }

    /// `INSERT INTO table (…) VALUES (…)`.
    pub(crate) fn insert(table: &str, columns: Vec<Column>) -> Self {
        Self::insert_all(table, vec![columns])
    }

    /// One statement that inserts several rows. All of them have the columns of the first.
    pub(crate) fn insert_all(table: &str, rows: Vec<Vec<Column>>) -> Self {
        let names: Vec<&str> = rows.first().into_iter().flatten().map(|(name, _)| *name).collect();
        let mut sql = Self::new(format!("INSERT INTO {table} ({}) VALUES ", names.join(", ")));
        for (n, row) in rows.into_iter().enumerate() {
            sql = sql.text(if n == 0 { "(" } else { ", (" });
            for (n, (_, value)) in row.into_iter().enumerate() {
                sql = sql.push(if n == 0 { "" } else { ", " }, value);
            }
            sql = sql.text(")");
        }
        sql
    }

    /// `UPDATE table SET …`, without a condition.
    pub(crate) fn update(table: &str, columns: Vec<Column>) -> Self {
        let mut sql = Self::new(format!("UPDATE {table} SET "));
        for (n, (name, value)) in columns.into_iter().enumerate() {
            sql = sql.text(if n == 0 { "" } else { ", " }).text(name).push(" = ", value);
        }
        sql
    }

    /// Appends text.
    #[must_use]
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Appends `before` and a value.
    #[must_use]
    pub(crate) fn push(mut self, before: &str, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self.text.push_str(before);
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
        self
    }

    /// Appends `before` and the value where there is one, else nothing.
    #[must_use]
    pub(crate) fn push_some<V: Into<Arg>>(self, before: &str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.push(before, value),
            None => self,
        }
    }

    /// Appends `column IN (…)`; a condition that no row meets where there are no values.
    #[must_use]
    pub(crate) fn one_of<V: Into<Arg>>(self, column: &str, values: impl IntoIterator<Item = V>) -> Self {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return self.text("1 = 0");
        }
        let mut sql = self.text(column).text(" IN ");
        for (n, value) in values.enumerate() {
            sql = sql.push(if n == 0 { "(" } else { ", " }, value);
        }
        sql.text(")")
    }

    /// Appends the condition on `visibility`, `team_id` and `owner_email` that holds for the rows that `scope` sees.
    #[must_use]
    pub(crate) fn visible_to(self, scope: &Scope) -> Self {
        match scope {
            Scope::PublicOnly => self.text("visibility = 'public'"),
            Scope::Teams { email, teams } => self
                .text("(visibility = 'public' OR (visibility = 'team' AND ")
                .one_of("team_id", teams)
                .push(") OR (visibility = 'private' AND owner_email = ", email.as_str())
                .text("))"),
            Scope::Unrestricted { email } => self
                .text("(visibility IN ('public', 'team')")
                .push(" OR (visibility = 'private' AND owner_email = ", email.as_str())
                .text("))"),
        }
    }

    /// The text and the values, for the driver.
    pub(crate) fn into_parts(self) -> (String, Vec<Arg>) {
        (self.text, self.args)
    }
}
