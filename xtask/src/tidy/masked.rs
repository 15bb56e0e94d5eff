//! Rust source split into code and string literals, by a scanner of a hundred lines.
//!
//! Rules look for words, and a word in a comment or in a string must not count as code. The scanner keeps every
//! newline, so that line numbers stay true. It is no parser: it knows comments, strings, characters and lifetimes.

/// One string literal and the line on which it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Source text with comments and literals blanked, and the literals apart.
#[derive(Debug, Default)]
pub(crate) struct Masked {
    pub(crate) code: String,
    pub(crate) strings: Vec<Literal>,
    breaks: usize,
}

impl Masked {
    /// Splits one source text.
    pub(crate) fn new(source: &str) -> Self {
        let mut masked = Self::default();
        let mut rest = source;
        while !rest.is_empty() {
            rest = masked.step(rest);
        }
        masked
    }

    fn step<'a>(&mut self, rest: &'a str) -> &'a str {
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            return self.blank(rest, end);
        }
        if rest.starts_with("/*") {
            return self.blank(rest, block_comment_length(rest));
        }
        if let Some(hashes) = raw_string_hashes(rest).filter(|_| !self.inside_word()) {
            let open = rest.find('"').map_or(0, |quote| quote + 1);
            let body = rest.get(open..).unwrap_or_default();
            let closing = format!("\"{}", "#".repeat(hashes));
            let length = body.find(&closing).unwrap_or(body.len());
            return self.literal(rest, open, length, closing.len());
        }
        if let Some(body) = rest.strip_prefix('"') {
            return self.literal(rest, 1, string_length(body), 1);
        }
        if let Some(length) = character_length(rest) {
            return self.blank(rest, length);
        }
        self.copy(rest)
    }

    /// Copies one character and all that follow it up to the next one that could open something.
    fn copy<'a>(&mut self, rest: &'a str) -> &'a str {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let plain = rest.get(first..).and_then(|after| after.find(['/', '"', '\'', 'r', 'b', 'c']));
        let (code, after) =
            rest.split_at_checked(plain.map_or(rest.len(), |plain| first + plain)).unwrap_or((rest, ""));
        self.breaks += code.matches('\n').count();
        self.code.push_str(code);
        after
    }

    /// Copies nothing of the next `length` bytes but their line breaks.
    fn blank<'a>(&mut self, rest: &'a str, length: usize) -> &'a str {
        let (gone, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        self.breaks += gone.matches('\n').count();
        self.code.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        after
    }

    fn literal<'a>(&mut self, rest: &'a str, open: usize, length: usize, close: usize) -> &'a str {
        let text = rest.get(open..open + length).unwrap_or_default().to_owned();
        self.strings.push(Literal { line: self.breaks + 1, text });
        self.blank(rest, open + length + close)
    }

    fn inside_word(&self) -> bool {
        self.code.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }
}

/// The number of `#` when a raw string starts here.
fn raw_string_hashes(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let after = prefix.trim_start_matches('#');
    after.starts_with('"').then_some(prefix.len() - after.len())
}

/// Block comments nest.
fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(here) = rest.get(at..) {
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            let Some(next) = here.chars().next() else { break };
            at += next.len_utf8();
        }
    }
    rest.len()
}

/// The bytes up to the closing quote; a backslash hides the character after it.
fn string_length(body: &str) -> usize {
    let mut hidden = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            '"' => return at,
            _ => {}
        }
    }
    body.len()
}

/// The length of a character literal, or nothing for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    if let Some(escaped) = body.strip_prefix('\\') {
        let mut chars = escaped.char_indices();
        chars.next();
        return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 3);
    }
    let first = body.chars().next()?;
    body.get(first.len_utf8()..)?.starts_with('\'').then_some(first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        Masked::new(source).strings.into_iter().map(|literal| literal.text).collect()
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let masked = Masked::new("let a = \"todo!\"; // dbg!\n/* x /* y */ z */ b\n");
        assert!(!masked.code.contains("todo!"));
        assert!(!masked.code.contains("dbg!"));
        assert!(!masked.code.contains('z'));
        assert_eq!(masked.code.matches('\n').count(), 2);
        assert!(masked.code.trim_end().ends_with('b'));
    }

    #[test]
    fn every_kind_of_string_is_found() {
        assert_eq!(texts(r##"f("a\"b", r#"c"d"#, b"e")"##), [r#"a\"b"#, "c\"d", "e"]);
    }

    #[test]
    fn quotes_in_characters_open_nothing() {
        assert_eq!(texts(r#"match c { '"' => 1, '\'' => 2, '\u{22}' => 3 } "s""#), ["s"]);
        assert_eq!(texts("fn f<'a>(x: &'a str) -> &'a str { \"s\" }"), ["s"]);
    }

    #[test]
    fn a_literal_knows_its_line() {
        assert_eq!(
            Masked::new("\n\n\"x\ny\"\n\"z\"").strings.iter().map(|s| s.line).collect::<Vec<_>>(),
            [3, 5]
        );
    }
}
