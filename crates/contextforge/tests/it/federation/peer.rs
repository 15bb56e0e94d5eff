//! A `fixture` upstream in a runtime of its own, so that its end takes every connection with it, as a crash does.

use std::{net::SocketAddr, sync::Arc, time::Duration};

pub(crate) use fixture::server::Era;
use fixture::{server, state::State};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A running upstream.
pub(crate) struct Peer {
    pub(crate) state: Arc<State>,
    era: Era,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Peer {
    /// Starts one on a free port.
    pub(crate) async fn start(era: Era) -> Self {
        Self::at(era, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    async fn at(era: Era, address: SocketAddr) -> Self {
        let state = Arc::new(State::default());
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let served = Arc::clone(&state);
        let (told, address_of) = tokio::sync::oneshot::channel();
        runtime.spawn(async move {
            let listener = bind(address).await;
            told.send(listener.local_addr().unwrap()).unwrap();
            server::serve(era, listener, served).await.unwrap();
        });
        let address = tokio::time::timeout(PATIENCE, address_of).await.expect("a free port").unwrap();
        Self { state, era, address, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it with all of its connections and everything it remembers.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        *self = Self::at(self.era, self.address).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The port of a server that was just stopped is free a moment later.
async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}
