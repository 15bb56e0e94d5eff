//! The catalogue: everything that is registered, as one immutable snapshot behind an atomic pointer.
//!
//! The hot path reads the snapshot and nothing else. A writer commits to the database, bumps the `catalogue`
//! sequence in the same transaction and calls [`changed`]; other replicas notice the sequence and call [`reload`].
//! A snapshot is never changed, only replaced by a newer one.

pub mod snapshot;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use arc_swap::ArcSwap;
use domain::Result;
use tokio::sync::Mutex;

pub use snapshot::{Item, Kind, Peer, Registered, ServerView, Snapshot};

use crate::engine::Engine;

/// Holds the current snapshot.
#[derive(Debug, Default)]
pub struct Catalogue {
    current: ArcSwap<Snapshot>,
    loaded: AtomicI64,
    /// One reload at a time; readers never wait for it.
    reloading: Mutex<()>,
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
}

/// Builds a new snapshot from the database, unless the present one is already as new. However many ask at once, one
/// builds and one waits to: the second reads what all of them had committed, and the others find that it is done.
pub async fn reload(engine: &Engine) -> Result<()> {
    let catalogue = engine.catalogue();
    let wanted = store::sequences::read(engine.db(), "catalogue").await?;
    let _turn = catalogue.reloading.lock().await;
    if wanted <= catalogue.sequence() && wanted != 0 {
        return Ok(());
    }
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
    catalogue.current.store(Arc::new(snapshot));
    catalogue.loaded.store(sequence, Ordering::Release);
    Ok(())
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
pub async fn changed(engine: &Engine) -> Result<()> {
    reload(engine).await?;
    engine.bus().publish("catalogue", &engine.catalogue().sequence().to_string()).await;
    Ok(())
}
