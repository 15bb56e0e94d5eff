//! A client's connection that does not wait for ever: not for the first bytes, and not for a client that stops reading.
//!
//! The parser of HTTP/1.1 has a deadline of its own for the headers of a request, but it is chosen only when the first
//! bytes are there; until then the deadline is here. What was read since the last request is kept, within bounds, so
//! that a request with two contradicting lengths can be told from one with one ([`Heard`]): the parser drops one of them.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::Request;
use http::header::TRANSFER_ENCODING;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How a client that speaks HTTP/2 begins (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that are kept of what was read; the parser takes no larger headers.
const KEPT: usize = super::PARSER_MAX_HEADER_BYTES;
/// Memory that an idle connection holds on to for that.
const RESTING: usize = 4 * 1024;

/// A connection with deadlines.
pub(super) struct Watched<S> {
    stream: S,
    patience: Duration,
    /// Until it is known which protocol the client speaks.
    beginning: Option<Beginning>,
    /// While the client does not take what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    heard: Arc<Heard>,
}

struct Beginning {
    /// Bytes of the preface that were read.
    matched: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    /// Watches a connection that was just accepted. `patience` is for the first bytes, and for each write.
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        let beginning = Beginning { matched: 0, deadline: Box::pin(sleep(patience)) };
        Self { stream, patience, beginning: Some(beginning), stalled: None, heard: Arc::default() }
    }

    /// What was read and not yet taken as a request.
    pub(super) fn heard(&self) -> Arc<Heard> {
        Arc::clone(&self.heard)
    }

    fn note(&mut self, bytes: &[u8]) {
        let Some(beginning) = &mut self.beginning else {
            return self.heard.hear(bytes);
        };
        let expected = PREFACE.get(beginning.matched..).unwrap_or_default();
        let same = expected.len().min(bytes.len());
        if bytes.get(..same) != expected.get(..same) {
            // The preface up to here was the beginning of a request line.
            let before = PREFACE.get(..beginning.matched).unwrap_or_default();
            self.heard.hear(before);
            self.heard.hear(bytes);
            self.beginning = None;
        } else if same == expected.len() {
            self.heard.stop();
            self.beginning = None;
        } else {
            beginning.matched += same;
        }
    }

    /// Whether the first bytes are overdue.
    fn overdue(&mut self, cx: &mut Context<'_>) -> bool {
        self.beginning.as_mut().is_some_and(|beginning| beginning.deadline.as_mut().poll(cx).is_ready())
    }

    /// Whether a write has waited for too long; `waiting` says whether it still does.
    fn stuck(&mut self, waiting: bool, cx: &mut Context<'_>) -> bool {
        if !waiting {
            self.stalled = None;
            return false;
        }
        let patience = self.patience;
        self.stalled.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx).is_ready()
    }

    fn written<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.stuck(outcome.is_pending(), cx) {
            return Poll::Ready(Err(late("the client stopped reading")));
        }
        outcome
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        match &outcome {
            Poll::Pending if self.overdue(cx) => return Poll::Ready(Err(late("nothing came in time"))),
            Poll::Ready(Ok(())) => self.note(buf.filled().get(before..).unwrap_or_default()),
            _ => {}
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(outcome, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What was read of an HTTP/1.1 connection since the last request. Nothing is kept of HTTP/2, which has no such lengths.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Option<Vec<u8>>>);

impl Heard {
    fn hear(&self, bytes: &[u8]) {
        let mut kept = self.kept();
        let kept = kept.get_or_insert_default();
        let room = KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    fn stop(&self) {
        *self.kept() = None;
    }

    /// Whether `request`, which was just read, had a `Content-Length` beside its `Transfer-Encoding`. Forgets what was
    /// heard, so it is to be asked once for every request.
    pub(super) fn take_contradiction<B>(&self, request: &http::Request<B>) -> bool {
        let mut kept = self.kept();
        let Some(kept) = kept.as_mut() else { return false };
        let contradicts = request.headers().contains_key(TRANSFER_ENCODING)
            && has_content_length(kept, request.method().as_str());
        kept.clear();
        kept.shrink_to(RESTING);
        contradicts
    }

    fn kept(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the head of the first request with this method has a `Content-Length`.
fn has_content_length(heard: &[u8], method: &str) -> bool {
    let lines = heard.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let begins =
        |line: &&[u8]| line.starts_with(method.as_bytes()) && line.windows(8).any(|part| part == b" HTTP/1.");
    let fields = lines.skip_while(|line| !begins(line)).skip(1).take_while(|line| !line.is_empty());
    let mut names = fields.filter_map(|line| line.split(|byte| *byte == b':').next());
    names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"content-length"))
}

/// Says of a request that it came with two contradicting lengths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoLengths;

/// Marks a request that came with two contradicting lengths, so that it is refused with an explanation.
pub(super) fn mark(request: &mut Request, heard: &Heard) {
    if heard.take_contradiction(request) {
        request.extensions_mut().insert(TwoLengths);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    /// What reading to the end gives after a client sent `bytes` and nothing more.
    async fn after(bytes: &[u8]) -> (Vec<u8>, Option<io::Error>) {
        let (mut client, server): (DuplexStream, DuplexStream) = duplex(1024);
        let mut watched = Watched::new(server, PATIENCE);
        client.write_all(bytes).await.unwrap();
        let mut read = Vec::new();
        let ended = tokio::time::timeout(PATIENCE * 3, watched.read_to_end(&mut read)).await;
        (read, ended.ok().and_then(Result::err))
    }

    #[tokio::test]
    async fn the_first_bytes_have_a_deadline_until_the_protocol_is_known() {
        for unknown in [&b""[..], b"PRI * HTTP/2", b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            let (_, ended) = after(unknown).await;
            assert_eq!(ended.map(|error| error.kind()), Some(io::ErrorKind::TimedOut), "{unknown:?}");
        }
        for known in [&b"G"[..], b"PUT", PREFACE] {
            let (read, ended) = after(known).await;
            assert!(ended.is_none() && read == known, "the parsers have deadlines of their own: {known:?}");
        }
    }

    #[tokio::test]
    async fn a_client_that_stops_reading_is_given_up() {
        let (client, server) = duplex(16);
        let mut watched = Watched::new(server, PATIENCE);
        watched.write_all(&[b'x'; 16]).await.unwrap();
        let failed = watched.write_all(&[b'x'; 16]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_reads_on_starts_the_time_anew() {
        let (mut client, server) = duplex(16);
        let mut watched = Watched::new(server, Duration::from_hours(1));
        let mut context = Context::from_waker(std::task::Waker::noop());
        let mut write = |watched: &mut Watched<DuplexStream>| {
            Pin::new(watched).poll_write(&mut context, &[b'x'; 16]).is_ready()
        };
        assert!(write(&mut watched) && watched.stalled.is_none());
        assert!(!write(&mut watched) && watched.stalled.is_some(), "the time runs");
        client.read_exact(&mut [0; 16]).await.unwrap();
        assert!(write(&mut watched) && watched.stalled.is_none());
    }

    #[test]
    fn two_lengths_are_seen_in_the_head_of_the_request_only() {
        let of = |heard: &str, chunked: bool| {
            let keeper = Heard::default();
            keeper.hear(heard.as_bytes());
            let request = http::Request::post("/mcp");
            let request = if chunked { request.header("transfer-encoding", "chunked") } else { request };
            let request = request.body(()).unwrap();
            let found = keeper.take_contradiction(&request);
            assert!(!keeper.take_contradiction(&request), "it is forgotten");
            found
        };
        let head = "POST /mcp HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(of(head, true));
        assert!(of(
            &format!("rest of a body\r\n{}", head.replace("Content-Length", "content-LENGTH ")),
            true
        ));
        assert!(!of(head, false), "as it would be with the parser's word that there is one length");
        let body = "POST /mcp HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n13\r\nContent-Length: 5\r\n\r\n0\r\n\r\n";
        assert!(!of(body, true));
    }
}
