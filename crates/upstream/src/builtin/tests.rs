use std::time::Duration;

use domain::{Clock, Timestamp};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::BuiltinLink;
use crate::call::{Answer, Call, CallContext, Event};

async fn answer(method: &'static str, params: Value) -> Result<Value, i64> {
    let link = BuiltinLink::new(Clock::manual(Timestamp::from_seconds(1_795_341_600)));
    let outcome = link.call(call(method, &params)).await.outcome().await.unwrap();
    outcome.map(|result| serde_json::from_str(result.get()).unwrap()).map_err(|error| error.code)
}

fn call(method: &'static str, params: &Value) -> Call {
    let params = serde_json::value::to_raw_value(params).unwrap();
    let context = CallContext::plain("alice@example.com");
    Call { method: method.into(), params, context, timeout: Duration::from_secs(5) }
}

async fn tool(name: &str, arguments: Value) -> Value {
    answer("tools/call", json!({"name": name, "arguments": arguments})).await.unwrap()
}

#[tokio::test]
async fn every_listed_tool_answers_and_shows_its_kind_of_content() {
    let listed = answer("tools/list", json!({})).await.unwrap();
    let names: Vec<_> =
        listed["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    let expected = ["get_time", "echo", "image", "audio", "resource", "link", "mixed", "fail", "slow_count"];
    assert_eq!(names, expected);
    for (name, arguments, kinds) in [
        ("get_time", json!({"timezone": "+02:00"}), json!(["text"])),
        ("echo", json!({"text": "hello"}), json!(["text"])),
        ("image", json!({}), json!(["image"])),
        ("audio", json!({}), json!(["audio"])),
        ("resource", json!({}), json!(["resource"])),
        ("link", json!({}), json!(["resource_link"])),
        ("mixed", json!({}), json!(["text", "image", "audio", "resource", "resource_link"])),
        ("slow_count", json!({"steps": 2, "delayMs": 0}), json!(["text"])),
    ] {
        let result = tool(name, arguments).await;
        let found: Vec<_> =
            result["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
        assert_eq!(json!(found), kinds, "{name}");
        assert_eq!((&result["resultType"], &result["isError"]), (&json!("complete"), &Value::Null), "{name}");
    }
}

#[tokio::test]
async fn the_time_is_structured_too() {
    let result = tool("get_time", json!({"timezone": "+02:00"})).await;
    let expected =
        json!({"time": "2026-11-22T12:00:00+02:00", "timezone": "+02:00", "unixSeconds": 1_795_341_600});
    assert_eq!(result["structuredContent"], expected);
    assert_eq!(result["content"][0]["text"], expected["time"]);
    let plain = answer("tools/call", json!({"name": "get_time"})).await.unwrap();
    assert_eq!(plain["content"][0]["text"], "2026-11-22T10:00:00Z");
}

#[tokio::test]
async fn failures_and_wrong_arguments_are_results_and_unknown_names_are_errors() {
    for (name, arguments, text) in [
        ("fail", json!({"text": "because"}), "because"),
        ("echo", json!({}), "Invalid arguments: missing field `text`"),
        ("echo", json!({"text": 5}), "Invalid arguments: invalid type: integer `5`, expected a string"),
        ("image", json!({"x": 1}), "Invalid arguments: unknown field `x`, there are no fields"),
        ("slow_count", json!({"steps": 0}), "Invalid arguments: `steps` must be 1 to 100"),
    ] {
        let result = tool(name, arguments).await;
        assert_eq!(
            (&result["isError"], &result["content"][0]["text"]),
            (&json!(true), &json!(text)),
            "{name}"
        );
    }
    for (method, params, code) in [
        ("tools/call", json!({"name": "nothing"}), -32602),
        ("tools/call", json!({}), -32602),
        ("prompts/get", json!({"name": "nothing"}), -32602),
        ("prompts/get", json!({"name": "greet"}), -32602),
        ("resources/read", json!({"uri": "demo://item/../x"}), -32602),
        ("resources/read", json!({"uri": "file:///etc/passwd"}), -32602),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "y", "value": ""}}),
            -32602,
        ),
        ("nothing/at-all", json!({}), -32601),
    ] {
        assert_eq!(answer(method, params).await, Err(code), "{method}");
    }
}

#[tokio::test]
async fn prompts_resources_and_completions_answer() {
    let greeting =
        answer("prompts/get", json!({"name": "greet", "arguments": {"name": "Ada"}})).await.unwrap();
    assert_eq!(greeting["messages"][0]["content"]["text"], "Please greet Ada warmly.");
    let listed = answer("resources/list", json!({})).await.unwrap();
    for resource in listed["resources"].as_array().unwrap() {
        let read = answer("resources/read", json!({"uri": resource["uri"]})).await.unwrap();
        assert_eq!(read["contents"][0]["mimeType"], resource["mimeType"]);
        if let Some(size) = resource["size"].as_u64() {
            assert_eq!(read["contents"][0]["text"].as_str().map(str::len), usize::try_from(size).ok());
        }
    }
    let item = answer("resources/read", json!({"uri": "demo://item/a-1"})).await.unwrap();
    assert_eq!(item["contents"][0]["text"], r#"{"id":"a-1","title":"Item a-1"}"#);
    let prompt =
        json!({"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": "a"}});
    let completed = answer("completion/complete", prompt).await.unwrap();
    assert_eq!(completed["completion"]["values"], json!(["Ada", "Alan"]));
    let template = json!({"ref": {"type": "ref/resource", "uri": "demo://item/{id}"}, "argument": {"name": "id", "value": "2"}});
    let completed = answer("completion/complete", template).await.unwrap();
    assert_eq!(completed["completion"]["values"], json!(["2", "20"]));
}

#[tokio::test]
async fn counting_reports_progress_and_stops_when_time_is_up() {
    let link = BuiltinLink::new(Clock::System);
    let mut counted =
        call("tools/call", &json!({"name": "slow_count", "arguments": {"steps": 2, "delayMs": 0}}));
    counted.context.progress = true;
    let Answer::Stream(events) = link.call(counted.clone()).await else { panic!("no stream") };
    let events: Vec<_> = events.collect().await;
    let progress = |event: &Event| match event {
        Event::Notification { params, .. } => params.as_ref().unwrap().get().to_owned(),
        Event::Asked(ask) => panic!("{ask:?}"),
        Event::Done(outcome) => outcome.as_ref().unwrap().get().to_owned(),
    };
    assert_eq!(events.len(), 3);
    assert_eq!(progress(&events[0]), r#"{"message":"1 of 2","progress":1,"total":2}"#);
    assert!(progress(&events[2]).contains("Counted to 2."));

    let long = call("tools/call", &json!({"name": "slow_count", "arguments": {"delayMs": 5000}}));
    let short = Call { timeout: Duration::from_millis(10), ..long };
    let outcome = link.call(short).await.outcome().await.unwrap();
    assert_eq!(outcome.unwrap_err().code, -32603);
}

#[test]
fn the_server_says_what_it_is() {
    let connected = BuiltinLink::new(Clock::System).connect().unwrap();
    assert!(connected.dialect.modern);
    assert_eq!(connected.capabilities.get(), r#"{"completions":{},"prompts":{},"resources":{},"tools":{}}"#);
}
