//! Which template serves a URI that nobody registered.
//!
//! A template counts only if it begins with a scheme of its own: one that could stand for anything would take over
//! what belongs to others. Of several that match, the one that says most of the URI itself serves it, and of two that
//! say as much the older one, so that nobody takes a URI away by registering the same template later. URIs are
//! compared with registered ones in one spelling, because upstreams read `%6F` as `o`.

use std::{borrow::Cow, sync::Arc};

use crate::catalogue::Item;

/// The template among `items` that serves `uri`, of those that `usable` lets through.
pub(super) fn best<'a>(
    items: &'a [Arc<Item>],
    uri: &str,
    usable: impl Fn(&Item) -> bool,
) -> Option<&'a Arc<Item>> {
    let matching = items.iter().filter(|item| serves(&item.name, uri) && usable(item));
    // Of equals `min_by_key` takes the first, and the items are in the order of their names and ids.
    matching.min_by_key(|item| (std::cmp::Reverse(literal(&item.name).len()), item.since))
}

/// Whether a template could serve `uri`.
pub(crate) fn serves(template: &str, uri: &str) -> bool {
    has_scheme(template) && matches(template, uri) && !climbs(uri)
}

/// Whether a template begins with the scheme of its URIs.
pub(crate) fn has_scheme(template: &str) -> bool {
    literal(template).split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

/// What a template says itself before its first expression.
fn literal(template: &str) -> &str {
    template.split('{').next().unwrap_or_default()
}

/// Whether a URI leaves the place that it begins with.
fn climbs(uri: &str) -> bool {
    spelling(uri).split(['/', '\\', '?', '#']).any(|segment| segment == "..")
}

/// A URI in the one spelling in which URIs are compared: with a small scheme, and without escapes.
pub(crate) fn spelling(uri: &str) -> Cow<'_, str> {
    if !uri.contains('%') && !uri.split(':').next().is_some_and(|scheme| scheme.contains(char::is_uppercase))
    {
        return Cow::Borrowed(uri);
    }
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let mut bytes = Vec::with_capacity(uri.len());
    bytes.extend_from_slice(scheme.to_ascii_lowercase().as_bytes());
    if uri.len() > rest.len() {
        bytes.push(b':');
    }
    let mut rest = rest.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = if *first == b'%' { more.get(..2).and_then(byte) } else { None };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { more.get(2..).unwrap_or_default() } else { more };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn byte(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

/// Whether a URI could have been made from a template (RFC 6570). Every `{…}` stands for at least one character;
/// plain and `+`, `#`, `/` expressions are told apart by whether they may hold a slash. Linear in the URI for each
/// literal; never backtracks beyond the next literal.
pub(crate) fn matches(template: &str, uri: &str) -> bool {
    let mut rest = uri;
    let mut parts = template.split('{');
    let Some(stripped) = parts.next().and_then(|literal| rest.strip_prefix(literal)) else { return false };
    rest = stripped;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let Some((expression, literal)) = part.split_once('}') else { return false };
        let slashes = expression.starts_with(['+', '#', '/', '?', '&']);
        let end = if literal.is_empty() && parts.peek().is_none() {
            rest.len()
        } else if parts.peek().is_none() {
            match rest.strip_suffix(literal) {
                Some(value) => value.len(),
                None => return false,
            }
        } else {
            // The value is at least one character long.
            let Some(first) = rest.chars().next().map(char::len_utf8) else { return false };
            match rest.get(first..).and_then(|tail| tail.find(literal)) {
                Some(at) => at + first,
                None => return false,
            }
        };
        let (value, tail) = rest.split_at(end);
        if value.is_empty() || (!slashes && value.contains('/')) {
            return false;
        }
        rest = tail.strip_prefix(literal).unwrap_or(tail);
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_what_they_could_have_made() {
        assert!(matches("demo://item/{id}", "demo://item/7"));
        assert!(matches("test://template/{id}/data", "test://template/a-b/data"));
        assert!(matches("file:///{+path}", "file:///a/b/c"));
        assert!(matches("x://{a}/{b}", "x://1/2"));
        assert!(!matches("demo://item/{id}", "demo://item/"));
        assert!(!matches("demo://item/{id}", "demo://item/a/b"));
        assert!(!matches("test://template/{id}/data", "test://template/7/other"));
        assert!(!matches("demo://about", "demo://about/x"));
        assert!(matches("demo://about", "demo://about"));
    }

    #[test]
    fn a_template_without_a_scheme_of_its_own_serves_nothing() {
        assert!(has_scheme("file:///{+path}") && has_scheme("a+b.c-d:{x}"));
        for anything in ["{+any}", "{scheme}://x", "/{x}", "1a:{x}", ":{x}", "a b:{x}"] {
            assert!(!has_scheme(anything), "{anything}");
        }
    }

    #[test]
    fn one_uri_has_one_spelling() {
        assert_eq!(spelling("DOC://%6Fne/A"), "doc://one/A");
        assert_eq!(spelling("doc://one"), "doc://one");
        assert_eq!(spelling("doc://a%zz%4"), "doc://a%zz%4");
        assert_eq!(spelling("plain%20text"), "plain text");
    }

    #[test]
    fn uris_do_not_climb() {
        assert!(climbs("file:///a/../b") && climbs("file:///a/%2e%2E/b") && climbs("doc://.."));
        assert!(!climbs("git://diff/main..next") && !climbs("file:///a/b"));
    }
}
