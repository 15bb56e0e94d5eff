//! The connection loop: accepts, speaks HTTP/1.1 and HTTP/2, and drains on a stop.

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

use crate::{layers::Peer, workers::Workers};

/// Until when the headers of a request have to be there, and how long an idle connection is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Above our own limits, so that our answer with its explanation is the usual one.
const PARSER_MAX_HEADERS: usize = 200;
const PARSER_MAX_HEADER_BYTES: usize = 64 * 1024;

/// Serves until `shutdown` is cancelled, then lets the requests in flight end for as long as `drain`.
#[expect(clippy::cognitive_complexity, reason = "it is the select and log macros that branch")]
pub async fn serve(
    listener: TcpListener,
    router: Router,
    workers: Arc<Workers>,
    shutdown: CancellationToken,
    drain: Duration,
) {
    let server = builder();
    let graceful = GracefulShutdown::new();
    // Ends connections that are still open when the time to drain is over.
    let end = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // The thread that serves the connection also waits for its socket.
                let Ok(stream) = stream.into_std() else { continue };
                let connection = Connection { stream, peer, router: router.clone(), end: end.clone() };
                workers.spawn(connection.run(server.clone(), graceful.watcher()));
            }
            Err(error) => {
                // Out of file descriptors, or the client is gone again: neither is mended by trying at once.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to drain was over");
    }
    end.cancel();
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(PARSER_MAX_HEADERS)
        .max_buf_size(PARSER_MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(64 * 1024)
        .max_concurrent_streams(256)
        .keep_alive_interval(Some(HEADER_TIMEOUT))
        .keep_alive_timeout(HEADER_TIMEOUT);
    server
}

struct Connection {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    router: Router,
    end: CancellationToken,
}

impl Connection {
    #[expect(clippy::cognitive_complexity, reason = "it is the select and log macros that branch")]
    async fn run(self, server: auto::Builder<TokioExecutor>, watcher: Watcher) {
        let Self { stream, peer, router, end } = self;
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
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let connection = watcher.watch(server.serve_connection(TokioIo::new(stream), service).into_owned());
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
