//! Following resources of a legacy server: subscribed to in the gateway's own session, told of on its stream.
//!
//! A server that lost the session lost the subscriptions with it, so they are made again in the next one. One without
//! sessions has no stream to tell anything on, and is asked all the same: some tell it on any stream they have.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::{Duration, Instant, sleep};

use super::{Legacy, session::Session};
use crate::{
    call::CallContext,
    fault::Fault,
    follow::{Following, PATIENCE, named},
};

/// How often it is looked whether the session is still the one that was subscribed in.
const LOOK: Duration = Duration::from_secs(1);

impl Legacy {
    /// Subscribes to what is wanted, until the session is lost or nothing is wanted any more.
    pub(crate) async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        let own = CallContext::plain("");
        let session = self.session(&own, Instant::now() + PATIENCE).await?;
        self.listen_always(&session);
        let mut done: BTreeSet<Arc<str>> = BTreeSet::new();
        loop {
            let wanted = following.wanted();
            if let Err(fault) = session.resubscribe(&done, &wanted).await {
                if matches!(fault, Fault::SessionGone) {
                    self.forget(&own, &session);
                }
                return Err(fault);
            }
            following.established();
            if wanted.is_empty() {
                return Ok(());
            }
            done.clone_from(&wanted);
            tokio::select! {
                more = following.changed() => if !more { return Ok(()) },
                fault = self.replaced(&own, &session) => return Err(fault),
                () = self.inner.herald.closed.cancelled() => return Err(Fault::Broken),
            }
        }
    }

    /// Waits until another session took the place of this one.
    async fn replaced(&self, own: &CallContext, session: &Arc<Session>) -> Fault {
        loop {
            sleep(LOOK).await;
            match self.session(own, Instant::now() + PATIENCE).await {
                Ok(current) if Arc::ptr_eq(&current, session) => {}
                Ok(_) => return Fault::SessionGone,
                Err(fault) => return fault,
            }
        }
    }
}

impl Session {
    async fn resubscribe(
        self: &Arc<Self>,
        done: &BTreeSet<Arc<str>>,
        wanted: &BTreeSet<Arc<str>>,
    ) -> Result<(), Fault> {
        for uri in done.difference(wanted) {
            self.own("resources/unsubscribe", &named(uri), Instant::now() + PATIENCE).await?;
        }
        for uri in wanted.difference(done) {
            self.own("resources/subscribe", &named(uri), Instant::now() + PATIENCE).await?;
        }
        Ok(())
    }
}
