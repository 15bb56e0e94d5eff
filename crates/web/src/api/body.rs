//! Reads request bodies, never more than the limit.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use domain::Error;
use http::HeaderMap;
use http_body_util::BodyExt;

use crate::{api::problem::Failure, app::App, replicas::Came};

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// Bytes of a refused body that are read at most.
const DISCARDED: usize = 256 << 20;
/// How long a refused body is read at most.
const DISCARDING: Duration = Duration::from_secs(10);

/// The headers and the whole body, taken and not copied.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// As it arrived, for another process.
    pub(crate) came: Came,
}

impl FromRequest<App> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let came = Came::take(&mut parts);
        let body = read(body, app.settings().limits.max_body_bytes).await;
        let body = body.map_err(|error| Failure(error).into_response())?;
        Ok(Self { headers: parts.headers, body, came })
    }
}

/// Reads a body of at most `limit` bytes. A larger one is refused as soon as that is known: by its declared length,
/// or by the first byte too many.
pub(crate) async fn read(body: Body, limit: u64) -> Result<Bytes, Error> {
    let late = |_| Error::Refused("The request body did not arrive in time".to_owned());
    tokio::time::timeout(PATIENCE, read_all(body, limit)).await.map_err(late)?
}

async fn read_all(mut body: Body, limit: u64) -> Result<Bytes, Error> {
    let too_large = |actual| Error::TooLarge { what: "Request body", limit, actual };
    // What the client declared, where it did.
    if let Some(declared) = body.size_hint().exact().filter(|declared| *declared > limit) {
        discard(body);
        return Err(too_large(declared));
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::invalid("", "the request body could not be read to its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if length > limit {
            discard(body);
            return Err(too_large(length));
        }
        match first.take() {
            // Most bodies arrive in one piece and are not copied.
            None if rest.is_empty() => first = Some(data),
            None => rest.extend_from_slice(&data),
            Some(earlier) => {
                rest.extend_from_slice(&earlier);
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| rest.freeze()))
}

/// Reads and forgets what still comes of a refused body, within bounds. A connection that is closed on unread data
/// is reset, and the reset can overtake the answer that explains the refusal.
pub(crate) fn discard(body: Body) {
    tokio::spawn(async move {
        let mut rest = http_body_util::Limited::new(body, DISCARDED);
        let reading = async { while rest.frame().await.is_some_and(|frame| frame.is_ok()) {} };
        // Out of time or not: the answer was sent long before.
        drop(tokio::time::timeout(DISCARDING, reading).await);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(chunks: &[&'static str], limit: u64) -> Result<Bytes, Error> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        read(body, limit).await
    }

    #[tokio::test]
    async fn bodies_are_joined_up_to_the_limit() {
        assert_eq!(of(&[], 5).await.unwrap(), "");
        assert_eq!(of(&["ab"], 5).await.unwrap(), "ab");
        assert_eq!(of(&["ab", "cd", "e"], 5).await.unwrap(), "abcde");
        assert!(matches!(of(&["ab", "cd", "ef"], 5).await, Err(Error::TooLarge { limit: 5, actual: 6, .. })));
    }

    #[tokio::test]
    async fn a_declared_length_is_enough_to_refuse() {
        assert!(matches!(read(Body::from("abcdef"), 5).await, Err(Error::TooLarge { actual: 6, .. })));
    }
}
