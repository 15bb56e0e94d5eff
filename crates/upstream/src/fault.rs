//! Why an upstream did not answer, told apart by what may be done about it.
//!
//! Only [`Fault::Unreachable`], [`Fault::SessionGone`] and [`Fault::Contradiction`] mean that the request was not
//! carried out. Texts read on after "The server NAME" and never hold a credential.

use std::time::Duration;

use domain::Error;
use protocol::{
    jsonrpc::{Outcome, RpcError},
    ladder,
};

use crate::egress::{BodyError, SendError};

/// Why an upstream did not answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No connection, so the request was never sent.
    Unreachable { message: String, timeout: bool },
    /// The connection broke; the request may have been carried out.
    Broken,
    /// Time ran out; the request may have been carried out.
    TimedOut,
    /// A legacy server does not know the session any more, so it did not take the request.
    SessionGone,
    /// The answer is not one of this era: another kind of server lives there now. Holds what a client would see
    /// if that turns out to be wrong.
    Contradiction { reply: Option<RpcError>, status: u16 },
    /// It, or a proxy before it, wants to be asked later (429, 502 to 504).
    Unavailable(u16),
    /// It answered, and the answer is of no use.
    Useless(String),
    /// The gateway itself refuses.
    Own(Error),
}

impl Fault {
    /// What went wrong, to be read after the upstream's name.
    fn text(&self) -> String {
        match self {
            Self::Unreachable { message, .. } => format!("cannot be reached: {message}"),
            Self::Broken => "broke the connection before it answered".to_owned(),
            Self::TimedOut => "did not answer in time".to_owned(),
            Self::SessionGone => "ended the session".to_owned(),
            Self::Contradiction { status, .. } => format!("does not accept the request (HTTP {status})"),
            Self::Unavailable(429) => "is asked too often (HTTP 429)".to_owned(),
            Self::Unavailable(status) => format!("is not available (HTTP {status})"),
            Self::Useless(message) => message.clone(),
            Self::Own(error) => error.to_string(),
        }
    }

    /// The error of the program, with the upstream's name.
    pub(crate) fn into_error(self, name: &str) -> Error {
        let timeout = matches!(self, Self::TimedOut | Self::Unreachable { timeout: true, .. });
        match self {
            Self::Own(error) => error,
            fault => Error::Upstream { message: format!("The server {name} {}", fault.text()), timeout },
        }
    }

    /// The end of a stream that had begun; nothing else can be said in the middle of one.
    pub(crate) fn into_outcome(self, name: &str) -> Outcome {
        Err(RpcError::new(ladder::INTERNAL_ERROR, self.into_error(name).to_string()))
    }

    /// An upstream whose circuit is open.
    pub(crate) fn resting(remaining: Duration) -> Self {
        let seconds = remaining.as_secs() + 1;
        let message = format!("it did not answer several times; it is tried again in {seconds} s");
        Self::Unreachable { message, timeout: false }
    }
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unreachable { message, timeout } => Self::Unreachable { message, timeout },
            SendError::Broken => Self::Broken,
        }
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Broken => Self::Broken,
            BodyError::TooLarge(limit) => Self::too_large(limit),
        }
    }
}

impl Fault {
    /// An answer beyond the limit.
    pub(crate) fn too_large(limit: u64) -> Self {
        Self::Useless(format!("sent more than {limit} bytes in one message (UPSTREAM_MAX_RESPONSE_BYTES)"))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}
