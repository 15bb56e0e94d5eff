//! Stands between a gateway and its database, and fails as networks and databases do.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

const PASSES: u8 = 0;
const STALLS: u8 = 1;
const CUT: u8 = 2;

/// A line to the database.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: std::sync::Arc<Line>,
}

struct Line {
    mode: AtomicU8,
    changed: tokio::sync::watch::Sender<u8>,
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = std::sync::Arc::new(Line {
            mode: AtomicU8::new(PASSES),
            changed: tokio::sync::watch::Sender::new(0),
        });
        let line = std::sync::Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (line, server) = (std::sync::Arc::clone(&line), server.clone());
                tokio::spawn(async move {
                    if line.mode.load(Ordering::SeqCst) != CUT {
                        carry(client, &server, &line).await;
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Everything is carried again; stalled connections go on.
    pub(crate) fn restore(&self) {
        self.set(PASSES);
    }

    /// Nothing is carried; connections stay open and new ones are accepted, as by a database that hangs.
    pub(crate) fn stall(&self) {
        self.set(STALLS);
    }

    /// Connections are closed and new ones too, as by a database that is stopped.
    pub(crate) fn cut(&self) {
        self.set(CUT);
    }

    fn set(&self, mode: u8) {
        self.state.mode.store(mode, Ordering::SeqCst);
        self.state.changed.send_replace(mode);
    }
}

async fn carry(client: TcpStream, server: &str, line: &Line) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut news = line.changed.subscribe();
    let cut = async {
        // A line that was cut before this was listening is not carried at all.
        while line.mode.load(Ordering::SeqCst) != CUT {
            if news.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = pump(from_client, to_server, line) => {}
        () = pump(from_server, to_client, line) => {}
        () = cut => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, line: &Line) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let mut news = line.changed.subscribe();
        while line.mode.load(Ordering::SeqCst) == STALLS {
            if news.changed().await.is_err() {
                return;
            }
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
