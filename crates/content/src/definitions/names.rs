//! Names that pass for another: equal but for case and separators, equal to the eye, or one slip apart.

use unicode_normalization::UnicodeNormalization;

/// How two names collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collision {
    /// One letter added, left out, changed or swapped.
    Near,
    /// Different characters that look alike.
    Confusable,
    /// The same but for case, separators and compatibility forms.
    Same,
}

/// Names shorter than this have too many neighbours for one slip to mean anything.
const LEAST: usize = 6;

/// What a name looks like: two names with the same skeleton cannot be told apart.
pub fn skeleton(name: &str) -> String {
    let letters = folded(name);
    // The table's prototypes are partly capitals (`O` for `0`). Some confusables are several characters (`rn` for `m`), and
    // some only look alike as small letters; single ones come first, because pairs are made of them (`c1` for `d`).
    unicode_security::skeleton(&letters)
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace('0', "o")
        .replace(['1', 'i', '|'], "l")
        .replace("rn", "m")
        .replace("vv", "w")
        .replace("cl", "d")
}

/// The name without case, separators and compatibility forms.
pub(super) fn folded(name: &str) -> String {
    name.nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| {
            !crate::text::invisible(*c)
                && !c.is_whitespace()
                && !matches!(c, '-' | '_' | '.' | '/' | ':' | '·' | '‐'..='―')
        })
        .nfkc()
        .collect()
}

/// Whether one name can be taken for the other. Equal names collide as well; the caller knows which are one thing.
pub fn collide(a: &str, b: &str) -> Option<Collision> {
    let (folded_a, folded_b) = (folded(a), folded(b));
    if folded_a == folded_b {
        return Some(Collision::Same);
    }
    if skeleton(a) == skeleton(b) {
        return Some(Collision::Confusable);
    }
    let (letters_a, letters_b): (Vec<char>, Vec<char>) =
        (folded_a.chars().collect(), folded_b.chars().collect());
    (letters_a.len().min(letters_b.len()) >= LEAST && one_slip(&letters_a, &letters_b))
        .then_some(Collision::Near)
}

/// Whether one edit makes the one the other. Numbered and plural names (`page1`, `page2`, `tools`) are families, no slips.
fn one_slip(a: &[char], b: &[char]) -> bool {
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let end = end.min(a.len().min(b.len()) - start);
    let middle = |letters: &'_ [char]| -> Vec<char> {
        letters.iter().take(letters.len() - end).skip(start).copied().collect()
    };
    let (from, to) = (middle(a), middle(b));
    match (from.as_slice(), to.as_slice()) {
        ([x], []) | ([], [x]) => !(x.is_numeric() || end == 0 && *x == 's'),
        ([x], [y]) => !x.is_numeric() && !y.is_numeric(),
        ([first, second], swapped) => swapped == [*second, *first],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_pass_for_another() {
        for (a, b, how) in [
            ("send_email", "Send-Email", Collision::Same),
            ("send_email", "sendemail", Collision::Same),
            ("read_file", "ｒead_file", Collision::Same),
            ("read_file", "reаd_file", Collision::Confusable),
            ("paypal_pay", "paypaI_pay", Collision::Confusable),
            ("modern_tool", "rnodern_tool", Collision::Confusable),
            ("book_room", "b0ok_room", Collision::Confusable),
            ("OPEN_DOOR", "open_d0or", Collision::Confusable),
            ("add_card", "adc1_card", Collision::Confusable),
            ("search_docs", "serach_docs", Collision::Near),
            ("create_issue", "create_isue", Collision::Near),
        ] {
            assert_eq!(collide(a, b), Some(how), "{a} {b}");
            assert_eq!(collide(b, a), Some(how), "{b} {a}");
        }
    }

    #[test]
    fn names_of_families_do_not_collide() {
        for (a, b) in [
            ("get_tool", "get_tools"),
            ("page_one_1", "page_one_2"),
            ("add", "odd"),
            ("read_file", "write_file"),
            ("list_users", "list_issues"),
        ] {
            assert_eq!(collide(a, b), None, "{a} {b}");
        }
    }
}
