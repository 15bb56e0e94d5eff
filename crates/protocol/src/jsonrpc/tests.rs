use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::*;

fn refused(text: &str) -> RpcError {
    parse(text.as_bytes()).unwrap_err().rpc().unwrap()
}

#[test]
fn requests_keep_their_parts() {
    let text =
        br#" {"id":"a\u0062","method":"tools\/call","params":{"x":1e400},"jsonrpc":"2.0","vendor":1} "#;
    let Message::Request { id, method, params } = parse(text).unwrap() else { panic!("a request") };
    assert_eq!(id.to_string(), r#""a\u0062""#);
    assert_eq!(id, Id::from("ab"));
    assert_eq!(method, "tools/call");
    assert_eq!(params.unwrap().get(), r#"{"x":1e400}"#);
    assert_eq!(
        String::from_utf8(write_request(&id, &method, params)).unwrap(),
        r#"{"jsonrpc":"2.0","id":"a\u0062","method":"tools/call","params":{"x":1e400}}"#
    );
}

#[test]
fn notifications_and_responses_are_recognised() {
    let note = parse(br#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#).unwrap();
    assert!(matches!(note, Message::Notification { params: None, .. }));
    let Message::Response { id, outcome } =
        parse(br#"{"jsonrpc":"2.0","id":7,"error":null,"result":{ }}"#).unwrap()
    else {
        panic!("a response")
    };
    assert_eq!(id.unwrap().as_number(), Some(7));
    assert_eq!(outcome.unwrap().get(), "{ }");
    let failed =
        parse(br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no","data":[1]}}"#).unwrap();
    let Message::Response { id: None, outcome: Err(error) } = failed else { panic!("an error without id") };
    assert_eq!((error.code, error.data.unwrap().get()), (-32700, "[1]"));
}

#[test]
fn ids_are_compared_by_meaning() {
    let id = |text: &str| Id::read(&serde_json::from_str::<Box<RawValue>>(text).unwrap());
    let set: HashSet<Id> = ["1", "\"1\"", "\"\\u0031\"", "2"].iter().map(|t| id(t).unwrap()).collect();
    assert_eq!(set.len(), 3, "1, \"1\" (twice) and 2");
    assert_eq!(id("123456789012345678901234567890").unwrap().to_string(), "123456789012345678901234567890");
    for bad in ["null", "1.0", "1e3", "true", "{}", "[1]", "\"\\ud800\""] {
        assert!(id(bad).is_err(), "{bad}");
    }
}

#[test]
fn malformed_text_is_a_parse_error() {
    for text in ["", "{", "[", "nonsense", "{\"jsonrpc\":\"2.0\",}", "[1,]", "{\"a\":1} {}"] {
        assert_eq!(refused(text).code, -32700, "{text}");
    }
    assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err().rpc().unwrap().code, -32700);
}

#[test]
fn invalid_envelopes_name_the_field() {
    for (text, field) in [
        (r#"{"id":1,"method":"x"}"#, "jsonrpc"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"x"}"#, "jsonrpc"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, "jsonrpc"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":"y"}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, "result"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, "error"),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1"}}"#, "error.code"),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","m\u0065thod":"y"}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","Method":"y"}"#, "Method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","paramſ":{}}"#, "paramſ"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","ID":2}"#, "ID"),
        ("3", "object"),
        ("[]", "batches"),
    ] {
        let error = refused(text);
        assert_eq!(error.code, -32600, "{text}");
        assert!(error.message.contains(field), "{text}: {}", error.message);
    }
}

#[test]
fn a_refusal_keeps_the_id_it_could_read() {
    let refusal = parse(br#"{"jsonrpc":"2.0","id":"q1","method":"x","params":[]}"#).unwrap_err();
    assert_eq!(refusal.id(), Some(&Id::from("q1")));
    assert_eq!(refusal.status(), 400);
    let unreadable = parse(br#"{"jsonrpc":"2.0","id":4,"error":{"code":1.5}}"#).unwrap_err();
    assert_eq!(unreadable.id(), Some(&Id::from(4)));
    let text = String::from_utf8(write_error(refusal.id(), &refusal.rpc().unwrap())).unwrap();
    assert!(text.starts_with(r#"{"jsonrpc":"2.0","id":"q1","error":{"code":-32600,"message":"#), "{text}");
}

#[test]
fn hostile_documents_are_refused_quickly() {
    let began = Instant::now();
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{}"#, "{\"a\":".repeat(100_000));
    assert_eq!(refused(&deep).code, -32700);
    assert_eq!(refused(&"[".repeat(100_000)).code, -32700);
    assert_eq!(parse_batch("[".repeat(100_000).as_bytes()).unwrap_err().rpc().unwrap().code, -32700);
    let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refused(&closed).code, -32700);
    // Linear time takes milliseconds even unoptimised; the bound only has to exclude quadratic behaviour.
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn batches_are_read_message_by_message() {
    let text = br#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"n"},7,
        {"jsonrpc":"2.0","id":2,"method":"initialize"},{"jsonrpc":"2.0","id":3,"Method":"x"}]"#;
    let read = parse_batch(text).unwrap();
    let kinds: Vec<bool> = read.iter().map(Result::is_ok).collect();
    assert_eq!(kinds, [true, true, false, false, false]);
    assert_eq!(read[3].as_ref().unwrap_err().id(), Some(&Id::from(2)));
    assert_eq!(parse_batch(b"[]").unwrap_err().rpc().unwrap().code, -32600);
    let many = |n: usize| format!("[{}]", vec![r#"{"jsonrpc":"2.0","method":"n"}"#; n].join(","));
    assert_eq!(parse_batch(many(MAX_BATCH).as_bytes()).unwrap().len(), MAX_BATCH);
    assert_eq!(parse_batch(many(MAX_BATCH + 1).as_bytes()).unwrap_err().rpc().unwrap().code, -32600);
    assert_eq!(parse_batch(br#"{"jsonrpc":"2.0","method":"n"}"#).unwrap().len(), 1);
}

#[test]
fn writers_escape_and_omit() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(text(write_notification("a\"b", None)), r#"{"jsonrpc":"2.0","method":"a\"b"}"#);
    assert_eq!(
        text(write_result(&Id::from(-3), RawValue::NULL)),
        r#"{"jsonrpc":"2.0","id":-3,"result":null}"#
    );
    let error = RpcError::new(-32603, "line\nbreak").with_data(json::raw_number(5));
    assert_eq!(
        text(write_error(None, &error)),
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"line\nbreak","data":5}}"#
    );
}
