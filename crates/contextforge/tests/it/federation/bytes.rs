//! What the gateway does not understand it passes on as it came, both ways.

use serde_json::json;

use super::{raw::Raw, register};
use crate::app::App;

#[tokio::test]
async fn unknown_members_number_texts_and_key_order_survive_both_ways() {
    let app = App::with(&[], &[]).await;
    let admin = app.admin();
    let result = r#"{"zeta":{"b":1e400,"a":-0.0},"content":[{"vendor":12345678901234567890,"type":"text","text":"\u00e9\/"}],"structuredContent":{"big":1e400, "x":[1,  2]},"_meta":{"example.com/k":"v"},"isError":false}"#;
    let raw = Raw::tools(
        r#"{"zz":1e400,"name":"t","annotations":{"b":1,"a":2},"inputSchema":{"type":"object","x":1.10}}"#,
        result,
    )
    .await;
    register(&app, "g", &raw.url).await;
    let list = app.mcp_raw("/mcp", &admin, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, &[]).await;
    let list = String::from_utf8(list.body.to_vec()).unwrap();
    let listed =
        r#"{"zz":1e400,"name":"g-t","annotations":{"b":1,"a":2},"inputSchema":{"type":"object","x":1.10}}"#;
    assert!(list.contains(listed), "{list}");

    let arguments = r#"{"z":1e400,"y":12345678901234567890,"x":{"b":1.10,"a":"\u00e9\/"}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":"q","method":"tools\/call","params":{{"vendor":{{"b":1,"a":1e400}},"name":"g-t","arguments":{arguments},"_meta":{{"example.com/trace":[1.0]}}}}}}"#
    );
    let legacy = app.mcp_raw("/mcp", &admin, &body, &[]).await;
    let answer = String::from_utf8(legacy.body.to_vec()).unwrap();
    assert_eq!(answer, format!(r#"{{"jsonrpc":"2.0","id":"q","result":{result}}}"#));
    let got = raw.asked("tools/call").pop().unwrap().body;
    let sent = format!(
        r#"{{"vendor":{{"b":1,"a":1e400}},"name":"t","arguments":{arguments},"_meta":{{"example.com/trace":[1.0]}}}}"#
    );
    assert!(got.contains(&sent), "{got}");

    // The modern era asks for one more member, and takes nothing away.
    let about = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"example.com/trace":[1.0]}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"g-t","arguments":{arguments},"_meta":{about}}}}}"#
    );
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "g-t")];
    let modern = app.mcp_raw("/mcp", &admin, &body, &headers).await;
    let answer = String::from_utf8(modern.body.to_vec()).unwrap();
    let inner = result.trim_start_matches('{').trim_end_matches('}');
    assert!(answer.contains(inner) && answer.contains(r#""resultType":"complete""#), "{answer}");
    let got = raw.asked("tools/call").pop().unwrap().body;
    assert!(got.contains(arguments) && got.contains(r#""example.com/trace":[1.0]"#), "{got}");
    assert!(!got.contains("io.modelcontextprotocol"), "a legacy upstream is told nothing modern: {got}");
}

#[tokio::test]
async fn errors_of_an_upstream_keep_their_code_and_data() {
    let app = App::with(&[], &[]).await;
    let raw = Raw::serve(|seen| match seen.method().as_str() {
        "tools/list" => Some(r#"{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}"#.to_owned()),
        "tools/call" => {
            Some(r#"error:{"vendor":1,"code":-31999,"message":"odd","data":{"b":1e400,"a":2}}"#.to_owned())
        }
        _ => None,
    })
    .await;
    register(&app, "g", &raw.url).await;
    let body = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": { "name": "g-t" } });
    let reply = app.mcp_raw("/mcp", &app.admin(), &body.to_string(), &[]).await;
    let answer = String::from_utf8(reply.body.to_vec()).unwrap();
    for part in [r#""code":-31999"#, r#""message":"odd""#, r#""data":{"b":1e400,"a":2}"#] {
        assert!(answer.contains(part), "{answer}");
    }
}
