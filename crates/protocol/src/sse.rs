//! Server-sent events: a push decoder that does not care how the bytes are cut, and an encoder.
//!
//! The decoder follows the HTML standard, except that an event which carries only an id or a retry time is handed
//! on too (with empty data), because resuming a legacy stream needs them. Memory is bounded by the size cap: a
//! larger event ends the stream with an error.

mod decoder;

pub use decoder::{Decoder, Event, SseError};

/// One event with this data, which may have several lines.
pub fn encode(data: impl AsRef<[u8]>) -> Vec<u8> {
    let data = data.as_ref();
    let mut out = Vec::with_capacity(data.len() + 16);
    write_data(&mut out, data);
    out.push(b'\n');
    out
}

/// One event with all its fields; line breaks in the event name and id are left out.
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(event.data.len() + 64);
    for (name, value) in [("event: ", &event.event), ("id: ", &event.id)] {
        if let Some(value) = value {
            out.extend_from_slice(name.as_bytes());
            out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
            out.push(b'\n');
        }
    }
    if let Some(retry) = event.retry {
        out.extend_from_slice(format!("retry: {retry}\n").as_bytes());
    }
    write_data(&mut out, event.data.as_bytes());
    out.push(b'\n');
    out
}

/// A comment that keeps an idle connection open.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

/// Payloads are passed on as they came, so they may contain line breaks (between JSON tokens): each line becomes
/// a field of its own, which the reader joins again.
fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    let mut rest = data;
    loop {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
        rest = match tail {
            [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
            [] => return,
        };
    }
}

#[cfg(test)]
mod tests;
