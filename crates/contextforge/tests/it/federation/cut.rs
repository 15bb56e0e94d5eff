//! A network that breaks between the gateway and an upstream that goes on: what happened meanwhile is not missed.

use std::net::SocketAddr;

use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::{
    call, listed, now,
    peer::{Era, Peer},
    register, text,
};
use crate::app::App;

/// A wire to an upstream, which can be cut.
struct Wire {
    address: SocketAddr,
    to: SocketAddr,
    carrying: JoinHandle<()>,
}

impl Wire {
    async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { address: listener.local_addr().unwrap(), to, carrying: carry(listener, to) }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    async fn cut(&mut self) {
        self.carrying.abort();
        drop((&mut self.carrying).await);
    }

    async fn mend(&mut self) {
        self.carrying = carry(TcpListener::bind(self.address).await.unwrap(), self.to);
    }
}

fn carry(listener: TcpListener, to: SocketAddr) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut here, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut there = TcpStream::connect(to).await.unwrap();
                // Either side may close as it likes.
                drop(copy_bidirectional(&mut here, &mut there).await);
            });
        }
    })
}

#[tokio::test]
async fn a_broken_wire_is_noticed_and_nothing_is_missed() {
    // Neither timer: only the gateway's own listening can notice anything here.
    let vars = [("HEALTH_CHECK_INTERVAL", "3600"), ("GATEWAY_AUTO_REFRESH_INTERVAL", "3600")];
    let app = App::with(&vars, &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        let mut wire = Wire::to(peer.address()).await;
        let gateway = register(&app, name, &wire.url()).await;
        let reachable = async || now(&app, &gateway).await["reachable"] == true;
        for grow in [false, true] {
            wire.cut().await;
            app.until(async || !reachable().await).await;
            if grow {
                peer.state.grow().await;
            }
            wire.mend().await;
            app.until(reachable).await;
        }
        app.until(async || listed(&app).await.contains(&format!("{name}-grown"))).await;
        assert_eq!(text(&call(&app, &format!("{name}-grown"), json!({})).await), "Here I am.");
    }
}
