//! The address policy where it counts: at the socket.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{Clock, Error};
use serde_json::json;
use upstream::{
    Pool, PoolConfig,
    egress::{Client, Resolver},
};

use super::{
    egress, fails,
    raw::{Raw, empty},
    target, tool,
};

fn answering(addresses: &'static [&'static str]) -> Resolver {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Resolver::Custom(Arc::new(move |_| addresses.clone()))
}

async fn refusal(client: &Client, url: &str) -> String {
    match client.check_url(url).await {
        Err(Error::Invalid(problems)) => {
            assert_eq!(problems[0].field, "url");
            problems[0].message.clone()
        }
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn urls_are_checked_with_every_address_of_their_name() {
    let mixed = egress(&[], answering(&["8.8.8.8", "127.0.0.1"]));
    let message = refusal(&mixed, "https://mixed.example/").await;
    assert_eq!(message, "mixed.example is this machine; SSRF_ALLOW_LOCALHOST=true allows it");
    let inside = egress(&[], answering(&["10.1.2.3"]));
    let message = refusal(&inside, "https://inside.example/").await;
    assert!(message.contains("SSRF_ALLOW_PRIVATE_NETWORKS") && !message.contains("10.1.2.3"), "{message}");
    let hidden = egress(&[("SSRF_ALLOW_PRIVATE_NETWORKS", "true")], answering(&["64:ff9b::a9fe:a9fe"]));
    assert!(refusal(&hidden, "https://cloud.example/").await.contains("metadata"));
    let public = egress(&[], answering(&["8.8.8.8", "2606:4700::1111"]));
    assert_eq!(
        public.check_url("https://public.example/a#b").await.unwrap().as_str(),
        "https://public.example/a"
    );
}

#[tokio::test]
async fn names_that_do_not_resolve_are_refused_unless_told_otherwise() {
    let closed = egress(&[], answering(&[]));
    assert_eq!(refusal(&closed, "https://nowhere.example/").await, "nowhere.example has no address");
    let open = egress(&[("SSRF_DNS_FAIL_CLOSED", "false")], answering(&[]));
    assert!(open.check_url("https://nowhere.example/").await.is_ok());
    assert!(open.check_url("https://10.0.0.1/").await.is_err());
}

#[tokio::test]
async fn a_name_that_turns_inside_reaches_nothing() {
    let server = Raw::serve(|_| empty(500)).await;
    let port = server.url.rsplit(':').next().unwrap().trim_end_matches("/mcp").to_owned();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let rebinding = Resolver::Custom(Arc::new(move |_| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        vec![if first { "8.8.8.8" } else { "127.0.0.1" }.parse().unwrap()]
    }));
    let client = egress(&[], rebinding);
    let url = format!("http://rebinding.example:{port}/mcp");
    client.check_url(&url).await.unwrap();
    for revision in 0..100 {
        let pool = Pool::new(PoolConfig::new(client.clone(), Clock::System));
        let mut target = target(&url);
        target.revision = revision;
        let error = fails(&pool, &target, tool("a", &json!({}))).await;
        assert!(error.contains("SSRF_ALLOW_LOCALHOST") && !error.contains("127.0.0.1"), "{error}");
    }
    assert!(server.kinds().is_empty(), "{:?}", server.kinds());
}

#[tokio::test]
async fn a_forbidden_url_is_refused_without_a_connection() {
    let server = Raw::serve(|_| empty(500)).await;
    let pool = Pool::new(PoolConfig::new(egress(&[], Resolver::System), Clock::System));
    for url in [server.url.clone(), server.url.replace("127.0.0.1", "localhost")] {
        let error = fails(&pool, &target(&url), tool("a", &json!({}))).await;
        assert!(error.contains("SSRF_ALLOW_LOCALHOST=true"), "{error}");
    }
    let error = fails(&pool, &target("http://me:t0p-s3cret@example.com/"), tool("a", &json!({}))).await;
    assert!(error.contains("user name or password"), "{error}");
    assert!(server.kinds().is_empty());
}

#[tokio::test]
async fn a_server_without_tls_is_named_as_such() {
    let server = Raw::serve(|_| empty(500)).await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let error = fails(&super::pool(), &target(&url), tool("a", &json!({}))).await;
    assert!(error.starts_with("The server Peer cannot be reached: TLS failed: "), "{error}");
    assert!(server.kinds().is_empty());
}
