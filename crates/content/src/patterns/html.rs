//! Markup read tag by tag, with places.
//!
//! Not a document parser on purpose: *every* `<` that could open a tag is read as one, whatever surrounds it, so that no
//! disagreement with a browser about comments, quotes or raw text can hide a tag. Attributes follow the HTML standard's
//! grammar. A tag ends at the next `<` outside of values. Tags that lie in the values of others are read for themselves, so
//! that a text of nothing but openings would be read once for each; how often it may be is bounded, and a text that is
//! beyond the bound says so. Texts come in small letters.

use std::ops::Range;

/// Attributes beyond this are not read; no tag needs them.
const MOST_ATTRIBUTES: usize = 64;

/// How often all bytes of a text may be read for tags in the values of tags. Documents do with less than two.
const MOST_READINGS: usize = 4;
/// What short texts may read besides.
const SPARE: usize = 16 * 1024;

/// A tag that could be one.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// The name without the prefix of a namespace.
    pub(super) name: &'a str,
    pub(super) attributes: Vec<(&'a str, &'a str)>,
    pub(super) span: Range<usize>,
    /// Whether a `>` ended it.
    pub(super) closed: bool,
}

impl Tag<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| *known == name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// Reads the tags of a text.
pub(super) struct Tags<'a> {
    text: &'a str,
    at: usize,
    /// Bytes that may still be read.
    left: usize,
}

impl<'a> Tags<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, left: text.len() * MOST_READINGS + SPARE }
    }

    /// Where reading was given up, because tags lie in each other more often than in any document.
    pub(super) const fn given_up(&self) -> Option<usize> {
        if self.left == 0 { Some(self.at) } else { None }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        while self.left > 0 {
            let open = self.at + self.text.get(self.at..)?.find('<')?;
            self.at = open + 1;
            let rest = self.text.get(self.at..)?;
            if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let tag = tag(self.text, open);
                self.left = self.left.saturating_sub(tag.span.len());
                return Some(tag);
            }
        }
        None
    }
}

fn tag(text: &str, open: usize) -> Tag<'_> {
    let mut reader = Reader { text, at: open + 1 };
    let full = reader.until(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'<'));
    let name = full.rsplit_once(':').map_or(full, |(_, local)| local);
    let mut attributes = Vec::new();
    while attributes.len() < MOST_ATTRIBUTES {
        reader.skip(|b| b.is_ascii_whitespace() || b == b'/');
        match reader.peek() {
            None | Some(b'>' | b'<') => break,
            Some(_) => attributes.push(reader.attribute()),
        }
    }
    let closed = reader.peek() == Some(b'>');
    Tag { name, attributes, span: open..reader.at + usize::from(closed), closed }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, which: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
    }

    /// The text up to a byte that `ends` it; such bytes are ASCII, so that the cut is on a character.
    fn until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        self.skip(|b| !ends(b));
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn attribute(&mut self) -> (&'a str, &'a str) {
        let start = self.at;
        // The first byte belongs to the name even when it is `=`, as browsers have it; so the reader always moves.
        self.at += self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        self.until(|b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'<' | b'='));
        let name = self.text.get(start..self.at).unwrap_or_default();
        let after_name = self.at;
        self.skip(|b| b.is_ascii_whitespace());
        if self.peek() != Some(b'=') {
            self.at = after_name;
            return (name, "");
        }
        self.at += 1;
        self.skip(|b| b.is_ascii_whitespace());
        let value = match self.peek() {
            Some(quote @ (b'"' | b'\'' | b'`')) => {
                self.at += 1;
                let value = self.until(|b| b == quote);
                self.at = (self.at + 1).min(self.text.len());
                value
            }
            _ => self.until(|b| b.is_ascii_whitespace() || b == b'>'),
        };
        (name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Tags::new(text).map(|tag| tag.name.to_owned()).collect()
    }

    #[test]
    fn every_possible_tag_is_read() {
        assert_eq!(
            names("<a title='<b x=1>'><!-- <script> --> <x:svg/onload=1 < 3 <3"),
            ["a", "b", "script", "svg"]
        );
        assert_eq!(names("if a <b and c> d"), ["b"]);
    }

    #[test]
    fn attributes_follow_the_standard() {
        let tag = Tags::new("<img/src = \"a b\"onerror='x' y=1/2 z =w>").next().unwrap();
        assert_eq!(tag.attributes, [("src", "a b"), ("onerror", "x"), ("y", "1/2"), ("z", "w")]);
        assert!(tag.closed && tag.has("z") && tag.value("src") == Some("a b"));
        let open = Tags::new("<a ==x b").next().unwrap();
        assert_eq!((open.attributes.len(), open.closed), (2, false));
    }

    #[test]
    fn openings_in_openings_are_given_up_and_documents_are_not() {
        for piece in ["<a/b=", "<a/style=", "<a/href=", "<a b=\"c "] {
            let text = piece.repeat(20_000);
            let mut tags = Tags::new(&text);
            let read: usize = tags.by_ref().map(|tag| tag.span.len()).sum();
            assert!(read <= text.len() * (MOST_READINGS + 2), "{piece}: {read}");
            assert!(piece.contains('"') || tags.given_up().is_some(), "{piece}");
        }
        let page = "<p class=x><a href=\"y\">z</a> <img alt='a < b'></p>\n".repeat(2_000);
        let mut tags = Tags::new(&page);
        assert_eq!(tags.by_ref().count(), 6_000);
        assert_eq!(tags.given_up(), None);
    }

    proptest::proptest! {
        #[test]
        fn tags_lie_in_the_text(text in "[<>a-c'\"=/ é`]{0,80}") {
            for tag in Tags::new(&text) {
                proptest::prop_assert!(text.get(tag.span.clone()).is_some());
            }
        }
    }
}
