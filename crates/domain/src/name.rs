//! Names: slugs, tags, e-mail addresses and the limits that ContextForge sets.

use unicode_normalization::UnicodeNormalization;

use crate::{error::Problem, record::Tag};

/// The slug of a name: lower case ASCII words joined by `separator`, as ContextForge makes it.
///
/// Apostrophes inside words are dropped, letters are decomposed (NFKD) and reduced to ASCII, and every run of
/// other characters or underscores becomes one separator.
pub fn slug(name: &str, separator: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\'' | '’' => {}
            'æ' | 'Æ' => plain.push_str("ae"),
            'œ' | 'Œ' => plain.push_str("oe"),
            'ß' => plain.push_str("ss"),
            'ø' | 'Ø' => plain.push('o'),
            'đ' | 'Đ' | 'ð' | 'Ð' => plain.push('d'),
            'ł' | 'Ł' => plain.push('l'),
            'þ' | 'Þ' => plain.push_str("th"),
            c => plain.push(c),
        }
    }
    let mut out = String::with_capacity(plain.len());
    let mut pending = false;
    for c in plain.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)) {
        if c.is_ascii_alphanumeric() {
            if pending && !out.is_empty() {
                out.push_str(separator);
            }
            pending = false;
            out.push(c.to_ascii_lowercase());
        } else {
            pending = true;
        }
    }
    out
}

/// Title case as ContextForge shows federated names: `add_numbers` is `Add Numbers`.
pub fn display(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capitalised = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    capitalised.collect::<Vec<_>>().join(" ")
}

/// Normalises tags; the ones that cannot be tags are reported, not dropped.
pub fn tags<'a>(given: impl IntoIterator<Item = &'a str>, field: &str) -> Result<Vec<Tag>, Problem> {
    let mut tags: Vec<Tag> = Vec::new();
    for label in given {
        let id: String = label
            .trim()
            .chars()
            .map(|c| if c.is_whitespace() || c == '_' { '-' } else { c.to_ascii_lowercase() })
            .collect();
        let edges = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inside = |c: char| edges(c) || matches!(c, '-' | ':' | '.');
        if !(2..=100).contains(&id.len())
            || !id.chars().all(inside)
            || !id.starts_with(edges)
            || !id.ends_with(edges)
        {
            let message =
                "must be 2 to 100 letters, digits, '-', ':' or '.', with a letter or digit at each end";
            return Err(Problem { field: field.to_owned(), message: message.to_owned() });
        }
        if !tags.iter().any(|tag| tag.id == id) {
            tags.push(Tag { id, label: label.trim().to_owned() });
        }
    }
    Ok(tags)
}

/// Checks the name of a gateway, server or role: 1 to 255 of `A-Z a-z 0-9 _ . - space`.
pub fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ');
    if name.trim().is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        let message = "must be 1 to 255 letters, digits, blanks, '_', '.' or '-'".to_owned();
        return Err(Problem { field: field.to_owned(), message });
    }
    Ok(())
}

/// Whether a character is not seen, or changes how the text around it is shown: controls, zero-width characters, marks
/// that turn the direction of text (Unicode UAX 9), and tags.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// An e-mail address in lower case, or why it is none. One `@`, ASCII without blanks, at most 255 bytes: an address is
/// what rights hang on, and two that look alike must not be two people. Hosts in other scripts are written in punycode.
pub fn email(field: &str, text: &str) -> Result<String, Problem> {
    let address = text.trim().to_lowercase();
    let plausible = address.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && !host.contains('@')
            && host.split('.').all(|label| !label.is_empty())
            && host.contains('.')
    });
    let clean = address.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | ',' | ';'));
    if plausible && clean && address.len() <= 255 {
        Ok(address)
    } else {
        Err(Problem { field: field.to_owned(), message: "must be an e-mail address".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_contextforges() {
        assert_eq!(slug("Time Server", "-"), "time-server");
        assert_eq!(slug("echo_get", "-"), "echo-get");
        assert_eq!(slug("Platform Administrator's Team", "-"), "platform-administrators-team");
        assert_eq!(slug("  Crème  Brûlée / Æsir ", "-"), "creme-brulee-aesir");
        assert_eq!(slug("a.b_c", "--"), "a--b--c");
        assert_eq!(slug("日本", "-"), "");
    }

    #[test]
    fn display_names_are_title_case() {
        assert_eq!(display("add_numbers"), "Add Numbers");
        assert_eq!(display("getTime"), "GetTime");
    }

    #[test]
    fn tags_that_are_none_are_reported() {
        let ids = |given: &[&str]| {
            tags(given.iter().copied(), "tags").map(|t| t.into_iter().map(|t| t.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["Prod Env", "prod-env", "a:b"]), Ok(vec!["prod-env".to_owned(), "a:b".to_owned()]));
        assert!(ids(&["x"]).is_err());
        assert!(ids(&["<b>"]).is_err());
    }

    #[test]
    fn addresses_are_lower_case_and_plausible() {
        assert_eq!(email("email", " Bob@Example.COM "), Ok("bob@example.com".to_owned()));
        for wrong in [
            "",
            "bob",
            "@x.y",
            "a@b@c.d",
            "a@b",
            "a b@c.d",
            "a@c..d",
            "<a@b.c>",
            "a@b.c\u{200b}",
            "\u{430}@b.c",
            "\u{fb01}@b.c",
        ] {
            assert!(email("email", wrong).is_err(), "{wrong}");
        }
    }
}
