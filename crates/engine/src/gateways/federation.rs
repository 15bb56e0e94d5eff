//! What keeps discoveries from treading on each other: few at once, one per gateway, one writer at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use domain::{Error, Result, id::GatewayId};
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};

use crate::engine::Engine;

/// Discoveries at once.
const AT_ONCE: usize = 8;

/// The traffic lights of one process.
#[derive(Debug)]
pub struct Federation {
    slots: Semaphore,
    running: Mutex<HashSet<GatewayId>>,
    /// Held over database work only, never over the network: names are checked and taken under it.
    writes: tokio::sync::Mutex<()>,
    /// How often whoever served a gateway took it away.
    withdrawals: Mutex<HashMap<GatewayId, u64>>,
}

impl Default for Federation {
    fn default() -> Self {
        Self {
            slots: Semaphore::new(AT_ONCE),
            running: Mutex::default(),
            writes: tokio::sync::Mutex::default(),
            withdrawals: Mutex::default(),
        }
    }
}

/// Says that a gateway's discovery is running, until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    engine: Engine,
    gateway: GatewayId,
}

impl Federation {
    /// Waits for a free place.
    pub(crate) async fn slot(&self) -> Result<SemaphorePermit<'_>> {
        self.slots.acquire().await.map_err(Error::internal)
    }

    /// Waits for the turn to write.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.writes.lock().await
    }

    /// How often whoever served this gateway took it away. What was read before that number grew says nothing now.
    pub(crate) fn withdrawals(&self, gateway: &GatewayId) -> u64 {
        let withdrawals = self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner);
        withdrawals.get(gateway).copied().unwrap_or(0)
    }

    /// Notes that whoever served this gateway took it away. To be called with the turn to write.
    pub(crate) fn withdrawn(&self, gateway: &GatewayId) {
        let mut withdrawals = self.withdrawals.lock().unwrap_or_else(PoisonError::into_inner);
        *withdrawals.entry(gateway.clone()).or_default() += 1;
    }
}

impl Running {
    /// `None` where a discovery of this gateway is running already.
    pub(crate) fn begin(engine: &Engine, gateway: &GatewayId) -> Option<Self> {
        let mut running = engine.federation().running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(gateway.clone()).then(|| Self { engine: engine.clone(), gateway: gateway.clone() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.engine.federation().running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.gateway);
    }
}
