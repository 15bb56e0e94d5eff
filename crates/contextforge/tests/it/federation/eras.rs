//! Every era in front of every era: lists, calls, resources, prompts and progress.

use serde_json::json;

use super::{
    client::Client,
    now,
    peer::{Era, Peer},
    register, text,
};
use crate::app::App;

#[tokio::test]
async fn both_eras_work_in_front_of_both() {
    let app = App::with(&[], &[]).await;
    let (modern, legacy) = (Peer::start(Era::Modern).await, Peer::start(Era::Legacy).await);
    let new = register(&app, "New", &modern.url()).await;
    let old = register(&app, "Old", &legacy.url()).await;
    assert_eq!(
        (&new["protocolVersion"], &old["protocolVersion"]),
        (&json!("2026-07-28"), &json!("2025-11-25"))
    );
    assert_eq!(now(&app, &new).await["protocolVersion"], "2026-07-28", "stored");
    assert_eq!((&new["reachable"], &new["toolCount"]), (&json!(true), &json!(38)));
    for client in [Client::modern(&app), Client::legacy(&app).await] {
        let list = client.ask("tools/list", json!({})).await;
        for gateway in ["new", "old"] {
            let cell = format!("{} client, {gateway} upstream", client.era());
            let names: Vec<_> =
                list["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
            assert!(names.contains(&&json!(format!("{gateway}-add"))), "{cell}: {names:?}");
            let add = json!({ "name": format!("{gateway}-add"), "arguments": { "a": 40, "b": 2 } });
            assert_eq!(text(&client.ask("tools/call", add).await), "42", "{cell}");
            let wrong = json!({ "name": format!("{gateway}-test-error-handling"), "arguments": {} });
            let wrong = client.ask("tools/call", wrong).await;
            assert_eq!(wrong["result"]["isError"], true, "{cell}: {wrong}");
            let greet = json!({ "name": format!("{gateway}-test-prompt-with-arguments"), "arguments": { "arg1": "x", "arg2": "y" } });
            let prompt = client.ask("prompts/get", greet).await;
            let said = prompt["result"]["messages"][0]["content"]["text"].as_str();
            assert!(said.is_some_and(|said| said.contains('x') && said.contains('y')), "{cell}: {prompt}");
            let refused = json!({ "name": format!("{gateway}-add"), "arguments": { "a": "no" } });
            let refused = client.ask("tools/call", refused).await;
            assert_eq!(refused["result"]["isError"], true, "{cell}: {refused}");
            let unnamed = json!({ "name": format!("{gateway}-test-prompt-with-arguments"), "arguments": {} });
            let refused = client.ask("prompts/get", unnamed).await;
            assert_eq!(refused["error"]["code"], -32602, "{cell}: {refused}");
            assert!(refused["error"]["message"].as_str().unwrap().contains("arg1"), "{cell}: {refused}");
        }
        for uri in ["test://static-text", "test://template/7/data"] {
            let read = client.ask("resources/read", json!({ "uri": uri })).await;
            assert_eq!(read["result"]["contents"][0]["uri"], uri, "{} client: {read}", client.era());
        }
    }
}

#[tokio::test]
async fn progress_of_an_upstream_comes_in_order() {
    let app = App::with(&[], &[]).await;
    for (era, name) in [(Era::Modern, "new"), (Era::Legacy, "old")] {
        let peer = Peer::start(era).await;
        register(&app, name, &peer.url()).await;
        for client in [Client::modern(&app), Client::legacy(&app).await] {
            let cell = format!("{} client, {name} upstream", client.era());
            let params = json!({ "name": format!("{name}-test-tool-with-progress"), "arguments": {}, "_meta": { "progressToken": "mine" } });
            let messages = client.messages("tools/call", params).await;
            let (last, progress) = messages.split_last().unwrap();
            assert_eq!((&last["id"], text(last)), (&json!(7), "Progress reported."), "{cell}");
            let steps: Vec<_> =
                progress.iter().map(|note| note["params"]["progress"].as_f64().unwrap()).collect();
            assert_eq!(steps, [0.0, 50.0, 100.0], "{cell}");
            assert!(progress.iter().all(|note| note["params"]["progressToken"] == "mine"), "{cell}");
            assert_eq!(progress[1]["params"]["message"], "Completed step 50 of 100", "{cell}");
        }
    }
}
