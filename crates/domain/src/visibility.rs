//! Who may know that a row exists.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::id::TeamId;

/// The visibility of a registered thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Its owner only; administrators included in those who may not.
    Private,
    /// Members of its team, with a token whose scope has the team.
    Team,
    /// Every authenticated caller.
    #[default]
    Public,
}

impl Visibility {
    /// The word used in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Team => "team",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Visibility {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "private" => Ok(Self::Private),
            "team" => Ok(Self::Team),
            "public" => Ok(Self::Public),
            _ => Err("must be private, team or public".to_owned()),
        }
    }
}

/// Who a row belongs to: all that a visibility decision looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// Who may know of it.
    pub visibility: Visibility,
    /// Its team, where it has one.
    pub team_id: Option<TeamId>,
    /// The e-mail address of its owner, in lower case.
    pub owner_email: String,
}
