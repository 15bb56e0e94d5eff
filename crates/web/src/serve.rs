//! The connection loop: accepts, speaks HTTP/1.1 and HTTP/2, and drains on a stop.
//!
//! Nobody is waited for without end: not for the first bytes of a connection or the headers of a request, not for its
//! next request, and not for a client that stops reading ([`watched`]). How many connections there may be at once says
//! [`admission`]; one too many is closed at once.

mod admission;
mod explained;
pub(crate) mod watched;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use self::{
    admission::{Admission, Full, Seldom, Slot},
    explained::{Explain, Explained},
    watched::Watched,
};
use crate::{App, layers, layers::Peer, settings::ListenSettings, workers::Workers};

/// The place of a connection among all connections: whoever takes a connection over keeps it.
#[derive(Clone)]
pub(crate) struct Held(#[expect(dead_code, reason = "it is held, not read")] Arc<Slot>);

/// Above our own limits, so that our answer with its explanation is the usual one.
const PARSER_MAX_HEADERS: usize = 200;
const PARSER_MAX_HEADER_BYTES: usize = 64 * 1024;

/// What is served, and until when.
pub struct Serving {
    /// What stands behind the routes.
    pub app: App,
    /// The threads that serve connections.
    pub workers: Arc<Workers>,
    /// Cancelled when no more connections are to be accepted.
    pub shutdown: CancellationToken,
    /// How long requests in flight may take to end after that.
    pub drain: Duration,
}

/// Serves until `shutdown` is cancelled, then lets the requests in flight end for as long as `drain`.
#[crate::boxed]
pub async fn serve(listener: TcpListener, settings: ListenSettings, serving: Serving) {
    let Serving { app, workers, shutdown, drain } = serving;
    let router = crate::router(app.clone());
    let explain: Explain = Arc::new(move |status| layers::unreadable(&app, status));
    let patience = Duration::from_secs(settings.header_timeout_seconds);
    let graceful = GracefulShutdown::new();
    // Ends connections that are still open when the time to drain is over.
    let end = CancellationToken::new();
    let mut door = Door {
        admission: Admission::new(&settings),
        refusals: Seldom::default(),
        failures: Seldom::default(),
    };
    let server = builder(patience);
    while let Some(accepted) = door.accept(&listener, &shutdown).await {
        let (stream, peer, slot) = accepted;
        let (router, end, explain) = (router.clone(), end.clone(), Arc::clone(&explain));
        let connection = Connection { stream, peer, router, end, patience, slot, explain };
        workers.spawn(connection.run(server.clone(), graceful.watcher()));
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to drain was over");
    }
    end.cancel();
}

/// Lets connections in.
struct Door {
    admission: Arc<Admission>,
    refusals: Seldom,
    failures: Seldom,
}

impl Door {
    /// The next connection that there is room for; `None` after a stop was asked for.
    async fn accept(
        &mut self,
        listener: &TcpListener,
        shutdown: &CancellationToken,
    ) -> Option<(std::net::TcpStream, SocketAddr, Slot)> {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shutdown.cancelled() => return None,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let slot = match self.admission.admit(peer.ip()) {
                        Ok(slot) => slot,
                        Err(full) => {
                            self.refused(full, peer);
                            continue;
                        }
                    };
                    // The thread that serves the connection also waits for its socket.
                    let Ok(stream) = stream.into_std() else { continue };
                    return Some((stream, peer, slot));
                }
                Err(error) => {
                    // Out of file descriptors, or the client is gone again: neither is mended by trying at once.
                    self.failed(&error);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn refused(&mut self, full: Full, peer: SocketAddr) {
        let Some(more) = self.refusals.now() else { return };
        let (setting, most) = match full {
            Full::Total(most) => ("MAX_CONNECTIONS", most),
            Full::Address(most) => ("MAX_CONNECTIONS_PER_ADDRESS", most),
        };
        tracing::warn!(%peer, setting, most, more, "a connection was closed at once: there are too many");
    }

    fn failed(&mut self, error: &std::io::Error) {
        if let Some(more) = self.failures.now() {
            tracing::warn!(%error, more, "a connection could not be accepted");
        }
    }
}

fn builder(patience: Duration) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(PARSER_MAX_HEADERS)
        .max_buf_size(PARSER_MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024)
        .max_concurrent_streams(256)
        .keep_alive_interval(Some(patience))
        .keep_alive_timeout(patience);
    server
}

struct Connection {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    router: Router,
    end: CancellationToken,
    patience: Duration,
    slot: Slot,
    explain: Explain,
}

impl Connection {
    #[expect(clippy::cognitive_complexity, reason = "it is the select and log macros that branch")]
    async fn run(self, server: auto::Builder<TokioExecutor>, watcher: Watcher) {
        // The place is free again when the connection has ended, and with it what it was upgraded to.
        let Self { stream, peer, router, end, patience, slot, explain } = self;
        let held = Held(Arc::new(slot));
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, %peer, "a connection could not be served");
                return;
            }
        };
        // Answers are written whole; waiting for more to send would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let stream = Watched::new(stream, patience);
        let heard = stream.heard();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(held.clone());
            watched::mark(&mut request, &heard);
            router.clone().call(request)
        });
        let stream = TokioIo::new(Explained::new(stream, explain));
        let connection = server.serve_connection_with_upgrades(stream, service).into_owned();
        let connection = watcher.watch(connection);
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %peer, "a connection ended early");
                }
            }
            () = end.cancelled() => {}
        }
    }
}
