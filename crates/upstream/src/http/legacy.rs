//! Revisions 2025-03-26 to 2025-11-25: a handshake, then requests in the session it opened.
//!
//! Sessions are per principal and per what its client can be asked, because that is declared in the handshake. A server
//! without session ids remembers nobody, so one handshake serves all, and it can ask nobody anything.

mod aside;
mod follow;
mod listen;
mod reading;
mod session;

use std::sync::{Arc, PoisonError, RwLock, atomic::AtomicBool};

use tokio::time::Instant;

use self::session::Session;
use super::{Origin, ROOTS_CHANGED, herald::Herald, sessions::Sessions};
use crate::{
    call::{Answer, Call, CallContext, Connected},
    fault::Fault,
};

/// A legacy upstream. Clones share the sessions.
#[derive(Debug, Clone)]
pub(crate) struct Legacy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origin: Arc<Origin>,
    herald: Herald,
    sessions: Sessions<Session>,
    /// The one session of a server that has none.
    stateless: RwLock<Option<Arc<Session>>>,
    listening: AtomicBool,
}

impl Legacy {
    pub(crate) fn new(origin: Arc<Origin>, herald: Herald) -> Self {
        let (sessions, stateless) = (Sessions::new(), RwLock::new(None));
        Self { inner: Arc::new(Inner { origin, herald, sessions, stateless, listening: false.into() }) }
    }

    /// Opens the gateway's own session, or makes sure that it still lives, and begins to listen.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Connected, Fault> {
        let own = CallContext::plain("");
        for _ in 0..2 {
            let session = self.session(&own, deadline).await?;
            match session.ping(deadline).await {
                Err(Fault::SessionGone) => self.forget(&own, &session),
                Err(fault) => return Err(fault),
                Ok(()) => {
                    self.listen(&session);
                    return Ok(session.connected.clone());
                }
            }
        }
        Err(Fault::SessionGone)
    }

    /// Sends one request. A server that lost the session did not take the request, so it is sent again, once.
    pub(crate) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        let session = self.session(&call.context, deadline).await?;
        match session.call(call, deadline).await {
            Err(Fault::SessionGone) => {
                self.forget(&call.context, &session);
                let session = self.session(&call.context, deadline).await?;
                session.call(call, deadline).await
            }
            answer => answer,
        }
    }

    async fn session(&self, context: &CallContext, deadline: Instant) -> Result<Arc<Session>, Fault> {
        let inner = &self.inner;
        if let Some(session) = &*inner.stateless.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(session));
        }
        let (cell, evicted) = inner.sessions.cell(&context.session_key(), Instant::now());
        if let Some(evicted) = evicted {
            evicted.close();
        }
        let open = || async {
            let opened =
                Session::open(Arc::clone(&inner.origin), inner.herald.clone(), context, deadline).await?;
            let session = Arc::new(opened);
            if session.is_stateless() {
                let mut stateless = inner.stateless.write().unwrap_or_else(PoisonError::into_inner);
                *stateless = Some(Arc::clone(&session));
            }
            Ok(session)
        };
        cell.get_or_try_init(open).await.cloned()
    }

    fn forget(&self, context: &CallContext, session: &Arc<Session>) {
        self.inner.sessions.forget(&context.session_key(), session);
    }

    /// Tells the server that the roots of a principal's clients changed, where it may ask for them.
    pub(crate) fn roots_changed(&self, principal: &str) {
        for session in self.inner.sessions.open() {
            if session.may_ask_for_roots(principal) {
                session.tell(ROOTS_CHANGED);
            }
        }
    }

    /// Ends sessions that nobody used for a while.
    pub(crate) fn sweep(&self) {
        for session in self.inner.sessions.sweep(Instant::now()) {
            session.close();
        }
    }

    /// Stops listening and ends all sessions.
    pub(crate) fn close(&self) {
        self.inner.herald.closed.cancel();
        for session in self.inner.sessions.drain() {
            session.close();
        }
    }
}
