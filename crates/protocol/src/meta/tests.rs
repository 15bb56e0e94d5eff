use super::*;

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

fn context(meta: &str) -> Result<ClientContext, Refusal> {
    let text = raw(&format!(r#"{{"_meta":{meta}}}"#));
    let params = Params::parse(Some(&text)).unwrap();
    ClientContext::read(&params)
}

const BASE: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"x":1e400}"#;

#[test]
fn a_full_context_is_read() {
    let read = context(&format!(
        r#"{{{BASE},"io.modelcontextprotocol/clientInfo":{{"name":"desk"}},"io.modelcontextprotocol/logLevel":"warning","progressToken":"p1"}}"#
    ))
    .unwrap();
    assert_eq!(read.version, "2026-07-28");
    assert_eq!(read.capabilities.get(), r#"{"x":1e400}"#);
    assert_eq!(read.client_info.unwrap().get(), r#"{"name":"desk"}"#);
    assert_eq!(read.log_level.as_deref(), Some("warning"));
    assert_eq!(read.progress_token.unwrap().get(), "\"p1\"");
    let small = context(&format!("{{{BASE}}}")).unwrap();
    assert!(small.client_info.is_none() && small.log_level.is_none() && small.progress_token.is_none());
}

#[test]
fn missing_and_mistyped_keys_are_named() {
    for (meta, key) in [
        ("{}".to_owned(), "protocolVersion"),
        (r#"{"io.modelcontextprotocol/protocolVersion":7}"#.to_owned(), "protocolVersion"),
        (r#"{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}"#.to_owned(), "clientCapabilities"),
        (format!(r#"{{{BASE},"io.modelcontextprotocol/clientInfo":"x"}}"#), "clientInfo"),
        (format!(r#"{{{BASE},"io.modelcontextprotocol/logLevel":"loud"}}"#), "logLevel"),
        (format!(r#"{{{BASE},"progressToken":{{}}}}"#), "progressToken"),
    ] {
        let refusal = context(&meta).unwrap_err();
        assert_eq!((refusal.status(), refusal.rpc().unwrap().code), (400, -32602), "{meta}");
        assert!(refusal.message().contains(key), "{}", refusal.message());
    }
}

#[test]
fn edits_are_shallow() {
    let params = raw(r#"{"name":"x","_meta":{"v":1e400,"progressToken":1,"w":{ }},"arguments":{ "a":1 }}"#);
    let edit = MetaEdit::next_hop().set(PROGRESS_TOKEN, json::raw_number(9)).set_text("t", "z").remove("w");
    let edited = with_meta(Some(&params), &edit).unwrap();
    assert_eq!(
        edited.get(),
        r#"{"name":"x","_meta":{"v":1e400,"progressToken":9,"t":"z"},"arguments":{ "a":1 }}"#
    );
}

#[test]
fn an_edited_object_can_be_edited_again() {
    let params = raw(r#"{"_meta":{"a":1,"b":2},"name":"x"}"#);
    let mut object = RawObject::parse(&params).unwrap();
    MetaEdit::new().remove("a").set_text("c", "d").apply(&mut object).unwrap();
    MetaEdit::new().remove("c").set("e", json::raw_number(5)).apply(&mut object).unwrap();
    assert_eq!(object.to_raw().get(), r#"{"_meta":{"b":2,"e":5},"name":"x"}"#);
}

#[test]
fn an_empty_meta_disappears() {
    let params = raw(r#"{"name":"x","_meta":{"progressToken":1}}"#);
    assert_eq!(with_meta(Some(&params), &MetaEdit::next_hop()).unwrap().get(), r#"{"name":"x"}"#);
    assert_eq!(with_meta(None, &MetaEdit::new()).unwrap().get(), "{}");
    assert_eq!(
        with_meta(Some(&raw(r#"{"_meta":null}"#)), &MetaEdit::new().set_text("a", "b")).unwrap().get(),
        r#"{"_meta":{"a":"b"}}"#
    );
    assert!(with_meta(Some(&raw(r#"{"_meta":[]}"#)), &MetaEdit::new()).is_err());
}
