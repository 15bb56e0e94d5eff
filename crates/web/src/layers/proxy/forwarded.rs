//! The header `Forwarded` (RFC 7239), read from its end.
//!
//! Proxies append, so that only the end of a line was written by somebody who is trusted; what stands before it may be
//! anything, an open quotation too. A line is therefore taken apart from the right, and only the elements that are
//! looked at have to be well-formed.

/// What one proxy wrote.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Whom it was asked by.
    pub(super) client: Option<String>,
    /// Over what.
    pub(super) proto: Option<String>,
}

/// The last element of a list, and what is before it. With `quoting`, a comma may stand in quotes.
pub(super) fn last(line: &[u8], quoting: bool) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        let (before, after) = line.split_at(at);
        match byte {
            b'"' if quoting && !(quoted && is_escaping(before)) => quoted = !quoted,
            b',' if !quoted => return (Some(before), after.get(1..).unwrap_or_default()),
            _ => {}
        }
    }
    (None, line)
}

/// Whether what comes after this text in a quotation is taken literally.
fn is_escaping(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

impl Element {
    /// Nothing where it is not well-formed, or says the same thing twice.
    pub(super) fn parse(element: &[u8]) -> Option<Self> {
        let mut parsed = Self::default();
        let mut rest = std::str::from_utf8(element).ok()?.trim();
        while !rest.is_empty() {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = value(after)?;
            let place = match name {
                name if name.eq_ignore_ascii_case("for") => Some(&mut parsed.client),
                name if name.eq_ignore_ascii_case("proto") => Some(&mut parsed.proto),
                _ => None,
            };
            if place.is_some_and(|place| place.replace(value).is_some()) {
                return None;
            }
            rest = match after.trim_start() {
                "" => "",
                after => after.strip_prefix(';')?.trim_start(),
            };
        }
        Some(parsed)
    }
}

/// A value, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let value = value.trim_end();
        // Colons and brackets ought to be quoted, and often are not.
        let plain = !value.is_empty() && !value.contains(['"', ' ', '\t', '=', '\\']);
        return plain.then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            character => value.push(character),
        }
    }
    None
}
