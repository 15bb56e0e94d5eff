//! One way to speak with one upstream, whichever transport and era it is.

use tokio::time::{Instant, timeout_at};

use crate::{
    builtin::BuiltinLink,
    call::{Answer, Call, Connected},
    fault::Fault,
    follow::Following,
    http::{legacy::Legacy, modern::Modern, sse::Sse},
    stdio::link::StdioLink,
};

/// One way to speak with one upstream.
#[derive(Debug)]
pub(crate) enum Link {
    /// HTTP, revision 2026-07-28.
    Modern(Modern),
    /// HTTP, revisions 2025-03-26 to 2025-11-25.
    Legacy(Legacy),
    /// HTTP+SSE, revision 2024-11-05.
    Sse(Sse),
    /// A child process.
    Stdio(StdioLink),
    /// The demonstration server.
    Builtin(BuiltinLink),
}

impl Link {
    /// Makes sure that the upstream answers, and says what it is.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Connected, Fault> {
        match self {
            Self::Modern(link) => link.connect(deadline).await,
            Self::Legacy(link) => link.connect(deadline).await,
            Self::Sse(link) => link.connect(deadline).await,
            Self::Stdio(link) => {
                Ok(timeout_at(deadline, link.connect()).await.map_err(|_| Fault::TimedOut)??)
            }
            Self::Builtin(link) => Ok(link.connect()?),
        }
    }

    /// Sends one request.
    pub(crate) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        match self {
            Self::Modern(link) => link.call(call, deadline).await,
            Self::Legacy(link) => link.call(call, deadline).await,
            Self::Sse(link) => link.call(call, deadline).await,
            Self::Stdio(link) => Ok(link.call(call.clone()).await?),
            Self::Builtin(link) => Ok(link.call(call.clone()).await),
        }
    }

    /// Asks to be told of updates, until that breaks or nothing is wanted any more.
    pub(crate) async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        match self {
            Self::Modern(link) => link.follow(following).await,
            Self::Legacy(link) => link.follow(following).await,
            Self::Sse(link) => link.follow(following).await,
            Self::Stdio(link) => link.follow(following).await,
            Self::Builtin(_) => Err(Fault::Useless("does not change".to_owned())),
        }
    }

    /// Tells it that the roots of a principal's clients changed, where it may ask for them. A process that serves every
    /// principal is not told: it keeps nobody's roots.
    pub(crate) fn roots_changed(&self, principal: &str) {
        match self {
            Self::Legacy(link) => link.roots_changed(principal),
            Self::Sse(link) => link.roots_changed(principal),
            Self::Modern(_) | Self::Stdio(_) | Self::Builtin(_) => {}
        }
    }

    /// Ends sessions that nobody used for a while.
    pub(crate) fn sweep(&self) {
        match self {
            Self::Legacy(link) => link.sweep(),
            Self::Sse(link) => link.sweep(),
            Self::Modern(_) | Self::Stdio(_) | Self::Builtin(_) => {}
        }
    }

    /// Ends everything. Only a child process is waited for.
    pub(crate) async fn close(&self) {
        match self {
            Self::Modern(link) => link.close(),
            Self::Legacy(link) => link.close(),
            Self::Sse(link) => link.close(),
            Self::Stdio(link) => link.close().await,
            Self::Builtin(_) => {}
        }
    }
}
