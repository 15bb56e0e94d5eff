//! Writing messages into one buffer each; payloads are copied, never re-encoded.

use serde_json::value::RawValue;

use super::{Id, RpcError};
use crate::json::{self, RawObject};

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

/// A request whose parameters are still in parts.
pub fn write_request_of(id: &Id, method: &str, params: &RawObject<'_>) -> Vec<u8> {
    let size: usize = params.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum();
    let mut out = begin(Some(id), method, size);
    out.extend_from_slice(br#","params":"#);
    params.write(&mut out);
    out.push(b'}');
    out
}

/// A notification.
pub fn write_notification(method: &str, params: Option<&RawValue>) -> Vec<u8> {
    call(None, method, params)
}

fn call(id: Option<&Id>, method: &str, params: Option<&RawValue>) -> Vec<u8> {
    let mut out = begin(id, method, params.map_or(0, |params| params.get().len()));
    if let Some(params) = params {
        member(&mut out, "params", params.get());
    }
    out.push(b'}');
    out
}

/// The envelope up to the parameters, with room for `size` bytes of them.
fn begin(id: Option<&Id>, method: &str, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD.len() + method.len() + size + 64);
    out.extend_from_slice(HEAD);
    if let Some(id) = id {
        member(&mut out, "id", id.as_raw().get());
    }
    out.extend_from_slice(br#","method":"#);
    json::write_text(&mut out, method);
    out
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value.as_bytes());
}
