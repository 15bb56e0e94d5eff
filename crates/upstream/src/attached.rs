//! Connections that programs outside opened to the gateway, over which they serve MCP line by line.
//!
//! A connection waits here under the name that its gateway's URL has (`reverse:NAME`) until the link to that gateway
//! takes it, once. Who may offer one under which name is decided by whoever took the connection in.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::io::DuplexStream;

/// What the URL of such a gateway begins with.
pub const SCHEME: &str = "reverse:";

/// Connections that wait. Clones share them.
#[derive(Clone, Default)]
pub struct Attached(Arc<Mutex<HashMap<String, DuplexStream>>>);

impl Attached {
    /// Lets a connection wait for its link; one that waited under this name is dropped.
    pub fn offer(&self, name: &str, connection: DuplexStream) {
        self.waiting().insert(name.to_owned(), connection);
    }

    pub(crate) fn take(&self, name: &str) -> Option<DuplexStream> {
        self.waiting().remove(name)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, DuplexStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.waiting().keys()).finish()
    }
}
