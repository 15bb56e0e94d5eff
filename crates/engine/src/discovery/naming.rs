//! Public names of one gateway's tools or prompts.
//!
//! `slug(gateway)-slug(name)`. Two originals with one slug get `-2`, `-3` … in the order of their original names;
//! what has a name already keeps it, so that a new tool upstream never renames an old one. The table is stored
//! and never taken apart again at call time.

use std::collections::BTreeSet;

use domain::name;

use super::taken::Foreign;

/// One thing to be named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The upstream's name.
    pub(crate) original: &'a str,
    /// The name that people gave it; the original where they gave none.
    pub(crate) custom: &'a str,
    /// The slug that it has now, where it is stored already.
    pub(crate) held: Option<&'a str>,
}

/// The outcome: slugs in the order of the candidates, and a note for every suffix.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// One slug for each candidate.
    pub(crate) slugs: Vec<String>,
    /// What people should know.
    pub(crate) notes: Vec<String>,
}

/// The public name of a slug.
pub(crate) fn public(gateway_slug: &str, separator: &str, slug: &str) -> String {
    format!("{gateway_slug}{separator}{slug}")
}

/// Gives every candidate its own slug, and none that others hold; `foreign` says which these are.
pub(crate) fn assign(candidates: &[Candidate<'_>], separator: &str, foreign: &Foreign) -> Names {
    let bases: Vec<String> = candidates.iter().map(|candidate| base(candidate.custom, separator)).collect();
    let mut slugs: Vec<Option<String>> = vec![None; candidates.len()];
    let mut taken = BTreeSet::new();
    let mut notes = Vec::new();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|at| candidates.get(*at).map(|candidate| candidate.original));

    // Whoever holds a slug that still fits keeps it; then the rest take their own; then suffixes are given.
    for at in order.iter().copied() {
        if let (Some(candidate), Some(base), Some(slot)) =
            (candidates.get(at), bases.get(at), slugs.get_mut(at))
            && let Some(held) = candidate.held
            && fits(held, base, separator)
            && !(foreign.given_up && foreign.slugs.contains(held))
            && taken.insert(held.to_owned())
        {
            *slot = Some(held.to_owned());
        }
    }
    for at in order.iter().copied() {
        if let (Some(base), Some(slot)) = (bases.get(at), slugs.get_mut(at))
            && slot.is_none()
            && !foreign.slugs.contains(base)
            && taken.insert(base.clone())
        {
            *slot = Some(base.clone());
        }
    }
    for at in order {
        if let (Some(candidate), Some(base), Some(slot)) =
            (candidates.get(at), bases.get(at), slugs.get_mut(at))
            && slot.is_none()
        {
            // One of as many suffixes as there are slugs, and one more, is free.
            let free = (2..taken.len() + foreign.slugs.len() + 3)
                .map(|n| format!("{base}{separator}{n}"))
                .find(|slug| !taken.contains(slug) && !foreign.slugs.contains(slug));
            let slug = free.unwrap_or_else(|| base.clone());
            notes.push(format!(
                "{}: another name has the same slug; it is listed as {slug}",
                candidate.original
            ));
            taken.insert(slug.clone());
            *slot = Some(slug);
        }
    }
    Names { slugs: slugs.into_iter().flatten().collect(), notes }
}

/// A name without a letter or digit of ASCII still needs a slug.
fn base(custom: &str, separator: &str) -> String {
    let slug = name::slug(custom, separator);
    if slug.is_empty() { "unnamed".to_owned() } else { slug }
}

fn fits(held: &str, base: &str, separator: &str) -> bool {
    held == base
        || held
            .strip_prefix(base)
            .and_then(|rest| rest.strip_prefix(separator))
            .and_then(|number| number.parse::<u32>().ok())
            .is_some_and(|number| number >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(candidates: &[Candidate<'_>], separator: &str) -> Names {
        super::assign(candidates, separator, &Foreign::default())
    }

    fn fresh(original: &str) -> Candidate<'_> {
        Candidate { original, custom: original, held: None }
    }

    #[test]
    fn equal_slugs_get_suffixes_in_the_order_of_their_originals() {
        let names = assign(&[fresh("get_time"), fresh("echo"), fresh("get-time"), fresh("get time")], "-");
        assert_eq!(names.slugs, ["get-time-3", "echo", "get-time-2", "get-time"]);
        assert_eq!(names.notes.len(), 2);
        assert_eq!(public("time-server", "-", "echo"), "time-server-echo");
    }

    #[test]
    fn a_new_tool_does_not_rename_an_old_one() {
        let held = Candidate { original: "get_time", custom: "get_time", held: Some("get-time") };
        assert_eq!(assign(&[fresh("get-time"), held], "-").slugs, ["get-time-2", "get-time"]);
        let second = Candidate { original: "get_time", custom: "get_time", held: Some("get-time-2") };
        assert_eq!(assign(&[fresh("get-time"), second], "-").slugs, ["get-time", "get-time-2"]);
    }

    #[test]
    fn a_suffix_never_takes_the_slug_of_another_tool() {
        let names = assign(&[fresh("a_b"), fresh("a-b"), fresh("a-b-2")], "-");
        assert_eq!(names.slugs, ["a-b-3", "a-b", "a-b-2"]);
    }

    #[test]
    fn what_others_hold_is_left_to_them() {
        let slugs = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let mut foreign = Foreign { slugs: slugs(&["search", "search-2", "echo"]), given_up: false };
        let held = Candidate { original: "echo", custom: "echo", held: Some("echo") };
        let names = super::assign(&[fresh("search"), held], "-", &foreign);
        assert_eq!(names.slugs, ["search-3", "echo"], "what has its name keeps it");
        assert_eq!(names.notes.len(), 1);
        foreign.given_up = true;
        let held = Candidate { original: "echo", custom: "echo", held: Some("echo") };
        assert_eq!(super::assign(&[held], "-", &foreign).slugs, ["echo-2"]);
    }

    #[test]
    fn a_custom_name_and_another_separator_change_the_slug() {
        let renamed = Candidate { original: "get_time", custom: "Now", held: Some("get-time") };
        assert_eq!(assign(&[renamed], "-").slugs, ["now"]);
        let moved = Candidate { original: "get_time", custom: "get_time", held: Some("get-time") };
        assert_eq!(assign(&[moved], "_").slugs, ["get_time"]);
        assert_eq!(assign(&[fresh("日本")], "-").slugs, ["unnamed"]);
    }
}
