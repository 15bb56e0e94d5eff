//! The catalogue: everything that is registered, as one immutable snapshot behind an atomic pointer.
//!
//! The hot path reads the snapshot and nothing else. A writer commits to the database, bumps the `catalogue`
//! sequence in the same transaction and calls [`changed`]; other replicas notice the sequence and call [`reload`].
//! A snapshot is never changed, only replaced by a newer one.

mod local;
pub mod snapshot;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use arc_swap::ArcSwap;
use domain::Result;
use tokio::sync::{Mutex, watch};

pub use local::Local;
pub use snapshot::{Item, Kind, Peer, Registered, ServerView, Snapshot};

use crate::engine::Engine;

/// Holds the current snapshot.
#[derive(Debug, Default)]
pub struct Catalogue {
    current: ArcSwap<Snapshot>,
    loaded: AtomicI64,
    /// One reload at a time; readers never wait for it.
    reloading: Mutex<()>,
    /// The sequence number again, for whoever waits for the next snapshot.
    news: watch::Sender<i64>,
}

impl Catalogue {
    /// The current snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// The sequence number up to which the snapshot is current.
    pub fn sequence(&self) -> i64 {
        self.loaded.load(Ordering::Acquire)
    }

    /// Changes whenever there is a new snapshot.
    pub(crate) fn news(&self) -> watch::Receiver<i64> {
        self.news.subscribe()
    }

    /// Takes what `build` gives, unless everything up to `wanted` is there when its turn has come. However many ask at
    /// once, one builds and one waits to: the second reads what all of them had committed, and the others find it done.
    async fn once(
        &self,
        wanted: i64,
        build: impl Future<Output = Result<(i64, Snapshot)>> + Send,
    ) -> Result<()> {
        let _turn = self.reloading.lock().await;
        if wanted <= self.sequence() && wanted != 0 {
            return Ok(());
        }
        let (sequence, snapshot) = build.await?;
        self.current.store(Arc::new(snapshot));
        self.loaded.store(sequence, Ordering::Release);
        self.news.send_replace(sequence);
        Ok(())
    }
}

/// Builds a new snapshot from the database, unless the present one is already as new.
#[crate::boxed]
pub async fn reload(engine: &Engine) -> Result<()> {
    let catalogue = engine.catalogue();
    let wanted = store::sequences::read(engine.db(), "catalogue").await?;
    catalogue.once(wanted, build(engine)).await
}

async fn build(engine: &Engine) -> Result<(i64, Snapshot)> {
    // Read before the rows: a change that commits in between makes the next reload do the work again.
    let sequence = store::sequences::read(engine.db(), "catalogue").await?;
    let rows = read(engine).await?;
    let building = tokio::task::spawn_blocking(move || Snapshot::build(&rows));
    let snapshot = building.await.map_err(domain::Error::internal)?;
    for (kind, label) in [(Kind::Tool, "tool"), (Kind::Prompt, "prompt"), (Kind::Resource, "resource")] {
        engine.stats().registered(label, snapshot.count(kind));
    }
    engine.stats().reloaded();
    tracing::debug!(sequence, tools = snapshot.count(Kind::Tool), "catalogue loaded");
    Ok((sequence, snapshot))
}

async fn read(engine: &Engine) -> Result<snapshot::Rows> {
    Ok(snapshot::Rows {
        gateways: crate::gateways::load_all(engine).await?,
        tools: store::tools::all(engine.db()).await?,
        prompts: store::prompts::all(engine.db()).await?,
        resources: store::resources::all(engine.db()).await?,
        servers: store::servers::all(engine.db()).await?,
    })
}

/// After a committed change: makes it visible here before the answer is sent, and tells the other replicas.
#[crate::boxed]
pub async fn changed(engine: &Engine) -> Result<()> {
    reload(engine).await?;
    engine.bus().publish("catalogue", &engine.catalogue().sequence().to_string()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn one_builds_and_one_waits_however_many_ask() {
        let (catalogue, release) = (Catalogue::default(), Notify::new());
        let (builds, committed) = (AtomicUsize::new(0), AtomicI64::new(0));
        let ask = |wanted: i64| {
            committed.fetch_max(wanted, Ordering::SeqCst);
            catalogue.once(wanted, async {
                let sequence = committed.load(Ordering::SeqCst);
                if builds.fetch_add(1, Ordering::SeqCst) == 0 {
                    release.notified().await;
                }
                Ok((sequence, Snapshot::default()))
            })
        };
        let first = ask(1);
        let others = async {
            // The first one is under way, and has read before these were committed.
            while builds.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            let waiting = futures_util::future::join_all((2..50).map(ask));
            release.notify_one();
            waiting.await
        };
        let (first, others) = tokio::join!(first, others);
        assert!(first.is_ok() && others.iter().all(Result::is_ok));
        assert_eq!((builds.into_inner(), catalogue.sequence()), (2, 49));
    }
}
