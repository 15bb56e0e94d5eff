//! What is known of a request the moment it arrives: its id, where it came from and over what.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{extract::Request, response::Response};
use domain::Caller;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::USER_AGENT};

use super::{Peer, path::without_secret, proxy::Proxies};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// A request that has arrived.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) caller: Caller,
    /// The client's own id for the request, where it is harmless.
    pub(super) correlation_id: Option<HeaderValue>,
    pub(super) method: Method,
    /// Without the query, and without secrets that stand in the path.
    pub(super) path: Box<str>,
    /// Whether the client's connection is encrypted, as far as a trusted proxy says so.
    pub(super) https: bool,
}

impl Arrival {
    pub(super) fn of(request: &Request, proxies: &Proxies) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
        let caller = Caller {
            ip: peer.and_then(|peer| proxies.client(peer, headers)),
            user_agent: user_agent(headers),
            request_id: new_request_id(),
            via: "api",
        };
        Self {
            caller,
            correlation_id: headers.get(CORRELATION_ID).filter(|id| harmless(id)).cloned(),
            method: request.method().clone(),
            path: without_secret(request.uri().path()).into(),
            https: peer.is_some_and(|peer| proxies.says_https(peer, headers)),
        }
    }

    /// Lets guards find the caller.
    pub(super) fn attach(&self, request: &mut Request) {
        request.extensions_mut().insert(self.caller.clone());
    }

    /// Writes the ids into the answer.
    pub(super) fn mark(&self, response: &mut Response) {
        put_id(response, &self.caller.request_id);
        if let Some(id) = &self.correlation_id {
            response.headers_mut().insert(CORRELATION_ID, id.clone());
        }
    }
}

/// Gives an answer an id of its own, where no request arrived.
pub(super) fn name(response: &mut Response) {
    put_id(response, &new_request_id());
}

fn put_id(response: &mut Response, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

/// 32 hexadecimal digits: random for the process, then counted. Unique, and cheaper than a random number each.
fn new_request_id() -> Arc<str> {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}{:016x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

fn harmless(id: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=128).contains(&id.len()) && id.as_bytes().iter().all(plain)
}

fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = String::from_utf8_lossy(headers.get(USER_AGENT)?.as_bytes());
    let end = text.char_indices().nth(255).map_or(text.len(), |(at, _)| at);
    text.get(..end).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_unique_and_plain() {
        let (one, other) = (new_request_id(), new_request_id());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn only_harmless_correlation_ids_are_echoed() {
        let of = |text: &[u8]| harmless(&HeaderValue::from_bytes(text).unwrap());
        assert!(of(b"abc-DEF_1"));
        assert!(!of(b"") && !of(b"a b") && !of(b"a=1") && !of("\u{e9}".as_bytes()) && !of(&[b'a'; 129]));
    }

    #[test]
    fn user_agents_are_cut() {
        let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_bytes(&[b'a'; 300]).unwrap())]);
        assert_eq!(user_agent(&headers).unwrap().len(), 255);
    }
}
