//! The HTTP+SSE transport, which no maintained server crate offers any more: the server is written out.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::gateway::Transport;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use upstream::{Change, ListKind, Pool, Target};

use super::{
    by, done, events, fails, pool,
    raw::{Raw, Seen, body, empty, pieces},
    result, target, tool,
};

type Streams = Arc<Mutex<Vec<mpsc::UnboundedSender<Bytes>>>>;

/// A server whose first event is `endpoint`, and the streams it has open.
async fn serve(endpoint: &'static str) -> (Raw, Streams) {
    let streams = Streams::default();
    let open = Arc::clone(&streams);
    let server = Raw::serve(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/mcp") => {
            let (sender, receiver) = mpsc::unbounded_channel();
            let at = open.lock().unwrap().len();
            let endpoint = endpoint.replace("{}", &at.to_string());
            sender.send(Bytes::from(format!("event: endpoint\ndata: {endpoint}\n\n"))).unwrap();
            open.lock().unwrap().push(sender);
            let receiver = Mutex::new(receiver);
            pieces(
                "text/event-stream",
                stream::poll_fn(move |context| {
                    receiver.lock().unwrap().poll_recv(context).map(|bytes| bytes.map(Ok))
                }),
            )
        }
        ("POST", path) if path.starts_with("/messages?session=") => {
            let at: usize = path.rsplit('=').next().unwrap().parse().unwrap();
            let sender = open.lock().unwrap()[at].clone();
            for message in reply(seen) {
                let event = format!("event: message\ndata: {message}\n\n");
                if sender.send(Bytes::from(event)).is_err() {
                    return body(404, "text/plain", "no such session");
                }
            }
            empty(202)
        }
        _ => empty(405),
    })
    .await;
    (server, streams)
}

fn reply(seen: &Seen) -> Vec<Value> {
    let (id, params) = (&seen.body["id"], &seen.body["params"]);
    let done = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
    match seen.kind() {
        "initialize" => vec![done(json!({
            "protocolVersion": "2024-11-05", "capabilities": {"tools": {"listChanged": true}},
            "serverInfo": {"name": "old", "version": "0"},
        }))],
        "tools/list" => vec![done(json!({"tools": [{"name": "a"}]}))],
        "tools/call" if params["name"] == "count" => {
            let token = &params["_meta"]["progressToken"];
            let progress = json!({"progressToken": token, "progress": 1});
            let note = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress});
            vec![note, done(json!({"counted": true}))]
        }
        "tools/call" if params["name"] == "wait" => vec![],
        "tools/call" => vec![done(params["arguments"].clone())],
        _ => vec![],
    }
}

fn sse(url: &str) -> Target {
    Target { transport: Transport::Sse, ..target(url) }
}

#[tokio::test]
async fn an_old_server_is_connected_listed_and_called() {
    let (server, streams) = serve("/messages?session={}").await;
    let (pool, target) = (pool(), sse(&server.url));
    let mut notices = pool.notices();
    let connected = pool.connect(&target).await.unwrap();
    assert_eq!(connected.dialect.version, "2024-11-05");
    assert_eq!(pool.list(&target, ListKind::Tools).await.unwrap().len(), 1);
    for principal in ["ann", "bob", "ann"] {
        let outcome =
            done(pool.clone(), &target, by(principal, tool("echo", &json!({"by": principal})))).await;
        assert_eq!(result(outcome), json!({"by": principal}));
    }
    assert_eq!(streams.lock().unwrap().len(), 3, "the gateway's own, Ann's and Bob's");

    let mut call = tool("count", &json!({}));
    call.context.progress = true;
    let (notes, outcome) = events(pool.call(&Arc::new(target.clone()), call).await.unwrap()).await;
    assert_eq!(notes, [r#"notifications/progress {"progress":1}"#]);
    assert_eq!(result(outcome), json!({"counted": true}));

    let changed = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    streams.lock().unwrap()[0].send(Bytes::from(changed)).unwrap();
    assert_eq!(notices.recv().await.unwrap().change, Change::Tools);
    pool.shutdown().await;
}

#[tokio::test]
async fn the_old_transport_is_found_by_probing() {
    let (server, _) = serve("/messages?session={}").await;
    let connected = pool().connect(&target(&server.url)).await.unwrap();
    assert_eq!((connected.dialect.version.as_str(), connected.dialect.modern), ("2024-11-05", false));
    assert_eq!(server.kinds()[..3], ["server/discover", "initialize", "GET"]);
}

#[tokio::test]
async fn an_endpoint_at_another_place_is_refused() {
    for endpoint in
        ["http://169.254.169.254/", "//evil.example/messages", "https://127.0.0.1/", "http://a@b/"]
    {
        let (server, _) = serve(endpoint).await;
        let error = pool().connect(&sse(&server.url)).await.unwrap_err().to_string();
        assert!(error.contains("endpoint at another place"), "{endpoint}: {error}");
    }
}

/// Calls a tool that does not answer, and waits until the server has the call.
async fn waiting(pool: &Pool, target: &Target, server: &Raw) -> tokio::task::JoinHandle<String> {
    let (pool, target) = (pool.clone(), target.clone());
    let call = tokio::spawn(async move { fails(&pool, &target, tool("wait", &json!({}))).await });
    while server.of("tools/call").is_empty() {
        tokio::task::yield_now().await;
    }
    call
}

#[tokio::test]
async fn a_stream_that_ends_fails_who_waits_and_is_opened_again() {
    let (server, streams) = serve("/messages?session={}").await;
    let (pool, target) = (pool(), sse(&server.url));
    let call = waiting(&pool, &target, &server).await;
    drop(streams.lock().unwrap().drain(..));
    assert!(call.await.unwrap().contains("broke the connection"));
    let outcome = done(pool, &target, tool("echo", &json!({"x": 1}))).await;
    assert_eq!(result(outcome), json!({"x": 1}));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() {
    let (server, _) = serve("/messages?session={}").await;
    let (pool, target) = (pool(), sse(&server.url));
    let call = waiting(&pool, &target, &server).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    pool.shutdown().await;
    let cancelled = server.of("notifications/cancelled");
    assert_eq!(cancelled[0].body["params"]["requestId"], server.of("tools/call")[0].body["id"]);
}
