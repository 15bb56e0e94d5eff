//! Ways into a team: being asked in, and asking.

use serde::{Deserialize, Serialize};

use super::TeamRole;
use crate::{clock::Timestamp, id::TeamId};

/// An invitation to a team. Whoever holds its token may accept it, if the address is theirs; the token itself is not
/// kept, only its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The team.
    pub team_id: TeamId,
    /// Who is invited, in lower case. There need not be such an account yet.
    pub email: String,
    /// The place that they will have.
    pub role: TeamRole,
    /// Who invited them.
    pub invited_by: String,
    /// When.
    pub invited_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// The SHA-256 of the token, as hexadecimal digits.
    pub token_hash: String,
    /// Whether it is neither accepted nor taken back.
    pub is_active: bool,
}

impl Invitation {
    /// Whether it can be accepted at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.is_active && self.expires_at > now
    }
}

/// What became of a request to join a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinStatus {
    /// Nobody has answered yet.
    Pending,
    /// The person was taken in.
    Approved,
    /// The person was not taken in.
    Rejected,
}

/// A request to join a public team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinRequest {
    /// Its id.
    pub id: String,
    /// The team.
    pub team_id: TeamId,
    /// Who asks.
    pub email: String,
    /// What they say.
    pub message: Option<String>,
    /// What became of it.
    pub status: JoinStatus,
    /// When they asked.
    pub requested_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Timestamp,
    /// When it was answered.
    pub reviewed_at: Option<Timestamp>,
    /// Who answered.
    pub reviewed_by: Option<String>,
}

impl JoinRequest {
    /// Whether it waits for an answer at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.status == JoinStatus::Pending && self.expires_at > now
    }
}
