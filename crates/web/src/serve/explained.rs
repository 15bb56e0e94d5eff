//! What the HTTP parser refuses by itself, with our headers and a word of explanation.
//!
//! The parser answers a request that it cannot read (malformed request line, too many header fields, too large headers)
//! with an empty 400, 414 or 431 of its own, which no layer sees, and closes the connection. Here that answer is told
//! from ours, all of which carry a request id, and another is written in its place.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Makes the answer to a request that could not be read: its head and body, as they go over the wire.
pub(super) type Explain = Arc<dyn Fn(StatusCode) -> Vec<u8> + Send + Sync>;

/// How an answer begins that the parser may have made.
const REFUSAL: &[u8] = b"HTTP/1.1 4";

/// A connection whose parser explains itself.
pub(super) struct Explained<S> {
    stream: S,
    explain: Explain,
    instead: Option<Instead>,
}

/// What is written in place of the parser's answer.
struct Instead {
    text: Vec<u8>,
    written: usize,
    /// Bytes of the parser's answer, which it is told were written.
    of: usize,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S, explain: Explain) -> Self {
        Self { stream, explain, instead: None }
    }
}

/// The status of an answer that is the parser's own: a whole head without a request id.
fn bare(text: &[u8]) -> Option<StatusCode> {
    if !text.starts_with(REFUSAL) || !text.ends_with(b"\r\n\r\n") {
        return None;
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    let status = lines.next()?.get(9..12)?;
    let ours =
        lines.any(|line| line.get(..13).is_some_and(|name| name.eq_ignore_ascii_case(b"x-request-id:")));
    if ours { None } else { StatusCode::from_bytes(status).ok() }
}

impl<S: AsyncWrite + Unpin> Explained<S> {
    /// Writes the explanation on; `None` where there is none to write.
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Option<Poll<io::Result<usize>>> {
        let instead = self.instead.as_mut()?;
        while let Some(rest) = instead.text.get(instead.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(written)) => instead.written += written,
                other => return Some(other),
            }
        }
        let of = instead.of;
        self.instead = None;
        Some(Poll::Ready(Ok(of)))
    }

    /// Whether `text` is the parser's own answer; then the explanation is what is to be written.
    fn takes(&mut self, text: &[u8]) -> bool {
        if self.instead.is_none()
            && let Some(status) = bare(text)
        {
            self.instead = Some(Instead { text: (self.explain)(status), written: 0, of: text.len() });
        }
        self.instead.is_some()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes(buf)
            && let Some(outcome) = self.poll_instead(cx)
        {
            return outcome;
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The parser's answer has no body, so it is in one piece.
        match bufs {
            [only] => self.poll_write(cx, only),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const OWN: &[u8] =
        b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    #[tokio::test]
    async fn the_parsers_answer_is_replaced_and_no_other() {
        let ours = String::from_utf8(OWN.to_vec()).unwrap().replace("connection: close", "X-Request-Id: 1");
        let body = [OWN, b"{}"].concat();
        for (written, expected) in
            [(OWN, &b"why 431"[..]), (ours.as_bytes(), ours.as_bytes()), (&body, &body)]
        {
            // A client that takes four bytes at a time.
            let (mut client, server) = duplex(4);
            let explain: Explain = Arc::new(|status| format!("why {}", status.as_u16()).into_bytes());
            let mut explained = Explained::new(server, explain);
            let write = async {
                explained.write_all(written).await.unwrap();
                explained.shutdown().await.unwrap();
            };
            let mut read = Vec::new();
            let ((), count) = tokio::join!(write, client.read_to_end(&mut read));
            count.unwrap();
            assert_eq!(String::from_utf8_lossy(&read), String::from_utf8_lossy(expected));
        }
    }
}
