//! Following resources over HTTP+SSE: subscribed to in the gateway's own session, whose stream tells of them.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::Instant;

use super::{Sse, session::Session};
use crate::{
    call::{Call, CallContext},
    fault::Fault,
    follow::{Following, PATIENCE, named},
};

impl Sse {
    /// Subscribes to what is wanted, until the stream ends or nothing is wanted any more.
    pub(crate) async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        let session = self.session(&CallContext::plain(""), Instant::now() + PATIENCE).await?;
        let mut done: BTreeSet<Arc<str>> = BTreeSet::new();
        loop {
            let wanted = following.wanted();
            for uri in done.difference(&wanted) {
                session.say("resources/unsubscribe", uri).await?;
            }
            for uri in wanted.difference(&done) {
                session.say("resources/subscribe", uri).await?;
            }
            following.established();
            if wanted.is_empty() {
                return Ok(());
            }
            done.clone_from(&wanted);
            tokio::select! {
                more = following.changed() => if !more { return Ok(()) },
                () = session.gone() => return Err(Fault::SessionGone),
                () = self.inner.herald.closed.cancelled() => return Err(Fault::Broken),
            }
        }
    }
}

impl Session {
    async fn say(&self, method: &'static str, uri: &str) -> Result<(), Fault> {
        let call = Call {
            method: method.into(),
            params: named(uri),
            context: CallContext::plain(""),
            timeout: PATIENCE,
        };
        // A server that refuses one resource may still tell of the others.
        self.ask(&call, Instant::now() + PATIENCE).await.map(drop)
    }
}
