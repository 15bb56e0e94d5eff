//! The one error of the program, free of HTTP and JSON-RPC.
//!
//! Reuse a variant unless some program has to tell two cases apart. It becomes an HTTP answer in
//! `web::api::problem` and a JSON-RPC error in `web::mcp::reply`, and nowhere else. "It exists, but you may not
//! know" is [`Error::NotFound`].

use std::time::Duration;

use crate::{decision::Denial, permission::Permission, violation::Violation};

/// `Result` with the error of this program.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not carried out. The text of every variant but [`Error::Internal`] and
/// [`Error::Unavailable`] may be sent to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing, or none that the caller may know of.
    #[error("{kind} not found: {name}")]
    NotFound {
        /// What was looked for, for example `Tool`.
        kind: &'static str,
        /// The name or id that was asked for, as the caller gave it.
        name: String,
    },
    /// The name is taken.
    #[error("{kind} already exists with name: {name}")]
    AlreadyExists {
        /// What exists, with its visibility, for example `Public Server`.
        kind: String,
        /// The name that is taken.
        name: String,
    },
    /// Somebody else changed the row in between; read it again and retry.
    #[error("{kind} was changed by somebody else: {name}")]
    Stale {
        /// What was changed.
        kind: &'static str,
        /// Its id.
        name: String,
    },
    /// The present state of things forbids it; the text says which.
    #[error("{0}")]
    Conflict(String),
    /// The input is wrong; every problem found is listed.
    #[error("{}", Problem::join(.0))]
    Invalid(Vec<Problem>),
    /// A rule of the program refuses a well-formed request.
    #[error("{0}")]
    Refused(String),
    /// No credentials, or none that count. The text never says which check failed.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The actor lacks a permission.
    #[error("Access denied")]
    Forbidden {
        /// The permission that is missing, for the log and for OAuth scope challenges.
        needs: Option<Permission>,
    },
    /// A decision went against the actor; it explains itself. What is said to the caller is the same as for
    /// [`Error::Forbidden`], with the number under which the decision can be looked up.
    #[error("{}", .0.text)]
    Decided(Box<Denial>),
    /// The actor may not, and is told why in words that ContextForge's clients know.
    #[error("{0}")]
    Denied(&'static str),
    /// Too many requests.
    #[error("Rate limit exceeded")]
    RateLimited {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Larger than a limit.
    #[error("{what} is {actual} bytes; the limit is {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
        /// The size in bytes, where known; else the bytes read when reading stopped.
        actual: u64,
    },
    /// Content security refuses it; everything found is listed, and never the text itself.
    #[error("{}", Violation::join(.0))]
    Content(Vec<Violation>),
    /// Content or a plugin refused it.
    #[error("{0}")]
    Blocked(String),
    /// An upstream could not be reached, did not answer in time or answered nonsense.
    #[error("{message}")]
    Upstream {
        /// What happened, without credentials or internal addresses.
        message: String,
        /// Whether time ran out, as opposed to a refusal.
        timeout: bool,
    },
    /// A part of the gateway is not ready. The text is logged, not sent.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A bug or a broken dependency. The text is logged once, and never sent.
    #[error("internal: {0}")]
    Internal(String),
}

/// One thing wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a dotted path into the input: `server.associated_tools[2]`. Empty for the input as a whole.
    pub field: String,
    /// What is wrong and what would be right. Never repeats a secret.
    pub message: String,
}

impl Problem {
    /// How many problems one answer names. Who sends fifty thousand wrong ids is helped by the first few.
    pub const SHOWN: usize = 20;

    /// Joins problems to one readable line.
    pub fn join(problems: &[Self]) -> String {
        let mut lines: Vec<String> = problems.iter().take(Self::SHOWN).map(Self::to_string).collect();
        lines.extend(Self::more(problems.len()));
        lines.join("; ")
    }

    /// What is said of the problems that are not named, out of `count`.
    pub fn more(count: usize) -> Option<String> {
        (count > Self::SHOWN).then(|| format!("and {} more", count - Self::SHOWN))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

impl Error {
    /// A `NotFound` for `kind`.
    pub fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { kind, name: name.into() }
    }

    /// One wrong field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem { field: field.into(), message: message.into() }])
    }

    /// An upstream failure that is not a timeout.
    pub fn upstream(message: impl Into<String>) -> Self {
        Self::Upstream { message: message.into(), timeout: false }
    }

    /// A bug or a broken dependency; `cause` is only logged.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}
