//! Lines out of a child's pipes, never longer than a limit, and the ring in which the last ones are kept.

use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, PoisonError},
};

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// One step of [`Lines::next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line without its end.
    Whole(Vec<u8>),
    /// The first bytes of a line that is longer than the limit. What follows is the rest of it.
    TooLong(Vec<u8>),
}

/// A reader of lines that holds at most one line of `limit` bytes.
pub(crate) struct Lines<R> {
    reader: R,
    limit: usize,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// Reads lines of at most `limit` bytes.
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self { reader, limit, line: Vec::new() }
    }

    /// The next line; `None` at the end. A last line without an end counts. Loses nothing when it is dropped.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                let last = std::mem::take(&mut self.line);
                return Ok((!last.is_empty()).then_some(Line::Whole(last)));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or(chunk);
            let room = self.limit.saturating_sub(self.line.len());
            if part.len() > room {
                self.line.extend(part.iter().take(room));
                self.reader.consume(room);
                return Ok(Some(Line::TooLong(std::mem::take(&mut self.line))));
            }
            self.line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                let mut line = std::mem::take(&mut self.line);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(Line::Whole(line)));
            }
        }
    }
}

/// The last lines that a child wrote besides its messages, for the operator.
#[derive(Debug, Default)]
pub struct Ring {
    lines: Mutex<VecDeque<String>>,
}

impl Ring {
    /// How many lines are kept.
    pub const LINES: usize = 200;
    /// How many bytes of a line are kept.
    pub const LINE_BYTES: usize = 2048;

    /// Appends a line, cut to [`Ring::LINE_BYTES`] and without control characters: it ends up on terminals.
    pub(crate) fn push(&self, line: &[u8]) {
        let cut = line.get(..Self::LINE_BYTES).unwrap_or(line);
        let text: String = String::from_utf8_lossy(cut)
            .chars()
            .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
            .collect();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::LINES {
            lines.pop_front();
        }
        lines.push_back(text);
    }

    /// What is kept, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8], limit: usize, buffer: usize) -> Vec<Line> {
        let mut lines = Lines::new(tokio::io::BufReader::with_capacity(buffer, text), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        found
    }

    #[tokio::test]
    async fn lines_do_not_depend_on_how_they_arrive() {
        let whole = |text: &str| Line::Whole(text.into());
        for buffer in 1..8 {
            let lines = read(b"ab\r\n\nabcd\nlast", 4, buffer).await;
            assert_eq!(lines, [whole("ab"), whole(""), whole("abcd"), whole("last")]);
        }
    }

    #[tokio::test]
    async fn long_lines_are_cut_at_the_limit() {
        for buffer in 1..8 {
            let lines = read(b"abcdefg\nxy\n", 3, buffer).await;
            let long = |text: &str| Line::TooLong(text.into());
            let rest = [long("abc"), long("def"), Line::Whole("g".into()), Line::Whole("xy".into())];
            assert_eq!(lines, rest);
        }
    }

    #[test]
    fn the_ring_forgets_the_oldest_and_cuts() {
        let ring = Ring::default();
        for n in 0..Ring::LINES + 5 {
            ring.push(format!("\u{1b}[31mline {n}").as_bytes());
        }
        ring.push(&vec![b'x'; Ring::LINE_BYTES * 2]);
        let lines = ring.lines();
        assert_eq!((lines.len(), lines[0].as_str()), (Ring::LINES, " [31mline 6"));
        assert_eq!(lines[Ring::LINES - 1].len(), Ring::LINE_BYTES);
    }
}
