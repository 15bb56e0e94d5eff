//! Connections that cost the gateway something and the client nothing.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::app::App;

fn address(app: &App) -> SocketAddr {
    app.base.trim_start_matches("http://").parse().unwrap()
}

/// A connection from an address of this machine, after `sent` was written to it.
async fn open(app: &App, from: [u8; 4], sent: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut stream = socket.connect(address(app)).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream
}

/// Everything until the gateway closes; a reset is a way to close.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let reading = tokio::time::timeout(std::time::Duration::from_secs(30), stream.read_to_end(&mut read));
    drop(reading.await.expect("the gateway closes the connection"));
    String::from_utf8_lossy(&read).into_owned()
}

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn silent_connections_are_closed() {
    let app = App::with(&[("HEADER_TIMEOUT_SECONDS", "1")], &[]).await;
    let unfinished: [&[u8]; 6] = [
        b"",
        b"P",
        b"PRI * HTTP/2",
        b"G",
        b"GET / HTTP/1.1\r\nHost: lo",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ];
    let mut open_now = Vec::new();
    for sent in unfinished {
        open_now.push(open(&app, [127, 0, 0, 1], sent).await);
    }
    for mut stream in open_now {
        rest(&mut stream).await;
    }
    assert!(rest(&mut open(&app, [127, 0, 0, 1], HEALTH).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn one_address_cannot_have_every_connection() {
    let vars = [("MAX_CONNECTIONS_PER_ADDRESS", "4"), ("MAX_CONNECTIONS", "6")];
    let app = App::with(&vars, &[]).await;
    let (one, other) = ([127, 0, 0, 2], [127, 0, 0, 3]);
    // The beginning of a request: the place is taken as soon as the gateway has read it.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(open(&app, one, b"GET /").await);
    }
    assert_eq!(rest(&mut open(&app, one, b"").await).await, "", "the fifth is closed at once");
    assert!(rest(&mut open(&app, other, HEALTH).await).await.starts_with("HTTP/1.1 200"));
    let free = async || rest(&mut open(&app, other, HEALTH).await).await.starts_with("HTTP/1.1 200");
    app.until(free).await;
    let _more = [open(&app, other, b"GET /").await, open(&app, other, b"GET /").await];
    assert_eq!(rest(&mut open(&app, [127, 0, 0, 4], b"").await).await, "", "six are there in all");
    held.pop();
    app.until(async || rest(&mut open(&app, one, HEALTH).await).await.starts_with("HTTP/1.1 200")).await;
}

#[tokio::test]
async fn trusted_proxies_are_not_counted_as_one_client() {
    let vars = [("MAX_CONNECTIONS_PER_ADDRESS", "1"), ("TRUSTED_PROXY_CIDRS", "127.0.0.2/32")];
    let app = App::with(&vars, &[]).await;
    let proxy = [127, 0, 0, 2];
    let _held = [open(&app, proxy, b"GET /").await, open(&app, proxy, b"GET /").await];
    assert!(rest(&mut open(&app, proxy, HEALTH).await).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn two_contradicting_lengths_are_refused() {
    let app = App::with(&[], &[]).await;
    let second = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lengths}\r\n"
        );
        let sent = format!("{head}0\r\n\r\n{second}");
        let answer = rest(&mut open(&app, [127, 0, 0, 1], sent.as_bytes()).await).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("x-content-type-options") && answer.contains("not both"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "what follows is not served: {answer}");
    }
    let chunked = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let answer = rest(&mut open(&app, [127, 0, 0, 1], chunked.as_bytes()).await).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "one length is one length: {answer}");
}

#[tokio::test]
async fn what_is_no_http_is_refused_with_headers_and_a_reason() {
    let app = App::start().await;
    let many = "x-h: v\r\n".repeat(250);
    let cases = [
        ("GET /health HTTP/1.1\r\nHo st: localhost\r\n\r\n".to_owned(), "400 Bad Request", "not valid HTTP"),
        ("NONSENSE\r\n\r\n".to_owned(), "400 Bad Request", "not valid HTTP"),
        (format!("GET /health HTTP/1.1\r\n{many}\r\n"), "431 Request Header Fields Too Large", "too many"),
    ];
    for (sent, status, why) in cases {
        let answer = rest(&mut open(&app, [127, 0, 0, 1], sent.as_bytes()).await).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{status}: {answer:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
        for header in [
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "x-request-id: ",
            "connection: close",
        ] {
            assert!(head.contains(header), "{status}: {header} is missing in {head}");
        }
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["detail"].as_str().unwrap().contains(why), "{body}");
    }
}
