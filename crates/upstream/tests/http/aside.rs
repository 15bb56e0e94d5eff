//! What a legacy server says on the stream of the session while it answers in JSON.

use std::sync::Arc;

use futures_util::StreamExt;
use http::Response;
use protocol::abilities::Abilities;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_stream_of::of;
use upstream::{Answer, Event};

use super::{
    events, pool,
    raw::{self, Body, Raw, Seen, empty, pieces},
    target, tool,
};

/// Streams of what is sent on a channel.
mod tokio_stream_of {
    use bytes::Bytes;
    use futures_util::{Stream, stream};
    use tokio::sync::broadcast::Receiver;

    pub(super) fn of(heard: Receiver<Bytes>) -> impl Stream<Item = std::io::Result<Bytes>> + Send + Sync {
        stream::unfold(heard, |mut heard| async { heard.recv().await.ok().map(|text| (Ok(text), heard)) })
    }
}

fn event(message: &Value) -> bytes::Bytes {
    format!("data: {message}\n\n").into()
}

fn log(level: &str, data: &str) -> bytes::Bytes {
    let params = json!({ "level": level, "data": data });
    event(&json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params }))
}

/// A server whose stream of the session is `said`, and whose calls are answered by `call`.
async fn server(
    said: &broadcast::Sender<bytes::Bytes>,
    call: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
) -> Raw {
    let said = said.clone();
    Raw::serve(move |seen| {
        raw::legacy(seen, |seen| match seen.kind() {
            "tools/call" => call(seen),
            "GET" => pieces("text/event-stream", of(said.subscribe())),
            "logging/setLevel" => seen.reply(&json!({})),
            _ => empty(202),
        })
    })
    .await
}

#[tokio::test]
async fn logs_reach_every_call_that_wants_them_also_after_the_reply() {
    let (said, _) = broadcast::channel(16);
    let heard = said.clone();
    let server = server(&said, move |seen| {
        if seen.body["params"]["name"] == "early" {
            heard.send(log("info", "early")).unwrap();
        } else {
            // The reply may overtake it.
            let (heard, late) = (heard.clone(), format!("late {}", seen.body["id"]));
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                heard.send(log("debug", "noise")).unwrap();
                heard.send(log("error", &late)).unwrap();
            });
        }
        seen.reply(&json!({ "content": [] }))
    })
    .await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let call = |name: &str, level: Option<&str>| {
        let mut call = tool(name, &json!({}));
        call.context.log_level = level.map(ToOwned::to_owned);
        pool.call(&target, call)
    };
    // Until it is heard to log there, nothing is waited for.
    while matches!(call("early", Some("info")).await.unwrap(), Answer::Done(_)) {}
    // A busy machine may need longer than is waited for; most calls hear what was said about them.
    let mut own = 0;
    for _ in 0..100 {
        let answer = call("late", Some("info")).await.unwrap();
        if let Answer::Stream(_) = &answer {
            let (notes, outcome) = events(answer).await;
            assert!(outcome.is_ok() && !notes.iter().any(|note| note.contains("noise")), "{notes:?}");
            let sent = server.of("tools/call").last().map(|seen| format!("late {}", seen.body["id"]));
            own +=
                usize::from(notes.iter().any(|note| sent.as_deref().is_some_and(|sent| note.contains(sent))));
        }
        if own == 5 {
            break;
        }
    }
    assert_eq!(own, 5, "calls that heard their own");
    assert!(
        matches!(call("late", None).await.unwrap(), Answer::Done(Ok(_))),
        "who wants none waits for none"
    );
}

#[tokio::test]
async fn servers_that_may_ask_for_roots_are_told_when_they_change() {
    let server = Raw::serve(|seen| {
        raw::legacy(seen, |seen| match seen.kind() {
            "tools/call" => seen.reply(&json!({ "content": [] })),
            _ => empty(202),
        })
    })
    .await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    for (principal, can) in [("ann", Abilities::ROOTS), ("ann", Abilities::NONE), ("bob", Abilities::ROOTS)] {
        let mut call = super::by(principal, tool("a", &json!({})));
        call.context.abilities = can;
        pool.call(&target, call).await.unwrap();
    }
    let declared: Vec<_> =
        server.of("initialize").iter().map(|seen| seen.body["params"]["capabilities"].clone()).collect();
    let roots = json!({ "roots": { "listChanged": true } });
    assert_eq!(declared, [json!({}), roots.clone(), json!({}), roots], "the gateway's own is the first");
    pool.roots_changed("ann");
    pool.roots_changed("cid");
    pool.shutdown().await;
    assert_eq!(server.of("notifications/roots/list_changed").len(), 1);
}

#[tokio::test]
async fn a_question_before_the_answer_begins_reaches_the_call() {
    let (said, _) = broadcast::channel(16);
    let (answered, _) = broadcast::channel::<bytes::Bytes>(16);
    let (asks, waits) = (said.clone(), answered.clone());
    let server = server(&said, move |seen| {
        let reply =
            json!({ "jsonrpc": "2.0", "id": seen.body["id"], "result": { "content": [] } }).to_string();
        let wait = of(waits.subscribe()).take(1).map(move |_| Ok(reply.clone().into()));
        asks.send(event(&json!({ "jsonrpc": "2.0", "id": "q", "method": "roots/list" }))).unwrap();
        pieces("application/json", wait)
    })
    .await;
    let (pool, target) = (pool(), Arc::new(target(&server.url)));
    let mut call = tool("ask", &json!({}));
    call.context.abilities = Abilities::ROOTS;
    let Answer::Stream(mut events) = pool.call(&target, call).await.unwrap() else { panic!("a question") };
    let Some(Event::Asked(ask)) = events.next().await else { panic!("a question") };
    assert_eq!(ask.question.method, "roots/list");
    ask.answer(Ok(serde_json::from_str(r#"{"roots":[]}"#).unwrap()));
    let said = async {
        while !server.of("POST").iter().any(|seen| seen.body["id"] == "q") {
            tokio::task::yield_now().await;
        }
        answered.send(bytes::Bytes::new()).unwrap();
    };
    let (last, ()) = tokio::join!(events.next(), said);
    assert!(matches!(last, Some(Event::Done(Ok(_)))), "{last:?}");
}
