//! The protocol's share of a `tools/call`, without sockets, and of relaying a large result: `cargo bench -p protocol`.
//!
//! The bars are 3 microseconds for the first and one millisecond for the second.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue};
use protocol::{
    era, headers,
    json::{RawObject, raw_number, raw_text},
    jsonrpc::{self, Id, Message},
    meta::{self, MetaEdit},
    params::Params,
    result, sse, version,
};

const CALL: &str = r#"{"jsonrpc":"2.0","id":"c-81","method":"tools/call","params":{"name":"ledger-post_entry","arguments":{"region":"eu-west-1","amount":12.50,"lines":[{"account":"4711","text":"Paper"},{"account":"4712","text":"Ink"}]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}},"io.modelcontextprotocol/clientInfo":{"name":"desk","version":"4.2"},"progressToken":"p1"}}}"#;
const REPLY: &str = r#"{"jsonrpc":"2.0","id":42,"result":{"resultType":"complete","content":[{"type":"text","text":"posted"}],"isError":false}}"#;
const BARE_REPLY: &str =
    r#"{"jsonrpc":"2.0","id":42,"result":{"content":[{"type":"text","text":"posted"}],"isError":false}}"#;

fn lines() -> HeaderMap {
    let lines = [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "ledger-post_entry"),
    ];
    let line = |(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value));
    lines.into_iter().map(line).collect()
}

/// From the client's bytes to the upstream's: parse, check, rewrite.
fn onwards(lines: &HeaderMap, text: &[u8]) -> Option<(Id, Vec<u8>)> {
    let Ok(Message::Request { id, method, params }) = jsonrpc::parse(text) else { return None };
    headers::check_media(lines).ok()?;
    let params = Params::parse(params).ok()?;
    let era = era::admit(lines, &method, &params).ok()?.era();
    let capabilities = params.meta_value(meta::CLIENT_CAPABILITIES)?.to_owned();
    let edit = MetaEdit::next_hop()
        .set(meta::PROTOCOL_VERSION, raw_text(era.version()))
        .set(meta::CLIENT_CAPABILITIES, capabilities)
        .set(meta::PROGRESS_TOKEN, raw_number(42));
    let mut object = params.into_object();
    object.set_text("name", "post_entry");
    edit.apply(&mut object).ok()?;
    black_box(headers::standard(version::MODERN, &method, Some("post_entry")));
    Some((id, jsonrpc::write_request_of(&Id::from(42), &method, &object)))
}

/// From the upstream's bytes to the client's.
fn back(id: &Id, text: &[u8]) -> Option<Vec<u8>> {
    let Ok(Message::Response { outcome: Ok(outcome), .. }) = jsonrpc::parse(text) else { return None };
    Some(jsonrpc::write_result(id, &result::to_modern(outcome, None, None).ok()?))
}

fn small(criterion: &mut Criterion) {
    let lines = lines();
    for (name, reply) in
        [("tools/call, modern upstream", REPLY), ("tools/call, upstream without resultType", BARE_REPLY)]
    {
        assert!(
            onwards(&lines, CALL.as_bytes()).is_some_and(|(id, _)| back(&id, reply.as_bytes()).is_some())
        );
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (id, sent) = onwards(&lines, black_box(CALL.as_bytes()))?;
                Some((sent, back(&id, black_box(reply.as_bytes()))?))
            });
        });
    }
}

fn large(criterion: &mut Criterion) {
    let text = "0123456789abcdef".repeat(1 << 16);
    let mut content = RawObject::new();
    content.set_text("type", "text");
    content.set_text("text", &text);
    let reply = format!(
        r#"{{"jsonrpc":"2.0","id":42,"result":{{"resultType":"complete","content":[{}]}}}}"#,
        content.to_raw()
    );
    let mut group = criterion.benchmark_group("a result of 1 MiB");
    group.throughput(Throughput::Bytes(reply.len() as u64));
    let id = Id::from("c-81");
    assert!(back(&id, reply.as_bytes()).is_some());
    group.bench_function("as JSON", |bencher| bencher.iter(|| back(&id, black_box(reply.as_bytes()))));
    let event = Bytes::from(sse::encode(reply.into_bytes()));
    group.bench_function("as an event stream", |bencher| {
        bencher.iter(|| {
            let mut decoder = sse::Decoder::new(8 << 20);
            let events = decoder.push(black_box(&event)).ok()?;
            let data = &events.first()?.data;
            Some(sse::encode(back(&id, data.as_bytes())?))
        });
    });
    group.finish();
}

criterion_group!(benches, small, large);
criterion_main!(benches);
