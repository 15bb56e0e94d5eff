//! Texts as the languages read them that attacks are written in: SQL without its comments, shell words without quoting.
//!
//! One pass each, and nothing where there is nothing to rewrite.

use crate::text::{Builder, View, seek};

/// The text without SQL comments and with pluses as spaces; nothing when it has neither.
pub(super) fn sql_view(view: &View) -> Option<View> {
    let text = view.text();
    if !text.contains("/*") && !text.contains('+') {
        return None;
    }
    let mut builder = Builder::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    while let Some(next) = seek(text.as_bytes(), at, |b| matches!(b, b'/' | b'+')) {
        at = next;
        let rest = text.get(at..).unwrap_or_default();
        let length = if rest.starts_with("/*!") {
            3 + rest.bytes().skip(3).take_while(u8::is_ascii_digit).count()
        } else if rest.starts_with("/*") {
            // An open comment ends the statement; it stays for the rules about ends.
            match rest.get(2..).and_then(|body| body.find("*/")) {
                Some(end) => end + 4,
                None => break,
            }
        } else if rest.starts_with('+') {
            1
        } else {
            at += 1;
            continue;
        };
        builder.copy(text.get(copied..at).unwrap_or_default(), copied);
        builder.replace(" ", at, length);
        at += length;
        copied = at;
    }
    builder.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(builder.finish())
}

/// Whether an apostrophe is that of prose (`it's`, `users' own`): behind a letter, and the only one of its word. What a shell would drop
/// from a word has two.
fn contraction(text: &str, at: usize) -> bool {
    let letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let bytes = text.as_bytes();
    let (before, after) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default());
    if bytes.get(at) != Some(&b'\'')
        || !letter(before.last())
        || after.first().is_some_and(|byte| !byte.is_ascii_alphabetic() && *byte != b' ')
    {
        return false;
    }
    let another = |byte: &u8| *byte == b'\'';
    let within = |byte: &&u8| !byte.is_ascii_whitespace();
    let ahead = after.iter().take(LONGEST_WORD).take_while(within).any(another);
    let behind = before.iter().rev().take(LONGEST_WORD).take_while(within).any(another);
    !ahead && !behind
}

/// How far from an apostrophe its word is looked at.
const LONGEST_WORD: usize = 64;

/// What shells drop from a word: quotes, backslashes, carets, empty expansions.
const DROPPED: [&str; 12] = ["\\\n", "\\", "^", "\"", "'", "``", "$()", "$@", "$*", "$!", "$$", "{}"];

/// The text as a shell reads its words; nothing when it quotes nothing.
pub(super) fn shell_view(view: &View) -> Option<View> {
    let text = view.text();
    let mut builder = Builder::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    let rewrites = |b| matches!(b, b'\\' | b'^' | b'"' | b'\'' | b'`' | b'$' | b'{' | b',');
    while let Some(next) = seek(text.as_bytes(), at, rewrites) {
        at = next;
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("```") {
            // A fence. Without its first two it would be a substitution.
            at += rest.bytes().take_while(|b| *b == b'`').count();
            continue;
        }
        let (written, length) = if contraction(text, at) { ("", 0) } else { rewrite(rest) };
        if length > 0 {
            builder.copy(text.get(copied..at).unwrap_or_default(), copied);
            builder.replace(written, at, length);
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

fn rewrite(rest: &str) -> (&'static str, usize) {
    if let Some(expansion) = ["${ifs}", "$ifs"].iter().find(|expansion| rest.starts_with(*expansion)) {
        return (" ", expansion.len());
    }
    if let Some(dropped) = DROPPED.iter().find(|dropped| rest.starts_with(*dropped)) {
        return ("", dropped.len());
    }
    if let Some(name) = rest.strip_prefix("${") {
        let length = name.bytes().take(16).take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if name.as_bytes().get(length) == Some(&b'}') {
            return ("", length + 3);
        }
    }
    ("", 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_for_sql_and_shells() {
        let sql = |text: &str| sql_view(&View::copy(text.to_owned())).map(|view| view.text().to_owned());
        assert_eq!(sql("union/**/select+1").as_deref(), Some("union select 1"));
        assert_eq!(sql("/*!50000union*/ x /* open").as_deref(), Some(" union*/ x /* open"));
        assert_eq!(sql("plain"), None);
        let shell = |text: &str| shell_view(&View::copy(text.to_owned())).map(|view| view.text().to_owned());
        assert_eq!(shell("c''at${ifs}/et\\c/p${x}asswd").as_deref(), Some("cat /etc/passwd"));
        assert_eq!(shell("```bash wh``oami").as_deref(), Some("```bash whoami"));
        assert_eq!(shell("plain words, it's the users' own"), None);
        assert_eq!(shell("wh'o'ami don't").as_deref(), Some("whoami don't"));
        assert_eq!(shell(r"\w\h\oami w\ho\ami").as_deref(), Some("whoami whoami"));
        assert_eq!(shell("who\"am\"i").as_deref(), Some("whoami"));
    }
}
