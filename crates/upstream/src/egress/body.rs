//! Reading replies with a limit on their size.

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection broke.
    #[error("the connection broke while the answer was read")]
    Broken,
    /// It is larger than the limit.
    #[error("the answer is larger than {0} bytes (UPSTREAM_MAX_RESPONSE_BYTES)")]
    TooLarge(u64),
}

/// The whole body, not copied if it came in one piece.
pub(crate) async fn collect(mut body: Incoming, limit: u64) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit {
        return Err(BodyError::TooLarge(limit));
    }
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let size = (first.len() + more.len() + data.len()) as u64;
        if size > limit {
            return Err(BodyError::TooLarge(limit));
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            more.extend_from_slice(&std::mem::take(&mut first));
            more.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}
