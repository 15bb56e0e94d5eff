//! Writing messages into one buffer each; payloads are copied, never re-encoded.

use serde_json::value::RawValue;

use super::{Id, RpcError};
use crate::json;

const HEAD: &[u8] = br#"{"jsonrpc":"2.0""#;

/// A response that carries a result.
pub fn write_result(id: &Id, result: &RawValue) -> Vec<u8> {
    let (id, result) = (id.as_raw().get(), result.get());
    let mut out = Vec::with_capacity(HEAD.len() + id.len() + result.len() + 20);
    out.extend_from_slice(HEAD);
    member(&mut out, "id", id);
    member(&mut out, "result", result);
    out.push(b'}');
    out
}

/// A response that carries an error; `id` is `null` when the request's id could not be read.
pub fn write_error(id: Option<&Id>, error: &RpcError) -> Vec<u8> {
    let error = json::to_raw(error);
    let mut out = Vec::with_capacity(HEAD.len() + error.get().len() + 64);
    out.extend_from_slice(HEAD);
    member(&mut out, "id", id.map_or("null", |id| id.as_raw().get()));
    member(&mut out, "error", error.get());
    out.push(b'}');
    out
}

/// A request.
pub fn write_request(id: &Id, method: &str, params: Option<&RawValue>) -> Vec<u8> {
    call(Some(id), method, params)
}

/// A notification.
pub fn write_notification(method: &str, params: Option<&RawValue>) -> Vec<u8> {
    call(None, method, params)
}

fn call(id: Option<&Id>, method: &str, params: Option<&RawValue>) -> Vec<u8> {
    let size = params.map_or(0, |params| params.get().len());
    let mut out = Vec::with_capacity(HEAD.len() + method.len() + size + 64);
    out.extend_from_slice(HEAD);
    if let Some(id) = id {
        member(&mut out, "id", id.as_raw().get());
    }
    out.extend_from_slice(br#","method":"#);
    json::write_text(&mut out, method);
    if let Some(params) = params {
        member(&mut out, "params", params.get());
    }
    out.push(b'}');
    out
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value.as_bytes());
}
