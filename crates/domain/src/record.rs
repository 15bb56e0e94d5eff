//! What every registered thing carries besides its own fields.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Who made and last changed a row, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it: an e-mail address, or the name of a job.
    pub created_by: String,
    /// The maker's IP address.
    pub created_from_ip: Option<String>,
    /// `api`, `ui`, `federation`, `file`, `cli`.
    pub created_via: String,
    /// The maker's `User-Agent`.
    pub created_user_agent: Option<String>,
    /// Who changed it last.
    pub modified_by: Option<String>,
    /// From where it was changed last.
    pub modified_from_ip: Option<String>,
    /// Through which door it was changed last.
    pub modified_via: Option<String>,
    /// With which client it was changed last.
    pub modified_user_agent: Option<String>,
    /// 1 for a new row, one more with every change; guards against lost updates.
    pub version: i64,
}

/// A tag as ContextForge writes it: `{"id","label"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Normalised: lower case, `-` for blanks and underscores, 2 to 100 characters.
    pub id: String,
    /// As it was given.
    pub label: String,
}
