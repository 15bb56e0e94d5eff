//! Layer 5: output encoding. Text becomes safe for the place where it is put; each place has its function.
//!
//! Templates escape by type and SQL is bound; these are for the answers that are put together by hand.

use std::fmt::Write;

/// Text for HTML, in elements and in quoted attributes.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            _ => out.push(c),
        }
    }
    out
}

/// JSON for a script element: no `</script>`, no comment, and no line ends that old parsers take for code.
pub fn json_in_html(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// A cell of a CSV file: what a spreadsheet would take for a formula is text.
pub fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let lead = if formula { "'" } else { "" };
    format!("\"{lead}{}\"", text.replace('"', "\"\""))
}

/// Text for a terminal or a log line: controls, escapes and what nobody sees are written out.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n' && c != '\t')
            || crate::text::invisible(c)
            || matches!(c, '\u{2028}' | '\u{2029}')
        {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_encoding() {
        assert_eq!(html("<img a='x' b=\"`\"> & é"), "&lt;img a=&#39;x&#39; b=&quot;&#96;&quot;&gt; &amp; é");
        let json = serde_json::json!({"a": "</script><!--\u{2028}&"}).to_string();
        let encoded = json_in_html(&json);
        assert!(!encoded.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&encoded).unwrap()["a"],
            "</script><!--\u{2028}&"
        );
        assert_eq!((csv_cell("=1+1"), csv_cell("a\"b")), ("\"'=1+1\"".to_owned(), "\"a\"\"b\"".to_owned()));
        assert_eq!(terminal("a\x1b[2J\u{202e}b\n"), "a\\u{1b}[2J\\u{202e}b\n");
    }

    proptest::proptest! {
        #[test]
        fn html_never_opens_anything(text in "\\PC*") {
            proptest::prop_assert!(!html(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
