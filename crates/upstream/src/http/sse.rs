//! HTTP+SSE, revision 2024-11-05: one GET stream carries every reply, requests go beside it, each in a POST.
//!
//! The stream is the session, so there is one per principal. Where it ends, the requests that wait on it fail and
//! the next call opens another.

mod follow;
mod level;
mod reading;
mod session;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::{Duration, Instant};

use self::session::Session;
use super::{
    Origin,
    herald::{Herald, Patience},
    sessions::Sessions,
};
use crate::{
    call::{Answer, Call, CallContext, Change, Connected},
    fault::Fault,
};

/// How long opening the gateway's own session again may take.
const REOPEN: Duration = Duration::from_secs(15);

/// An upstream that speaks HTTP+SSE. Clones share the sessions.
#[derive(Debug, Clone)]
pub(crate) struct Sse {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    origin: Arc<Origin>,
    herald: Herald,
    sessions: Sessions<Session>,
    listening: AtomicBool,
}

impl Sse {
    pub(crate) fn new(origin: Arc<Origin>, herald: Herald) -> Self {
        let sessions = Sessions::new();
        Self { inner: Arc::new(Inner { origin, herald, sessions, listening: false.into() }) }
    }

    /// Opens the gateway's own session, and keeps it open from then on to hear of changes.
    pub(crate) async fn connect(&self, deadline: Instant) -> Result<Connected, Fault> {
        let session = self.session(&CallContext::plain(""), deadline).await?;
        if !self.inner.listening.swap(true, Ordering::Relaxed) {
            self.inner.herald.run(self.clone().keep_open(Arc::clone(&session)));
        }
        Ok(session.connected.clone())
    }

    /// Sends one request; again, once, where the server refused it because the session is gone.
    pub(crate) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, Fault> {
        let session = self.session(&call.context, deadline).await?;
        match session.call(call, deadline).await {
            Err(Fault::SessionGone) => {
                self.inner.sessions.forget(&call.context.session_key(), &session);
                let session = self.session(&call.context, deadline).await?;
                session.call(call, deadline).await
            }
            answer => answer,
        }
    }

    async fn session(&self, context: &CallContext, deadline: Instant) -> Result<Arc<Session>, Fault> {
        let Inner { origin, herald, sessions, .. } = &*self.inner;
        loop {
            let key = context.session_key();
            let (cell, evicted) = sessions.cell(&key, Instant::now());
            drop(evicted);
            let open = || Session::open(Arc::clone(origin), herald.clone(), context, deadline);
            let session = cell.get_or_try_init(open).await?;
            if !session.is_gone() {
                return Ok(Arc::clone(session));
            }
            sessions.forget(&key, session);
        }
    }

    async fn keep_open(self, mut session: Arc<Session>) {
        let own = CallContext::plain("");
        let mut patience = Patience::new();
        loop {
            session.gone().await;
            tokio::time::sleep(patience.take()).await;
            let mut lost = false;
            session = loop {
                match self.session(&own, Instant::now() + REOPEN).await {
                    Ok(session) => break session,
                    Err(_) if !std::mem::replace(&mut lost, true) => self.inner.herald.tell(Change::Lost),
                    Err(_) => {}
                }
                tokio::time::sleep(patience.take()).await;
            };
            patience.reset();
            self.inner.herald.tell_all();
        }
    }

    /// Tells the server that the roots of a principal's clients changed, where it may ask for them.
    pub(crate) fn roots_changed(&self, principal: &str) {
        for session in self.inner.sessions.open() {
            session.line.roots_changed(principal);
        }
    }

    /// Ends sessions that nobody used for a while.
    pub(crate) fn sweep(&self) {
        drop(self.inner.sessions.sweep(Instant::now()));
    }

    /// Stops listening and ends all sessions.
    pub(crate) fn close(&self) {
        self.inner.herald.closed.cancel();
        drop(self.inner.sessions.drain());
    }
}
