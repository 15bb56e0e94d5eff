//! A rewritten text that remembers where its bytes came from.
//!
//! Runs that were copied share one entry, so that the memory follows the number of rewritten places and not the size.

use std::ops::Range;

#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Where the piece starts in the view.
    at: usize,
    /// Where its source starts.
    from: usize,
    /// Length of the source; the piece is a copy when `copied`.
    length: usize,
    copied: bool,
}

/// A text made from another one.
#[derive(Debug)]
pub(crate) struct View {
    text: String,
    pieces: Vec<Piece>,
    seams: Vec<Range<usize>>,
}

impl View {
    /// A copy of the whole source.
    pub(crate) fn copy(text: String) -> Self {
        let piece = Piece { at: 0, from: 0, length: text.len(), copied: true };
        Self { text, pieces: vec![piece], seams: Vec::new() }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where it differs from its source, in order: what was written, and where something was left out.
    pub(crate) fn seams(&self) -> &[Range<usize>] {
        &self.seams
    }

    /// The bytes of the source from which these were made.
    pub(crate) fn source(&self, span: Range<usize>) -> Range<usize> {
        let start = self.piece(span.start).map_or(0, |piece| {
            if piece.copied { piece.from + (span.start - piece.at).min(piece.length) } else { piece.from }
        });
        let last = span.end.saturating_sub(1).max(span.start);
        let end = self.piece(last).map_or(start, |piece| {
            if piece.copied {
                piece.from + (span.end.max(piece.at) - piece.at).min(piece.length)
            } else {
                piece.from + piece.length
            }
        });
        start..end.max(start)
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        let after = self.pieces.partition_point(|piece| piece.at <= at);
        self.pieces.get(after.checked_sub(1)?)
    }
}

/// Writes a view from its source, left to right. ASCII letters become small: rules ignore case.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    text: String,
    pieces: Vec<Piece>,
    seams: Vec<Range<usize>>,
}

impl Builder {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ..Self::default() }
    }

    /// Copies a piece of the source that starts at `from`.
    pub(crate) fn copy(&mut self, part: &str, from: usize) {
        let start = self.text.len();
        self.copy_as_is(part, from);
        self.make_small(start);
    }

    /// The same with its capital letters.
    pub(crate) fn copy_as_is(&mut self, part: &str, from: usize) {
        if part.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if last.copied && last.from + last.length == from => last.length += part.len(),
            _ => {
                let at = self.text.len();
                self.pieces.push(Piece { at, from, length: part.len(), copied: true });
            }
        }
        self.text.push_str(part);
    }

    /// Writes `part` in place of `length` bytes of the source at `from`.
    pub(crate) fn replace(&mut self, part: &str, from: usize, length: usize) {
        let at = self.text.len();
        match self.seams.last_mut() {
            Some(last) if last.end == at => last.end += part.len(),
            _ => self.seams.push(at..at + part.len()),
        }
        if !part.is_empty() {
            self.pieces.push(Piece { at: self.text.len(), from, length, copied: false });
            self.text.push_str(part);
            self.make_small(at);
        }
    }

    fn make_small(&mut self, start: usize) {
        if let Some(new) = self.text.get_mut(start..) {
            new.make_ascii_lowercase();
        }
    }

    pub(crate) fn finish(self) -> View {
        View { text: self.text, pieces: self.pieces, seams: self.seams }
    }
}
