//! One round of decoding: percent signs, HTML entities, and the escapes of JavaScript and JSON.
//!
//! Overlong UTF-8 (`%c0%af`) is undone as lax decoders do, because attackers aim at those.

use super::{
    seek,
    view::{Builder, View},
};

/// The decoded view, or nothing where there is nothing to undo.
pub(crate) fn decode(view: &View) -> Option<View> {
    let text = view.text();
    let bytes = text.as_bytes();
    let mut builder = Builder::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = seek(bytes, at, |b| matches!(b, b'%' | b'&' | b'\\')) {
        at = found;
        let rest = text.get(at..).unwrap_or_default();
        let decoded = match bytes.get(at) {
            Some(b'%') => percent(rest),
            Some(b'&') => entity(rest),
            _ => escape(rest),
        };
        if let Some((written, length)) = decoded {
            builder.copy(text.get(copied..at).unwrap_or_default(), copied);
            builder.replace(&written, at, length);
            at += length;
            copied = at;
        } else {
            at += 1;
        }
    }
    if copied == 0 {
        return None;
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(builder.finish())
}

fn hex(digits: &str) -> Option<u32> {
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

fn letter(code: u32) -> Option<String> {
    char::from_u32(code).map(|c| if super::invisible(c) { String::new() } else { c.to_string() })
}

/// A byte or character written with percent signs, and how long the writing is.
fn percent(rest: &str) -> Option<(String, usize)> {
    if rest.get(1..2) == Some("u") {
        return Some((letter(hex(rest.get(2..6)?)?)?, 6));
    }
    let byte = |index: usize| -> Option<u8> {
        let part = rest.get(index * 3..index * 3 + 3)?;
        u8::try_from(hex(part.strip_prefix('%')?)?).ok()
    };
    let first = byte(0)?;
    let length = match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => return Some((letter(u32::from(first))?, 3)),
    };
    let tail: Option<Vec<u8>> = (1..length).map(|index| byte(index).filter(|b| b & 0xc0 == 0x80)).collect();
    let Some(tail) = tail else {
        return Some((letter(u32::from(first))?, 3));
    };
    let lead = u32::from(first) & (0x7f >> length);
    let code = tail.iter().fold(lead, |code, b| code << 6 | u32::from(b & 0x3f));
    Some((letter(code)?, length * 3))
}

/// The names of ASCII characters in HTML.
const ENTITIES: [(&str, &str); 38] = [
    ("lt", "<"),
    ("gt", ">"),
    ("amp", "&"),
    ("quot", "\""),
    ("apos", "'"),
    ("colon", ":"),
    ("semi", ";"),
    ("tab", "\t"),
    ("newline", "\n"),
    ("lpar", "("),
    ("rpar", ")"),
    ("sol", "/"),
    ("bsol", "\\"),
    ("num", "#"),
    ("equals", "="),
    ("excl", "!"),
    ("lcub", "{"),
    ("rcub", "}"),
    ("lbrace", "{"),
    ("rbrace", "}"),
    ("grave", "`"),
    ("diacriticalgrave", "`"),
    ("lsqb", "["),
    ("rsqb", "]"),
    ("lbrack", "["),
    ("rbrack", "]"),
    ("dollar", "$"),
    ("period", "."),
    ("comma", ","),
    ("plus", "+"),
    ("nbsp", " "),
    ("vert", "|"),
    ("verbar", "|"),
    ("percnt", "%"),
    ("commat", "@"),
    ("ast", "*"),
    ("lowbar", "_"),
    ("quest", "?"),
];

/// An HTML character reference; numbers count without their semicolon too, as browsers have it.
fn entity(rest: &str) -> Option<(String, usize)> {
    let body = rest.get(1..)?;
    if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, prefix) =
            number.strip_prefix('x').map_or((number, 10, 2), |digits| (digits, 16, 3));
        let length = digits.bytes().take(9).take_while(|b| char::from(*b).is_digit(radix)).count();
        let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
        let semicolon = usize::from(digits.as_bytes().get(length) == Some(&b';'));
        return Some((letter(code)?, prefix + length + semicolon));
    }
    let length = body.bytes().take(17).take_while(u8::is_ascii_alphabetic).count();
    let name = body.get(..length)?;
    let closed = body.as_bytes().get(length) == Some(&b';');
    // The oldest names need no semicolon.
    let known = ENTITIES
        .iter()
        .find(|(known, _)| if closed { *known == name } else { OLD.contains(known) && *known == name })?;
    Some((known.1.to_owned(), 1 + length + usize::from(closed)))
}

const OLD: [&str; 5] = ["lt", "gt", "amp", "quot", "nbsp"];

/// An escape of a string literal.
fn escape(rest: &str) -> Option<(String, usize)> {
    let body = rest.get(1..)?;
    match body.bytes().next()? {
        b'x' => Some((letter(hex(body.get(1..3)?)?)?, 4)),
        b'u' if body.get(1..2) == Some("{") => {
            let end = body.bytes().take(10).position(|b| b == b'}')?;
            Some((letter(hex(body.get(2..end)?)?)?, end + 2))
        }
        b'u' => Some((letter(hex(body.get(1..5)?)?)?, 6)),
        b'0'..=b'3' => {
            let digits = body.get(..3).filter(|digits| digits.bytes().all(|b| (b'0'..=b'7').contains(&b)))?;
            Some((letter(u32::from_str_radix(digits, 8).ok()?)?, 4))
        }
        quote @ (b'"' | b'\'' | b'/' | b'`') => Some((char::from(quote).to_string(), 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fold;

    fn once(text: &str) -> Option<String> {
        decode(&fold(text)).map(|view| view.text().to_owned())
    }

    #[test]
    fn every_encoding_is_undone() {
        for text in [
            "%3Cscript%3E",
            "%u003cscript%u003E",
            "&lt;script&gt;",
            "&lt;script&GT",
            "&#60;script&#62;",
            "&#x3c;script&#x3E",
            "&#0000060script&#62",
            "\\x3cscript\\x3e",
            "\\u003cscript\\u003e",
            "\\u{3c}script\\u{3e}",
            "\\74script>".replace("\\74", "\\074").as_str(),
        ] {
            assert_eq!(once(text).as_deref(), Some("<script>"), "{text}");
        }
        assert_eq!(once("..%c0%af..%e0%80%af%c3%a9%ff").as_deref(), Some("../../éÿ"));
        assert_eq!(once("javascript&colon;a&lpar;1&rpar;").as_deref(), Some("javascript:a(1)"));
        assert_eq!(once("%00a\\u200bb").as_deref(), Some("ab"), "what is invisible goes");
    }

    #[test]
    fn what_is_no_encoding_stays() {
        for text in [
            "100% sure",
            "a & b",
            "&copy; &unknown;",
            "c:\\users\\new",
            "%zz %u12",
            "\\xzz",
            "&#; &#x;",
            "\\",
        ] {
            assert_eq!(once(text), None, "{text}");
        }
    }
}
