//! Names that could be taken for names of other upstreams: found among many without comparing each with each.
//!
//! Names that are equal but for their spelling (`send_email`, `Send-Email`) are what two servers of one kind have, and
//! public names tell them apart; what only looks the same, or is one slip away, is not.

use std::collections::HashMap;

use super::names::{Collision, collide, folded, skeleton};

/// Most names of others that are looked at.
const MOST: usize = 20_000;

/// Words that are one letter apart and both mean what they say: `get_user` is no slip of `set_user`.
const WORDS: [&str; 40] = [
    "get", "set", "let", "put", "add", "and", "all", "any", "run", "read", "head", "lead", "load", "lock",
    "look", "find", "bind", "list", "last", "move", "more", "send", "post", "poll", "pull", "push", "show",
    "slow", "stop", "step", "start", "stat", "text", "test", "next", "time", "type", "page", "user", "uses",
];

/// Which of `names` could be taken for one of `others`.
pub fn lookalikes<'a>(
    names: impl IntoIterator<Item = &'a str>,
    others: impl IntoIterator<Item = &'a str>,
) -> HashMap<&'a str, Collision> {
    let mut known: HashMap<String, Vec<&'a str>> = HashMap::new();
    for name in names {
        for key in keys(name) {
            known.entry(key).or_default().push(name);
        }
    }
    let mut found = HashMap::new();
    if known.is_empty() {
        return found;
    }
    for other in others.into_iter().take(MOST) {
        for name in keys(other).iter().filter_map(|key| known.get(key)).flatten() {
            if let Some(how) = passes(name, other) {
                let worst = found.entry(*name).or_insert(how);
                *worst = (*worst).max(how);
            }
        }
    }
    found
}

fn passes(name: &str, other: &str) -> Option<Collision> {
    match collide(name, other)? {
        Collision::Same => None,
        Collision::Confusable => Some(Collision::Confusable),
        Collision::Near => (!both_words(name, other)).then_some(Collision::Near),
    }
}

/// Whether the names differ in one word, and both are words of the list.
fn both_words(name: &str, other: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let mut words = vec![String::new()];
        let mut small = false;
        for c in text.chars() {
            if !c.is_alphanumeric() || (small && c.is_uppercase()) {
                words.push(String::new());
            }
            small = c.is_lowercase();
            if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
                word.extend(c.to_lowercase());
            }
        }
        words
    };
    let (one, two) = (words(name), words(other));
    let differ: Vec<_> = one.iter().zip(&two).filter(|(a, b)| a != b).collect();
    let known = |word: &String| WORDS.contains(&word.as_str());
    one.len() == two.len() && !differ.is_empty() && differ.iter().all(|(a, b)| known(a) && known(b))
}

/// Two names that collide share a key: the skeleton, or the letters without one of them.
fn keys(name: &str) -> Vec<String> {
    let letters: Vec<char> = folded(name).chars().collect();
    let without = |at: usize| -> String {
        letters.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, c)| *c).collect()
    };
    let mut keys: Vec<String> = (0..=letters.len()).map(without).collect();
    keys.push(format!("={}", skeleton(name)));
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collision_is_found_among_many() {
        let many: Vec<String> = (0..500).map(|n| format!("tool_number_{}", n * 7)).collect();
        let others = ["search_docs", "send_email", "modern_tool", "set_user", "read_file"];
        let all = || others.into_iter().chain(many.iter().map(String::as_str));
        for (name, how) in [
            ("serach_docs", Some(Collision::Near)),
            ("search_doc", None),
            ("search_dcs", Some(Collision::Near)),
            ("send_emaiI", Some(Collision::Confusable)),
            ("rnodern_tool", Some(Collision::Confusable)),
            ("Send-Email", None),
            ("send_email", None),
            ("get_user", None),
            ("getUser", None),
            ("write_file", None),
        ] {
            assert_eq!(lookalikes([name], all()).get(name).copied(), how, "{name}");
        }
    }

    proptest::proptest! {
        /// What a comparison of each with each would find is found.
        #[test]
        fn the_index_agrees_with_the_comparison(a in "[a-d_]{5,9}", b in "[a-d_]{5,9}") {
            proptest::prop_assert_eq!(lookalikes([a.as_str()], [b.as_str()]).contains_key(a.as_str()), passes(&a, &b).is_some());
        }
    }
}
