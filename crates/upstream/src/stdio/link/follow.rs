//! Following resources of a child process: subscribed to in its one session, and again in its next life.

use std::{collections::BTreeSet, sync::Arc};

use domain::Error;
use tokio::time::timeout;

use super::{
    StdioLink,
    session::{InFlight, Session},
    wire,
};
use crate::{
    fault::Fault,
    follow::{Following, PATIENCE, Wanted, listening, named},
};

impl StdioLink {
    /// Subscribes to what is wanted, until the process ends or nothing is wanted any more.
    pub(crate) async fn follow(&self, following: &mut Following) -> Result<(), Fault> {
        let running = self.inner.running().await?;
        let session = &running.session;
        let modern = running.connected.dialect.modern;
        let mut done: BTreeSet<Arc<str>> = BTreeSet::new();
        // Dropping it ends the subscription of a modern server.
        let mut listening: Option<InFlight> = None;
        loop {
            let wanted = following.wanted();
            if modern {
                listening = begin(session, &wanted).await?;
            } else {
                resubscribe(session, &done, &wanted).await?;
            }
            following.established();
            if wanted.is_empty() {
                return Ok(());
            }
            done.clone_from(&wanted);
            tokio::select! {
                more = following.changed() => if !more { return Ok(()) },
                reason = session.gone() => return Err(Fault::Own(Error::upstream(reason))),
                ended = ended(&mut listening) => return ended,
            }
        }
    }
}

/// The next subscription; the one before it ends when this has begun.
async fn begin(session: &Arc<Session>, wanted: &Wanted) -> Result<Option<InFlight>, Fault> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let params = |_| wire::own(Some(&*listening(wanted)));
    Ok(Some(session.begin("subscriptions/listen", params, None).await?))
}

/// Waits for the end of a subscription that should not end.
async fn ended(listening: &mut Option<InFlight>) -> Result<(), Fault> {
    match listening {
        None => std::future::pending().await,
        Some(in_flight) => match in_flight.outcome().await? {
            Ok(_) => Err(Fault::Broken),
            Err(error) => Err(Fault::Useless(format!("refused the subscription (error {})", error.code))),
        },
    }
}

async fn resubscribe(
    session: &Arc<Session>,
    done: &BTreeSet<Arc<str>>,
    wanted: &BTreeSet<Arc<str>>,
) -> Result<(), Fault> {
    for uri in done.difference(wanted) {
        ask(session, "resources/unsubscribe", uri).await?;
    }
    for uri in wanted.difference(done) {
        ask(session, "resources/subscribe", uri).await?;
    }
    Ok(())
}

/// A server that refuses one resource may still tell of the others.
async fn ask(session: &Arc<Session>, method: &'static str, uri: &str) -> Result<(), Fault> {
    let mut in_flight = session.begin(method, |_| Ok(named(uri)), None).await?;
    let answered = timeout(PATIENCE, in_flight.outcome()).await.map_err(|_| Fault::TimedOut)?;
    answered.map(drop).map_err(Fault::from)
}
