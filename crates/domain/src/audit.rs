//! The audit record: who did what to which thing, chained by hashes.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What is written for every change of identity, policy or registry, in the transaction of the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// The e-mail address, or `system:JOB`.
    pub actor: String,
    /// What was done, `noun.verb`: `gateway.create`, `user.login_failed`.
    pub action: String,
    /// The kind of thing it was done to.
    pub target_kind: String,
    /// Its id.
    pub target_id: String,
    /// `success` or `denied`.
    pub outcome: String,
    /// The client's address.
    pub ip: Option<String>,
    /// The request id.
    pub request_id: Option<String>,
    /// More, as a JSON object without secrets.
    pub details: serde_json::Value,
}

/// An audit event as it stands in the chain.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// 1, 2, 3 … without gaps.
    pub seq: i64,
    /// The event.
    pub event: AuditEvent,
    /// Hexadecimal SHA-256 of the row before; 64 zeros for the first.
    pub previous: String,
    /// Hexadecimal HMAC-SHA-256 over `previous` and the event's JSON, under the audit key.
    pub hash: String,
}
