//! The ways of looking at a text: as written, decoded, and without its code.
//!
//! Attacks hide behind percent signs, entities, escapes and invisible characters; rules read the views in which those
//! are undone. Each view costs one pass, their number is bounded, and each knows where its bytes stand in the original.

mod base64;
mod decode;
mod fold;
mod json;
mod markdown;
mod seek;
mod view;

pub(crate) use base64::{islands, whole};
pub(crate) use decode::decode;
pub(crate) use fold::{fold, invisible};
pub(crate) use json::strings;
pub(crate) use markdown::{Markdown, masked};
pub(crate) use seek::seek;
pub(crate) use view::{Builder, View};

/// The views of one text, from the one as written to the most decoded.
pub(crate) struct Views {
    chain: Vec<View>,
}

impl Views {
    /// Folds the text and undoes up to `depth` rounds of encoding.
    pub(crate) fn new(text: &str, depth: u16) -> Self {
        let mut chain = vec![fold(text)];
        for _ in 0..depth.min(4) {
            match chain.last().and_then(decode) {
                Some(view) => chain.push(view),
                None => break,
            }
        }
        Self { chain }
    }

    /// Each view with its number.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, &View)> {
        self.chain.iter().enumerate()
    }

    /// Where bytes of a view stand in the original text.
    pub(crate) fn original(&self, number: usize, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
        self.chain.iter().take(number + 1).rev().fold(span, |span, view| view.source(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rounds_are_undone_and_places_are_kept() {
        let text = "say %253Cscript%253E now";
        let views = Views::new(text, 2);
        let (number, last) = views.each().last().unwrap();
        let at = last.text().find("<script>").unwrap();
        assert_eq!(&text[views.original(number, at..at + 8)], "%253Cscript%253E");
        assert_eq!(Views::new("plain words", 2).each().count(), 1, "nothing to undo, nothing to read twice");
    }

    proptest::proptest! {
        #[test]
        fn places_are_always_within_the_text(text in "(?s)([a-z<]|%[0-9a-f]{2}|&#?[a-z0-9]{1,4};?|\\\\[ux][0-9a-f]{0,4}|\\PC|\u{200b}){0,60}") {
            let views = Views::new(&text, 2);
            for (number, view) in views.each() {
                for (at, c) in view.text().char_indices() {
                    let span = views.original(number, at..at + c.len_utf8());
                    proptest::prop_assert!(text.get(span.clone()).is_some_and(|part| !part.is_empty()), "{span:?}");
                }
            }
        }
    }
}
