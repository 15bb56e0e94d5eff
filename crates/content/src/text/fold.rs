//! The first view: small letters, no invisible characters, compatibility forms of ASCII as ASCII.
//!
//! Full-width `＜script＞` becomes `<script>`. Letters of other scripts that merely look like ASCII stay: no parser takes
//! them for ASCII. Names are compared by look in `definitions::names`.

use unicode_normalization::UnicodeNormalization;

use super::view::{Builder, View};

/// Whether a character shows nothing and is no white space: zero width, direction marks, tags, variation selectors.
pub(crate) fn invisible(c: char) -> bool {
    matches!(
        c,
        '\0' | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Makes the first view.
pub(crate) fn fold(text: &str) -> View {
    if text.is_ascii() && !text.as_bytes().contains(&0) {
        return View::copy(text.to_ascii_lowercase());
    }
    let mut builder = Builder::with_capacity(text.len());
    let mut copied = 0;
    for (at, c) in text.char_indices() {
        if c.is_ascii() && c != '\0' {
            continue;
        }
        let written = if invisible(c) { Some(String::new()) } else { ascii_form(c) };
        if let Some(written) = written {
            builder.copy(text.get(copied..at).unwrap_or_default(), copied);
            builder.replace(&written, at, c.len_utf8());
            copied = at + c.len_utf8();
        }
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    builder.finish()
}

/// The compatibility form of a character when that is ASCII; slashes of mathematics are slashes to lenient file systems.
fn ascii_form(c: char) -> Option<String> {
    match c {
        '\u{2044}' | '\u{2215}' | '\u{29f8}' => return Some("/".to_owned()),
        '\u{2216}' | '\u{29f5}' | '\u{29f9}' => return Some("\\".to_owned()),
        _ => {}
    }
    // Latin-1 and the common scripts have no such forms but the no-break space; this spares most texts the tables.
    if c != '\u{a0}' && (c < '\u{2000}' || ('\u{3040}'..='\u{d7ff}').contains(&c)) {
        return None;
    }
    let form: String = std::iter::once(c).nfkc().collect();
    (form.is_ascii() && !form.is_empty()).then_some(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatibility_forms_and_invisible_characters_are_undone() {
        assert_eq!(fold("＜ＳＣＲipt＞").text(), "<script>");
        assert_eq!(fold("<scr\0ipt\u{200b}>").text(), "<script>");
        assert_eq!(fold("1\u{a0}OR\u{2003}1").text(), "1 or 1");
        assert_eq!(fold("..\u{2215}etc\u{2216}x").text(), "../etc\\x");
        assert_eq!(fold("Größe, 世界, Привет").text(), "größe, 世界, Привет");
    }
}
