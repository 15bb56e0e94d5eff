//! I8: numbers of people as somebody would spell them who does not want them to be found.

use content::{Kind, Screen};

use super::Entry;

type Number = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Rules with groups of digits, and what they are written with between them.
const NUMBERS: [Number; 6] = [
    ("pii/credit_card", &["4539", "1488", "0343", "6467"], &["", " ", "-", ".", "\u{a0}"]),
    ("pii/credit_card", &["3711", "443711", "44376"], &["", " ", "-", ".", "\u{a0}"]),
    ("pii/ssn", &["536", "90", "4399"], &["-", " ", "\u{a0}", "\u{2011}"]),
    ("pii/ssn", &["219", "09", "7777"], &["-", " ", "\u{a0}", "\u{2011}"]),
    ("pii/phone", &["+44", "20", "7123", "4567"], &["", " ", "-", ".", "\u{a0}"]),
    ("pii/phone", &["+1", "415", "734", "0192"], &["", " ", "-", ".", "\u{a0}"]),
];

/// What nobody sees between digits.
const UNSEEN: [&str; 5] = ["\u{200b}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}"];

fn spellings(written: &str) -> Vec<String> {
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c.is_ascii_digit()).unwrap_or(c);
    let mut all = vec![written.to_owned(), written.chars().map(wide).collect()];
    for unseen in UNSEEN {
        all.push(written.chars().flat_map(|c| std::iter::once(c).chain(unseen.chars())).collect());
        all.push(written.replacen(
            |c: char| c.is_ascii_digit(),
            &format!("{}{unseen}", first_digit(written)),
            1,
        ));
    }
    all
}

fn first_digit(written: &str) -> char {
    written.chars().find(char::is_ascii_digit).unwrap_or('0')
}

/// How many of them are found.
pub(super) fn measure(screen: &Screen) -> Entry {
    let (mut found, mut all) = (0, 0);
    for (rule, groups, separators) in NUMBERS {
        for spelling in separators.iter().flat_map(|separator| spellings(&groups.join(separator))) {
            let verdict = screen.screen(Kind::Resource, None, &format!("It is {spelling} in full."));
            all += 1;
            found += usize::from(verdict.findings.iter().any(|finding| finding.rule == rule));
        }
    }
    Entry::rate("I8", found, all, Some((95.0, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_digits_is_found() {
        let screen = crate::content_eval::screen(&[("CONTENT_PATTERN_DETECTION_ENABLED", "false")]).unwrap();
        let entry = measure(&screen);
        assert!(entry.rows > 300 && entry.value == Some(100.0), "{:?} of {}", entry.value, entry.rows);
    }
}
