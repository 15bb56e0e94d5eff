//! CommonMark read by a parser, never by a fence expression: what a renderer takes for code is code, nothing else.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::view::{Builder, View};

/// Stands where something was taken out: no letter, no space, no operator, and one byte, so that places stay.
const GAP: u8 = 0x1a;
/// Stands between two pieces of code: they are on lines of their own, with something between them.
const BETWEEN: &str = "\n\u{1a}\n";

/// What the parser found.
pub(crate) struct Markdown {
    /// Code blocks and code spans.
    pub(crate) code: Vec<Range<usize>>,
    /// Tables: their bars are no pipes.
    tables: Vec<Range<usize>>,
    /// Destinations of links and pictures, decoded as a renderer would.
    pub(crate) links: Vec<(Range<usize>, String)>,
}

impl Markdown {
    pub(crate) fn parse(text: &str) -> Self {
        if !could_have_any(text) {
            return Self { code: Vec::new(), tables: Vec::new(), links: Vec::new() };
        }
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS;
        let mut found = Self { code: Vec::new(), tables: Vec::new(), links: Vec::new() };
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(_)) | Event::Code(_) => found.code.push(range),
                Event::End(TagEnd::Table) => found.tables.push(range),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    found.links.push((range, dest_url.into_string()));
                }
                _ => {}
            }
        }
        found.code.sort_by_key(|range| range.start);
        found
    }

    /// The text without its code.
    pub(crate) fn prose(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for range in &self.code {
            blank(&mut bytes, range, |byte| byte != b'\n');
        }
        for range in &self.tables {
            blank(&mut bytes, range, |byte| byte == b'|');
        }
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// The code alone, block after block: most of a document is prose, and what is not there need not be read.
    pub(crate) fn code(&self, text: &str) -> View {
        let mut builder = Builder::with_capacity(text.len() / 4);
        let mut end = 0;
        for range in &self.code {
            let start = range.start.max(end);
            if let Some(part) = text.get(start..range.end).filter(|part| !part.is_empty()) {
                builder.replace(BETWEEN, start, 0);
                builder.copy_as_is(part, start);
            }
            end = end.max(range.end);
        }
        builder.finish()
    }
}

/// Whether a text has anything that code, tables or links begin with; most descriptions have not.
fn could_have_any(text: &str) -> bool {
    // Indented code is four columns in, wherever its block begins: four spaces, or a tab among them.
    text.bytes().any(|byte| matches!(byte, b'`' | b'~' | b'|' | b'[' | b'<' | b'\t')) || text.contains("    ")
}

/// The text with everything outside the given places taken out. Places are in order and may overlap.
pub(crate) fn masked(text: &str, keep: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut end = 0;
    for range in keep {
        blank(&mut bytes, &(end..range.start.max(end)), |byte| byte != b'\n');
        end = end.max(range.end);
    }
    blank(&mut bytes, &(end..text.len()), |byte| byte != b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

fn blank(bytes: &mut [u8], range: &Range<usize>, which: impl Fn(u8) -> bool) {
    for byte in bytes.get_mut(range.clone()).into_iter().flatten() {
        if which(*byte) {
            *byte = GAP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prose(text: &str) -> String {
        let prose = Markdown::parse(text).prose(text);
        assert_eq!(prose.len(), text.len(), "places stay");
        prose.replace('\u{1a}', "")
    }

    #[test]
    fn only_code_is_taken_out() {
        assert_eq!(prose("a `rm -rf /` b"), "a  b");
        assert_eq!(prose("```sh\na && b\n```\nafter"), "\n\n\nafter");
        assert_eq!(prose("~~~\n```\nx\n~~~\nafter ; y"), "\n\n\n\nafter ; y");
        assert_eq!(prose("unclosed ` tick ; x"), "unclosed ` tick ; x");
        assert_eq!(prose("| a | b |\n|---|---|\n| c | d |\n").replace(' ', ""), "ab\n------\ncd\n");
    }

    #[test]
    fn an_unclosed_fence_runs_to_the_end_as_renderers_have_it() {
        assert_eq!(prose("> ```\n> in\nout ; x"), "> \n\nout ; x");
        assert_eq!(prose("```\nx").trim(), "");
    }

    #[test]
    fn link_destinations_are_decoded() {
        let links = Markdown::parse("[a](&#106;avascript:alert(1)) ![b](<x y>)").links;
        let urls: Vec<_> = links.iter().map(|(_, url)| url.as_str()).collect();
        assert_eq!(urls, ["javascript:alert(1)", "x y"]);
    }

    #[test]
    fn code_is_read_alone_and_its_places_are_kept() {
        let text = "one `Two` three\n\n    Four\n";
        let code = Markdown::parse(text).code(text);
        assert_eq!(code.text().replace(BETWEEN, "|"), "|`Two`|Four\n");
        for part in ["Two", "Four"] {
            let at = code.text().find(part).unwrap();
            assert_eq!(&text[code.source(at..at + part.len())], part);
        }
    }

    proptest::proptest! {
        /// What is not parsed has nothing that a parser would find.
        #[test]
        fn nothing_is_missed_by_not_parsing(text in "([-a-z.>#*_1 )\\]!:/]|\n|  |https://a.b ){0,60}") {
            let found = Markdown::parse(&format!("{text}\n\n[x](y)\n"));
            proptest::prop_assert!(could_have_any(&text) || found.code.is_empty() && found.tables.is_empty());
        }
    }
}
